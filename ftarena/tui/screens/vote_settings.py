"""How votes are collected in this arena: every setting, what it means, and keys that change it."""

from dataclasses import fields
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from ftarena.errors import FtarenaError
from ftarena.text import clean_line

if TYPE_CHECKING:
    from ftarena.arena.settings import ArenaSettings
    from ftarena.tui.desk import Desk

_USUAL: dict[str, tuple[str, ...]] = {
    "sampler": ("uniform", "balanced", "informative"),
    "overlap": ("all", "1", "2", "3", "5"),
    "lease_minutes": ("5", "15", "30", "60", "240"),
    "names": ("never", "after", "end"),
    "criteria": ("none", "helpful,correct", "helpful,correct,style,safe"),
    "strength": ("off", "on"),
    "attention": ("0", "0.05", "0.1", "0.2"),
    "pace": ("together", "paced", "raw"),
}
"""What ← and → go through; other values are typed."""


class VoteSettingsScreen(ModalScreen[None]):
    """Shows and changes the settings of an arena. Each change is kept at once, for everybody who votes."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("j,down", "move(1)", "next"),
        Binding("k,up", "move(-1)", "previous"),
        Binding("right,l,space", "step(1)", "change"),
        Binding("left,h", "step(-1)", "change back"),
        Binding("e,enter", "type", "type a value"),
        Binding("escape,q,o", "close", "close"),
    ]

    def __init__(self, desk: "Desk") -> None:
        super().__init__()
        self.desk = desk
        self._settings: ArenaSettings | None = None
        self._keys = list(_USUAL)
        self._row = 0

    def compose(self) -> ComposeResult:
        """Show what this is, the settings, the keys."""
        with VerticalScroll(id="collecting", classes="dialog") as box:
            box.can_focus = False
            box.border_title = Content("how votes are collected")
            yield Static("", id="settings", markup=False)
            trouble = Static("", id="trouble", markup=False)
            trouble.display = False
            yield trouble
            yield Static(
                Content.assemble(
                    ("↑ ↓", "bold"), " choose   ", ("← →", "bold"), " change   ", ("e", "bold"),
                    " type a value   ", ("esc", "bold"), " close",
                )
            )  # fmt: skip

    def on_mount(self) -> None:
        """Read the settings."""
        self.load()

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def load(self) -> None:
        """Read the settings and show them."""
        from ftarena.arena.settings import read_settings

        self._settings = await self.desk.ask(read_settings)
        self._show()

    def _show(self) -> None:
        from ftarena.arena.settings import MEANINGS, ArenaSettings, in_words

        if self._settings is None:
            return
        self._keys = [field.name for field in fields(ArenaSettings)]
        lines = []
        for number, key in enumerate(self._keys):
            here = number == self._row
            value = clean_line(in_words(self._settings, key))
            line = f"{'▸' if here else ' '} {key:<14} {value}"
            lines.append(Content.styled(line, "bold reverse" if here else ""))
        about = (
            f"{MEANINGS[self._keys[self._row]]}. Kept with this arena: everybody who votes here follows it."
        )
        self.query_one("#settings", Static).update(Content("\n").join([*lines, Content(""), Content(about)]))

    def action_move(self, by: int) -> None:
        """Go to another setting."""
        self._row = (self._row + by) % len(self._keys)
        self._say("")
        self._show()

    def action_step(self, by: int) -> None:
        """Take the next usual value."""
        from ftarena.arena.settings import in_words

        if self._settings is None:
            return
        key = self._keys[self._row]
        usual = _USUAL.get(key, ())
        now = in_words(self._settings, key)
        place = usual.index(now) if now in usual else -1 if by > 0 else len(usual)
        if usual:
            self.change(key, usual[(place + by) % len(usual)])

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def change(self, key: str, value: str) -> None:
        """Keep a value."""
        from ftarena.arena.settings import write_settings

        self._settings = await self.desk.ask(lambda store: write_settings(store, {key: value}))
        self._say("")
        self._show()

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def action_type(self) -> None:
        """Ask for a value."""
        from ftarena.arena.settings import MEANINGS, in_words, write_settings
        from ftarena.tui.screens.ask import AskScreen

        if self._settings is None:
            return
        key = self._keys[self._row]
        value = await self.app.push_screen_wait(
            AskScreen(key, MEANINGS[key], text=in_words(self._settings, key), empty="")
        )
        if value is not None:
            self._settings = await self.desk.ask(lambda store: write_settings(store, {key: value}))
            self._say("")
            self._show()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say in the dialog why a value cannot be."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and isinstance(error, FtarenaError):
            event.stop()
            self._say(f"✕ {clean_line(error.message)}. {clean_line(error.hint)}")

    def _say(self, words: str) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = bool(words)
        trouble.update(Content(words))

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)
