"""Whether contestants could answer now, and if not, what hinders them, in a sentence."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ftarena.errors import FtarenaError
from ftarena.text import duration

if TYPE_CHECKING:
    from ftarena.serving.contestants import Contestant
    from ftarena.serving.engine import EngineStatus
    from ftarena.tui.desk import Desk


class Readiness(NamedTuple):
    """Whether all can answer."""

    ready: bool
    words: str
    """What hinders them; empty when ready."""


async def readiness(desk: "Desk", contestants: "Iterable[Contestant]") -> Readiness:
    """Ask the engines of some contestants how they are; the first that hinders is told about.

    The words name no contestant, so that they may be shown blind.
    """
    for contestant in contestants:
        try:
            engine = await desk.engine_for(contestant)
        except FtarenaError as error:
            return Readiness(False, f"{error.message}. {error.hint}")
        if engine is None:
            continue
        status = await desk.run(engine.status)
        words = _hindrance(status)
        if words:
            return Readiness(False, words)
    return Readiness(True, "")


def _hindrance(status: "EngineStatus") -> str:
    match str(status.state):
        case "ready":
            return "The engine sleeps while a run trains." if status.asleep else ""
        case "starting":
            share = f" {status.progress * 100:.0f} %" if status.progress is not None else ""
            left = f", about {duration(status.eta_s)} left" if status.eta_s else ""
            return f"The engine is starting{share}{left}: {status.message}."
        case "failed":
            hint = f" {status.hint}." if status.hint else ""
            return f"The engine failed: {status.message}.{hint} F9 starts it again."
        case _:
            return "The engine is off, so nobody can answer yet. enter or F9 starts it (about a minute)."
