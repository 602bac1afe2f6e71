"""The next run out of the votes: what it would learn from, what it takes; y starts it."""

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, clean_text
from ftarena.tui.desk import Desk
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from ftarena.arena.improving import Improvement
    from ftarena.store import Store
    from ftarena.tui.app import FtarenaApp

_AGREEMENTS = (None, 0.6, 0.75, 1.0)
"""Least shares of the votes for the better answer that `a` goes through."""

_TAKEN = "the device is taken"
"""How a start is refused where other runs have the device."""


class ImproveScreen(Screen[None]):
    """Pairs, doubt, check and plan of the next run; closes when it is started, or left alone."""

    CSS_PATH = "improve.tcss"
    ABOUT = (
        "Makes the next run of the votes: preference pairs, trained from the best-rated run, which is also "
        "what it is compared with afterwards. Nothing is started before y."
    )
    HELP = (
        ("y", "start it; it goes on without this window, and takes part in the arena when it has ended"),
        ("m", "learn from pairs (dpo), or from answers labelled good and bad (kto)"),
        ("a", "ask for more agreement: a pair needs so large a share of the votes for its better answer"),
        ("j k", "scroll"),
        ("esc", "back to the scores; nothing is started"),
        ("doubt", "share of pairs taken to be the wrong way round, from how far labelers agree"),
        ("afterwards", "prompts that the next comparison can be fair on"),
    )
    BINDINGS = [
        Binding("y", "start", "start it"),
        Binding("m", "method", "dpo or kto"),
        Binding("a", "agreement", "agreement"),
        Binding("escape,q", "app.pop_screen", "back"),
        Binding("j,down", "scroll(1)", "scroll", show=False),
        Binding("k,up", "scroll(-1)", "scroll", show=False),
    ]

    app: "FtarenaApp"

    def __init__(self, desk: Desk) -> None:
        """Read nothing yet.

        Args:
            desk: The project.
        """
        super().__init__()
        self.desk = desk
        self.improvement: Improvement | None = None
        self._method: str = "dpo"
        self._agreement: float | None = None
        self._busy = True

    def compose(self) -> ComposeResult:
        """A title, the page, the keys."""
        yield Static("", id="title", markup=False)
        with VerticalScroll():
            yield Rows(id="facts")
        yield KeyBar()

    def on_mount(self) -> None:
        """Prepare it."""
        self.query_one(VerticalScroll).focus()
        self.prepare()

    @work(exclusive=True, group="prepare", exit_on_error=False)
    async def prepare(self) -> None:
        """Make the pairs and say what they would take; a refusal is the page."""
        self._show(None, "Reading votes, data and model …")
        try:
            improvement = await self.desk.read(self._prepare)
        except FtarenaError as error:
            self._show(None, error.message, error.hint)
            return
        self._show(improvement)

    def _prepare(self, store: "Store") -> "Improvement":
        from ftarena.arena.improving import find_parent, prepare
        from ftarena.store import Selection
        from ftarena.store.preferences import PairFilter

        selection = Selection(contestants=self.desk.chosen)
        workspace = self.desk.workspace
        parent = find_parent(store, workspace, None, selection)
        which = PairFilter(selection, agreement=self._agreement)
        return prepare(store, workspace, parent, which, self._method)

    def _show(self, improvement: "Improvement | None", words: str = "", hint: str = "") -> None:
        self.improvement, self._busy = improvement, False
        share = "" if self._agreement is None else f", agreement {100 * self._agreement:.0f} % or more"
        heading = f" Improve: {self._method}{share}"
        if improvement is None:
            self._busy = not hint and words.endswith("…")
            lines = [clean_text(words), *([f"→ {clean_text(hint)}"] if hint else [])]
            self.query_one("#facts", Rows).show(
                lambda width: [row for line in lines for row in wrap([Piece(line)], width)]
            )
        else:
            heading += f" → {clean_line(improvement.recipe.name)}"
            facts = list(improvement.facts())
            begun = improvement.run
            if begun is not None:
                facts.insert(
                    0, ("begun", f"{clean_line(begun.id)} was made of exactly this: it {begun.state.told}")
                )
            self.query_one("#facts", Rows).show(lambda width: fact_rows(facts, width))
        self.query_one("#title", Static).update(Content.styled(heading, "bold"))
        self.refresh_bindings()

    def action_method(self) -> None:
        """Learn from the other kind of rows."""
        self._method = "kto" if self._method == "dpo" else "dpo"
        self.prepare()

    def action_agreement(self) -> None:
        """Ask for the next larger agreement, or for none again."""
        place = _AGREEMENTS.index(self._agreement)
        self._agreement = _AGREEMENTS[(place + 1) % len(_AGREEMENTS)]
        self.prepare()

    def action_scroll(self, by: int) -> None:
        """Scroll the page."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    @work(exclusive=True, group="start", exit_on_error=False)
    async def action_start(self) -> None:
        """Start it, or join it where it was begun, and go to the runs."""
        from ftarena.tui.screens.confirm import ConfirmScreen

        improvement = self.improvement
        if improvement is None:
            return
        errors = improvement.check.errors
        consequence = f"The check found {errors} errors in the pairs." if errors else ""
        if improvement.chance and improvement.run is None:
            consequence = f"{improvement.chance}. {consequence}".strip()
        if consequence:
            question = "Train on it all the same?"
            if not await self.app.push_screen_wait(ConfirmScreen(question, consequence)):
                return
        try:
            run_id = await asyncio.to_thread(_start, improvement, False)
        except FtarenaError as error:
            if not error.message.startswith(_TAKEN):
                raise
            wait = ConfirmScreen("Let it wait for its turn?", clean_line(error.message))
            if not await self.app.push_screen_wait(wait):
                return
            run_id = await asyncio.to_thread(_start, improvement, True)
        begun = improvement.run
        done = begun is not None and str(begun.state) == "finished"
        title = "Finished already" if done else "Started" if begun is None else "Goes on"
        self.app.notify(clean_line(run_id), title=title, markup=False)
        self.app.look_around()
        self.app.pop_screen()
        await self.app.action_go("runs")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to start only what can be started."""
        if action == "start":
            found = self.improvement
            return found is not None and (found.plan is None or found.plan.fits)
        return not self._busy if action in ("method", "agreement") else True

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.show_failure(event.worker.name, event.worker.error)


def _start(improvement: "Improvement", queue: bool) -> str:
    from ftarena.arena.improving import start

    return start(improvement, queue=queue).id


_TITLE_CELLS = 14


def fact_rows(facts: list[tuple[str, str]], width: int) -> list[Row]:
    """Return titles and words as rows, the titles in a column of their own.

    Args:
        facts: In this order; an empty title goes on below the one before.
        width: Cells a row.
    """
    rows: list[Row] = []
    for title, words in facts:
        first, *rest = wrap([Piece(words)], max(width - _TITLE_CELLS, 16))
        rows.append([Piece(title.ljust(_TITLE_CELLS), "quiet"), *first])
        rows += [[Piece(" " * _TITLE_CELLS), *row] for row in rest]
    return rows
