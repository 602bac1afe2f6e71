"""The whole log of a run, following it while it grows."""

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen

from ftarena.text import clean_line
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.transcript import Transcript

MOST_BYTES = 400_000
"""How much of the end is read: a huge log would only freeze the pane; the file's path stands on top."""


class LogScreen(Screen[None]):
    """One log file; its end is followed unless the reader scrolls up."""

    ABOUT = "The whole log of a run. Its end is followed unless you scroll up."
    HELP = (("j k", "scroll"), ("G", "to the end, and follow it"), ("esc", "back to the runs"))
    BINDINGS = [Binding("escape,q,l", "app.pop_screen", "back"), Binding("G", "end", "end")]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._offset = 0

    def compose(self) -> ComposeResult:
        """One pane and the keys."""
        pane = Transcript(gap=False)
        pane.border_title = Content(clean_line(str(self._path)))
        yield pane
        yield KeyBar()

    def on_mount(self) -> None:
        """Read what is there, then what comes."""
        self.query_one(Transcript).focus()
        self.follow()
        self.set_interval(1.0, self.follow)

    @work(exclusive=True, thread=False, group="log", exit_on_error=False)
    async def follow(self) -> None:
        """Append what was written since."""
        import asyncio

        text = await asyncio.to_thread(self._read)
        pane = self.query_one(Transcript)
        if text and not pane.plain:
            pane.add("log", text)
            pane.scroll_end(animate=False)
        elif text:
            pane.append(text)

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                end = file.seek(0, 2)
                if not self._offset:
                    self._offset = max(end - MOST_BYTES, 0)
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return ""
        self._offset += len(data)
        return data.decode("utf-8", errors="replace")

    def action_end(self) -> None:
        """Go to the end and follow it."""
        self.query_one(Transcript).scroll_end(animate=False)
