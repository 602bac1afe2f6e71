"""Where a prompt is typed: enter sends, alt+enter makes a new line, a pasted text keeps its lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea

from ftarena.text import clean_text
from ftarena.tui.drawing.slash import complete


class PromptBox(TextArea):
    """A text area that grows to eight lines, remembers what was sent, and completes `/` commands."""

    BINDINGS = [
        Binding("enter", "submit", "send"),
        # alt+enter arrives in every terminal that was tried; ctrl+j is for those that eat it.
        Binding("alt+enter,ctrl+j", "newline", "new line", key_display="alt+enter"),
        Binding("tab", "complete", "complete", show=False),
        Binding("up", "earlier", "earlier prompt", show=False),
        Binding("down", "later", "later prompt", show=False),
    ]

    _OWN_KEYS = {
        "enter": "submit",
        "alt+enter": "newline",
        "ctrl+j": "newline",
        "tab": "complete",
        "up": "earlier",
        "down": "later",
    }

    @dataclass
    class Submitted(Message):
        """Enter was pressed on a text that is not empty. Handled by the chat, which sends it."""

        text: str

    @dataclass
    class Completions(Message):
        """The lines that what is being typed can become. Handled by the chat, which shows them."""

        lines: list[str]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, highlight_cursor_line=False, tab_behavior="focus")
        self.cursor_blink = False  # two repaints a second, for ever, over a slow line
        self.values: Mapping[str, Sequence[str]] = {}
        """Arguments that commands can have, for completion."""
        self._sent: list[str] = []
        self._place = 0  # in `_sent`; its length means: what is being typed
        self._draft = ""

    def action_submit(self) -> None:
        """Send what was typed and empty the box."""
        text = self.text.strip("\n")
        if not text.strip():
            return
        self._sent = [*self._sent[-99:], text]
        self._place = len(self._sent)
        self.clear()
        self.post_message(self.Submitted(text))

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def action_complete(self) -> None:
        """Complete a command; where there is none, go to the next widget."""
        lines = complete(self.text, self.values)
        if not self.text.startswith("/"):
            self.screen.focus_next()
        elif lines:
            self.put(lines[0])

    def put(self, text: str) -> None:
        """Replace what is in the box and go to its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def action_earlier(self) -> None:
        """On the first line: bring back the prompt sent before; else go up."""
        if self.cursor_location[0] > 0 or self._place == 0:
            self.action_cursor_up()
            return
        if self._place == len(self._sent):
            self._draft = self.text
        self._place -= 1
        self.put(self._sent[self._place])

    def action_later(self) -> None:
        """On the last line: bring back the prompt sent after; else go down."""
        if self.cursor_location[0] < self.document.line_count - 1 or self._place >= len(self._sent):
            self.action_cursor_down()
            return
        self._place += 1
        self.put(self._draft if self._place == len(self._sent) else self._sent[self._place])

    def on_text_area_changed(self) -> None:
        """Tell what the text could become."""
        self.post_message(self.Completions(complete(self.text, self.values)))

    async def _on_key(self, event: events.Key) -> None:
        # Not as priority bindings: those overtake letters that are still on their way to the box, so that a
        # fast "hello⏎" would send "hel", or nothing.
        if event.key in self._OWN_KEYS:
            event.prevent_default()
            event.stop()
            await self.run_action(self._OWN_KEYS[event.key])

    async def _on_paste(self, event: events.Paste) -> None:
        # A pasted text may carry escape sequences, which the terminal would be sent as they are.
        event.prevent_default()
        event.stop()
        if not self.read_only:
            self.insert(clean_text(event.text))
