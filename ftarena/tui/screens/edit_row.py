"""One row as JSON, to be changed; what it would become is told while one types."""

import json
from collections.abc import Callable
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from ftarena.text import clean_line, clean_text
from ftarena.tui.drawing.example import escaped

Validate = Callable[[Any], tuple[bool, str]]
"""From a value to whether it can be a row, and in words as what, or why not."""

_JUDGE_AFTER_S = 0.15


class RowEditor(TextArea):
    """A text area whose own keys save; what is pasted cannot drive the terminal."""

    def __init__(self, text: str) -> None:
        super().__init__(text, compact=True, show_line_numbers=True, tab_behavior="focus")
        self.cursor_blink = False  # two repaints a second, for ever, over a slow line

    async def _on_key(self, event: events.Key) -> None:
        # Not as bindings with priority: those overtake letters that are still on their way.
        if event.key in ("alt+enter", "f2"):
            event.prevent_default()
            event.stop()
            await self.screen.run_action("save")

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert(escaped(event.text))


class EditRowScreen(ModalScreen[dict[str, Any] | None]):
    """Closes with the new row, or with None if nothing was changed."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("alt+enter", "save", "save"),
        Binding("f2", "save", "save", show=False),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, where: str, text: str, validate: Validate) -> None:
        """Prepare the text.

        Args:
            where: The row's place, as the dialog's title says it.
            text: The row as it is now, JSON; or the line that could not be read.
            validate: Judges what was typed.
        """
        super().__init__()
        self._where, self._validate = clean_line(where), validate
        self._before = text
        self._warned = False

    def compose(self) -> ComposeResult:
        """Show the text, the judgement, the keys."""
        with Vertical(classes="dialog", id="edit") as box:
            box.border_title = Content(f"edit {self._where}")
            yield RowEditor(self._before)
            yield Static("", id="judgement", markup=False)
            yield Static(
                Content.assemble(
                    ("alt+enter", "bold"), " or ", ("F2", "bold"), " save   ", ("esc", "bold"), " cancel"
                )
            )

    def on_mount(self) -> None:
        """Judge what is there already."""
        self._judge()

    @on(TextArea.Changed)
    def _changed(self) -> None:
        self._warned = False
        if self._judging is not None:
            self._judging.stop()
        self._judging = self.set_timer(_JUDGE_AFTER_S, self._judge)  # a long row takes a while to parse

    _judging: Any = None

    def _judged(self) -> tuple[dict[str, Any] | None, str]:
        """Return the row that was typed, or None, and the judgement in words."""
        text = self.query_one(RowEditor).text
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            said = error.msg.lower().removesuffix(" at").removesuffix(" starting")
            return None, f"line {error.lineno}, column {error.colno}: {said}"
        except (ValueError, RecursionError):
            return None, "a number too long, or nested too deeply"
        if not isinstance(value, dict):
            return None, "a row is a JSON object: { … }"
        fits, words = self._validate(value)
        return (value if fits else None), words

    def _judge(self) -> None:
        value, words = self._judged()
        self._say(words, good=value is not None)

    def _say(self, words: str, *, good: bool) -> None:
        shown = self.query_one("#judgement", Static)
        shown.set_class(not good, "-bad")
        shown.update(Content(f"{'●' if good else '✕'} {clean_text(words)}"))

    def action_save(self) -> None:
        """Close with the new row; where it could not be used, say why and stay."""
        value, words = self._judged()
        if value is None:
            self._say(words, good=False)
            self.app.bell()
        elif self.query_one(RowEditor).text == self._before:
            self.dismiss(None)
        else:
            self.dismiss(value)

    def action_cancel(self) -> None:
        """Close without changing anything; what was typed is dropped only when asked twice."""
        if self.query_one(RowEditor).text == self._before or self._warned:
            self.dismiss(None)
            return
        self._warned = True
        self._say("esc again drops what you have typed", good=False)
