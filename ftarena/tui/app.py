"""The app: wires places, keys and what is going on together; does nothing itself.

`run` is what the command line calls. Its return value is the exit code, except for `RUN_DEMO`: the person
asked for the demo, which belongs into the plain terminal; the caller runs it and may come back.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen

from ftarena.errors import FtarenaError, UsageError
from ftarena.tui.desk import Desk
from ftarena.tui.leaving import leaving_nothing
from ftarena.tui.screens.place import RUN_DEMO
from ftarena.tui.settings import load_settings, save_settings
from ftarena.tui.situation import Situation, farewell, look
from ftarena.tui.terminal_keys import teach_textual
from ftarena.tui.troubles import Troubles
from ftarena.tui.widgets.top_bar import PLACES, TopBar
from ftarena.workspace import Workspace

_LOOK_EVERY_S = 1.0

COLLECTING = (
    ("names", "never", "Names in Vote: never shown"),
    ("names", "after", "Names in Vote: shown after each vote"),
    ("names", "end", "Names in Vote: shown at the end"),
    ("sampler", "uniform", "Next battle: any, all with the same chance"),
    ("sampler", "balanced", "Next battle: the pair and prompt that were had least"),
    ("sampler", "informative", "Next battle: where the verdict is least certain"),
    ("pace", "together", "Blind chat: both answers appear together"),
    ("pace", "paced", "Blind chat: both answers appear at one steady speed"),
    ("pace", "raw", "Blind chat: answers appear as they come, which may tell"),
)
"""What the palette offers of how votes are collected: setting, value, words."""


class FtarenaApp(Troubles):
    """The five places of one project."""

    CSS_PATH = "frame.tcss"
    TITLE = "ftarena"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = [
        *(Binding(str(place.number), f"go('{place.name}')", place.title, show=False) for place in PLACES),
        *(
            # With priority, so that they work while a text is being typed.
            Binding(f"f{place.number}", f"go('{place.name}')", place.title, show=False, priority=True)
            for place in PLACES
        ),
        Binding("f9", "start_engine", "start the engine", show=False, priority=True),
        Binding("question_mark", "help", "help"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "", show=False),
    ]

    situation: reactive[Situation] = reactive(Situation(looked=False))
    """Engines and runs, read anew every second. Places watch it."""

    def __init__(
        self,
        desk: Desk,
        place: str = "chat",
        data: Sequence[str] = (),
        columns: str | None = None,
        *,
        booth: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            desk: The project.
            place: Where to begin.
            data: What the place Data opens first: files, directories, data sets of the hub.
            columns: What the columns of these mean: `prompt=question,completion=answer`. None: what is
                remembered, else the usual.
            booth: Open the place Vote only: for labelers who are never to learn the names.
        """
        super().__init__()
        self.desk = desk
        self.booth = booth
        self._data, self._columns = tuple(data), columns
        self.settings = load_settings(self._settings_file)
        self._mounted_theme = ""
        self._enlisted: frozenset[str] = frozenset()  # runs that are known to be contestants
        self._first = "vote" if booth else place if place in [p.name for p in PLACES] else "chat"
        for name in (p.name for p in PLACES):
            self.add_mode(name, partial(self._place, name))

    @property
    def _settings_file(self) -> Path:
        return self.desk.workspace.root / "settings.json"

    def _place(self, name: str) -> Screen[None]:
        # Imported when first gone to: the first frame pays for one place only.
        if name == "chat":
            from ftarena.tui.screens.chat import ChatScreen

            return ChatScreen(self.desk)
        if name == "vote":
            from ftarena.tui.screens.vote import VoteScreen

            return VoteScreen(self.desk)
        if name == "scores":
            from ftarena.tui.screens.scores import ScoresScreen

            return ScoresScreen(self.desk)
        if name == "runs":
            from ftarena.tui.screens.runs import RunsScreen

            return RunsScreen(self.desk)
        from ftarena.tui.screens.data import DataScreen

        return DataScreen(self.desk, self._data, self._columns)

    async def on_mount(self) -> None:
        """Go to the first place; look around only once it has been painted."""
        if self.settings.theme in self.available_themes:
            self.theme = self.settings.theme
        self._mounted_theme = self.theme
        await self.switch_mode(self._first)
        self.call_after_refresh(self._watch_situation)

    async def on_unmount(self) -> None:
        """Close what was opened."""
        await self.desk.aclose()

    # What is going on

    def _watch_situation(self) -> None:
        self.look_around()
        self.set_interval(_LOOK_EVERY_S, self.look_around)

    @work(exclusive=True, group="situation", exit_on_error=False)
    async def look_around(self) -> None:
        """Read the state of engines and runs; what has finished training becomes a contestant."""
        situation = await self.desk.run(look, self.desk.workspace)
        if situation.able - self._enlisted:
            from ftarena.arena.lineup import sync_lineup

            await self.desk.ask(lambda store: sync_lineup(store, self.desk.workspace))
            self._enlisted = situation.able
        self.situation = situation

    @work(exclusive=True, group="engine", exit_on_error=False)
    async def start_engines(self) -> None:
        """Start the engines of all contestants that are not running; returns before they are ready."""
        from ftarena.serving.contestants import Contestant

        started = set()
        for row in await self.desk.contestants():
            engine = await self.desk.engine_for(Contestant.model_validate_json(row.spec_json or ""))
            if engine is not None and engine.status().base_model not in started:
                started.add(engine.status().base_model)
                await self.desk.run(engine.start)
        if not started:
            raise FtarenaError(
                "there is no model yet that an engine could serve", "run the demo, or train one"
            )
        self.look_around()

    # Actions

    async def action_go(self, place: str) -> None:
        """Go to a place; what is under way in the one that is left goes on."""
        if isinstance(self.screen, ModalScreen):  # which asks something about the place below it
            return
        if self.booth and place != "vote":
            self.notify(
                "Names are hidden from labelers, and the other places show them. Whoever set this up opens"
                " the whole program with: ftarena",
                title="This is a booth: voting only",
                markup=False,
            )
            return
        await self.switch_mode(place)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the F-keys to a dialog that is open."""
        return not (action == "go" and isinstance(self.screen, ModalScreen))

    @on(TopBar.Go)
    async def _go(self, event: TopBar.Go) -> None:
        await self.action_go(event.place)

    def action_start_engine(self) -> None:
        """Start what answers."""
        self.start_engines()

    def action_help(self) -> None:
        """Show what this place is for and what its keys do."""
        from ftarena.tui.screens.help import HelpScreen

        about = getattr(self.screen, "ABOUT", "")
        if about:
            self.push_screen(HelpScreen(about, self.screen.HELP))

    def action_interrupt(self) -> None:
        """Explain what ctrl+c does not do."""
        self.notify("While typing: esc, then q. Nothing is lost by quitting.", title="q quits", markup=False)

    async def action_quit(self) -> None:
        """Close the interface; engine and runs go on."""
        self.exit(0)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """List what the palette offers: this place's actions, the places, the settings."""
        # Not `screen.active_bindings`: while a text is being typed the letters are missing there, and all the
        # cursor keys of the text are in.
        offered = set()
        for node in (screen, self):
            for key, binding in node._bindings:
                name, _, argument = binding.action.partition("(")
                if not binding.description or binding.action in offered:
                    continue
                if self.booth and name == "go":
                    continue
                if node.check_action(name, (argument,)):
                    offered.add(binding.action)
                    run = partial(self.run_action, binding.action, default_namespace=node)
                    yield SystemCommand(_sentence(binding.description), f"key {key}", run)
        yield SystemCommand("Theme", "Colours, light and dark; remembered", self.action_change_theme)
        for key, value, words in () if self.booth else COLLECTING:
            run = partial(self.set_arena, key, value)
            yield SystemCommand(words, "For everybody who votes in this arena", run)

    # Settings

    @work(exclusive=True, group="arena", exit_on_error=False)
    async def set_arena(self, key: str, value: str) -> None:
        """Change how votes are collected."""
        from ftarena.arena.settings import MEANINGS, write_settings

        await self.desk.ask(lambda store: write_settings(store, {key: value}))
        self.notify(MEANINGS[key], title=f"{key} is {value} from the next battle on", markup=False)

    async def move_names_into_arena(self) -> None:
        """Let the arena know when names are shown, where an older version kept that in the settings here."""
        names = self.settings.reveal
        if names is not None:
            from ftarena.arena.settings import adopt_names

            await self.desk.ask(lambda store: adopt_names(store, names))
            self.settings = self.settings.without_reveal()
            save_settings(self._settings_file, self.settings)

    def remember_data(self, spec: str) -> None:
        """Remember what was opened in Data, so that it is offered the next time."""
        self.settings = self.settings.with_data(spec)
        save_settings(self._settings_file, self.settings)

    def remember_columns(self, columns: Mapping[Path, str]) -> None:
        """Remember what the columns of files mean; an empty text: the usual."""
        self.settings = self.settings.with_columns({str(path.absolute()): v for path, v in columns.items()})
        save_settings(self._settings_file, self.settings)

    def watch_theme(self, theme: str) -> None:
        """Remember a theme that was chosen."""
        if self._mounted_theme and theme != self._mounted_theme:
            self._mounted_theme = theme
            self.settings = self.settings.with_theme(theme)
            save_settings(self._settings_file, self.settings)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def run(
    workspace: Workspace,
    *,
    db: Path,
    place: str = "chat",
    labeler: str,
    contestants: Sequence[str] | None = None,
    data: Sequence[str] = (),
    columns: str | None = None,
    booth: bool = False,
    say: Callable[[str], object] = print,
) -> int:
    """Open the interface and return when it is closed.

    Args:
        workspace: The project; may not exist yet, and is not created by looking.
        db: Its votes; the same.
        place: Where to begin: `chat`, `vote`, `scores`, `runs` or `data`.
        labeler: Who votes.
        contestants: Names to compare; None means all that can answer.
        data: What the place Data opens first.
        columns: What their columns mean, as `--columns` says it.
        booth: Open the place Vote only.
        say: Told, line by line, what goes on after quitting.

    Returns:
        The exit code, or `RUN_DEMO`.

    Raises:
        UsageError: There is no terminal to draw on, or the columns are not understood.
    """
    if not sys.__stderr__ or not sys.__stderr__.isatty():
        raise UsageError(
            "the interface draws on standard error, which is not a terminal", "do not redirect 2>"
        )
    if columns:
        from ftarena.curation.shapes.columns import read_columns

        read_columns(columns)  # before the terminal is taken over
    teach_textual()
    app = FtarenaApp(Desk(workspace, db, labeler, contestants), place, data, columns, booth=booth)
    app.driver_class = leaving_nothing(app.driver_class)
    result = app.run()
    if result == RUN_DEMO:
        return RUN_DEMO
    for line in farewell(app.situation):
        say(line)
    return result if result is not None else app.return_code or 0
