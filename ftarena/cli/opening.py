"""Opening the full-screen program, and coming back to it after the demo."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ftarena.cli.app import labeler_name, places
from ftarena.errors import UsageError


def open_program(
    db: Path | None,
    labeler: str | None,
    contestants: list[str] | None,
    place: str,
    data: Sequence[str] = (),
    columns: str | None = None,
    *,
    booth: bool = False,
) -> int:
    """Open the full-screen program, or only its booth; where it asks for the demo, run that and come back."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the full-screen program needs a terminal, and input or output is not one",
            "in a pipe use line mode: ftarena vote --plain, ftarena score, ftarena chat -p …",
        )
    from ftarena.tui.app import run
    from ftarena.tui.screens.place import RUN_DEMO

    workspace, database = places(db)
    while True:
        result = run(
            workspace,
            db=database,
            place=place,
            labeler=labeler_name(labeler),
            contestants=contestants,
            data=data,
            columns=columns,
            booth=booth,
        )
        if result != RUN_DEMO:
            return result
        from ftarena.plain.demo import prepare_demo

        prepare_demo(workspace, database)
        place = "vote"
