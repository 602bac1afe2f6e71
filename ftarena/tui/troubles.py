"""How the interface tells what went wrong: two lines in a notice, the traceback in the project's log."""

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual import on
from textual.app import App
from textual.worker import Worker, WorkerState

from ftarena.errors import FtarenaError
from ftarena.text import clean_line, clean_text
from ftarena.tui.desk import Desk

_REPEATING = frozenset(
    (
        "look_around",
        "look",
        "load_contestants",
        "check_engines",
        "get_next_if_changed",
        "make_answers",
        "show_run",
    )
)
"""Work that is done every second or so: its failure must not be told every second."""


class Troubles(App[int]):
    """An app that never shows a traceback. Foreign text in an error is shown, never obeyed."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, str] = {}  # by kind of work, the failure that was told last
        self._logged: Path | None = None

    def show_error(self, error: FtarenaError) -> None:
        """Tell what went wrong and what mends it."""
        self.notify(
            clean_text(error.hint),
            title=clean_line(error.message),
            severity="error",
            timeout=10,
            markup=False,
        )

    def show_unexpected(self, work: str, error: BaseException) -> None:
        """Tell that something broke which should not; the traceback goes to the log."""
        path = self.log_traceback(error, work)
        self.notify(
            f"What happened is in {path}; please report it.",
            title=clean_line(f"{work or 'something'} broke: {type(error).__name__}"),
            severity="error",
            timeout=10,
            markup=False,
        )

    def show_failure(self, work: str, error: BaseException) -> None:
        """Tell that some work failed; of work that repeats itself, the same failure only once."""
        if work in _REPEATING:
            if self._told.get(work) == str(error):
                return
            self._told[work] = str(error)
        if isinstance(error, FtarenaError):
            self.show_error(error)
        else:
            self.show_unexpected(work, error)

    def log_traceback(self, error: BaseException, work: str = "") -> Path:
        """Append a traceback to the project's log and return where that is."""
        path = self.desk.workspace.ensure().log
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {clean_line(work)}\n")
            file.writelines(traceback.format_exception(error))
        return path

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self.show_failure(event.worker.name, error)

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print the traceback, with the locals, on the terminal.
        self._logged = self.log_traceback(error, "unexpected")
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        words: Any = f"ftarena broke; what happened is in {self._logged}. Please report it."
        self._exit_renderables.append(words)
        self._close_messages_no_wait()
