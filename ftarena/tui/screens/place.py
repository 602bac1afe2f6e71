"""What the five places have in common: the frame, the status on top, and how errors are told."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.worker import Worker, WorkerState

from ftarena.tui.desk import Desk
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.top_bar import PLACES, TopBar
from ftarena.tui.widgets.welcome import Welcome

_Answer = TypeVar("_Answer")

SMALLEST = (50, 14)
"""Cells below which two answers have no row left to be read in: there is no voting on what is not seen."""

RUN_DEMO = 64
"""Result of the app when `d` was pressed on a first start: the caller runs `ftarena demo`. No exit code."""

if TYPE_CHECKING:
    from ftarena.tui.app import FtarenaApp

FIRST_STEPS = (
    ("d", "runs the demo: 5 to 10 minutes, no GPU needed; fills every place"),
    ("4 n", "trains a model from a recipe of your own"),
    ("?", "says what this place is for"),
)
"""What to do where there is nothing yet."""


class Place(Screen[None]):
    """One of the numbered places. Subclasses give `NAME`, `HELP` and `compose_body`.

    Whatever may raise a `FtarenaError` runs in a worker (`@work(exit_on_error=False)`), whose failure is told
    here; so no handler needs a `try`.
    """

    NAME: ClassVar[str]
    """Name of the place, as `PLACES` has it."""

    HELP: ClassVar[Sequence[tuple[str, str]]] = ()
    """What `?` shows: (keys, what they do)."""

    ABOUT: ClassVar[str] = ""
    """What this place is for, in two sentences."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    """Panes stack below 100 columns."""

    app: "FtarenaApp"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._facts_shown = False

    def compose(self) -> ComposeResult:
        """Put the body between the two lines."""
        here = [place for place in PLACES if not self.app.booth or place.name == self.NAME]
        yield TopBar(self.desk.workspace.name, self.NAME, here)
        yield from self.compose_body()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """Yield what lies between top and bottom line."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow what is going on."""
        self.watch(self.app, "situation", self._situation_changed)

    def on_screen_resume(self) -> None:
        """Look at what other places and programs have done, once the frame is painted."""
        self.call_after_refresh(self.come_back)

    def come_back(self) -> None:
        """Read anew what may have changed while one was elsewhere; for subclasses."""

    def _situation_changed(self, situation: Situation) -> None:
        self.situation_changed(situation)
        self.refresh_status()

    def situation_changed(self, situation: Situation) -> None:
        """React to engines and runs; for subclasses."""

    def refresh_status(self) -> None:
        """Write the status on top anew."""
        self.query_one(TopBar).status = tuple(filter(None, self.status_words(self.app.situation)))

    def status_words(self, situation: Situation) -> Sequence[str]:
        """Return what the top line says, most important first."""
        return (situation.run_words(with_time=self.size.width >= 100), situation.engine_words())

    def on_resize(self) -> None:
        """There may be more room for the status, or less, or none for two answers."""
        width, height = self.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "-small")
        self.refresh_bindings()
        self.refresh_status()

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self.failed(event.worker.name, error)

    @work(group="facts", exit_on_error=False)
    async def show_facts(self) -> None:
        """Say below the first steps what was found on this machine. Looked for once a place."""
        from ftarena.tui.found import found_here

        if self._facts_shown:
            return
        self._facts_shown = True
        # Not in the desk's thread: a driver that hangs is waited for, ten seconds long.
        facts = await asyncio.to_thread(found_here, self.desk.workspace)
        self.query_one(Welcome).show_facts(facts)

    def action_demo(self) -> None:
        """Leave, so that the demo runs in the terminal."""
        self.app.exit(RUN_DEMO)

    async def ask(self, dialog: "ModalScreen[_Answer]") -> "_Answer | None":
        """Open a dialog, from a worker, and return how it was closed; no older notice lies over it."""
        self.app.clear_notifications()
        return await self.app.push_screen_wait(dialog)

    def failed(self, work: str, error: BaseException) -> None:
        """Tell that some work failed; subclasses may put it elsewhere than in a notice."""
        self.app.show_failure(work, error)
