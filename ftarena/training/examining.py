"""An exam that is under way: what it does is noted in the run's folder, so that the run's page can say it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.text import clean_line

EXAMINING = "examining.json"
"""Who examines a run and how far that is; gone when it is over."""

Tell = Callable[[str, float | None], None]


@contextmanager
def noted(directory: Path, tell: Tell) -> Iterator[Tell]:
    """Note in a run's folder what is told while it is examined, and pass it on.

    Args:
        directory: The run's folder.
        tell: What is told else.
    """
    note = directory / EXAMINING
    me = asdict(ProcessIdentity.current())
    said = ""

    def pass_on(line: str, part: float | None) -> None:
        nonlocal said
        words = line if part is None else f"{line} ({10 * int(10 * part)} %)"
        if words != said:  # not at each answer: every tenth is enough to see that it goes on
            said = words
            write_json(note, {**me, "doing": words})
        tell(line, part)

    try:
        pass_on("begins", None)
        yield pass_on
    finally:
        note.unlink(missing_ok=True)


def exam_under_way(directory: Path) -> str:
    """Return what the exam of a run does right now, or nothing where none goes on.

    Args:
        directory: The run's folder.
    """
    note = read_json(directory / EXAMINING)
    pid, started = note.get("pid"), note.get("started")
    if not isinstance(pid, int) or not isinstance(started, float) or pid <= 0:
        return ""
    return clean_line(str(note.get("doing", ""))) if ProcessIdentity(pid, started).alive() else ""
