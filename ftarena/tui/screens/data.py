"""Data: what is in the files, what is wrong with them, and what is done about it.

A check runs in a process of its own while one reads. Nothing here changes a data file: what is decided goes
into its sidecar and takes effect when the curated set is written (`a`).
"""

import asyncio
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Input, Static

from ftarena.curation.findings import CODES, Finding
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten
from ftarena.tui.data_check import check
from ftarena.tui.data_lists import (
    ALL,
    CODE_COLUMNS,
    DECIDED,
    PLACE_COLUMNS,
    AllRows,
    all_columns,
    code_rows,
    decided_rows,
    finding_rows,
)
from ftarena.tui.data_rows import Place as RowPlace
from ftarena.tui.data_rows import RowTable, key_of, matcher, place_of_key
from ftarena.tui.drawing.findings import headline, headline_rows, progress_words, title, why_rows
from ftarena.tui.drawing.pieces import Piece, Row, wrap
from ftarena.tui.looking import VIEWS, draw_looked, heading
from ftarena.tui.screens.data_deciding import Deciding
from ftarena.tui.screens.data_keys import ABOUT, BINDINGS, HELP
from ftarena.tui.screens.place import FIRST_STEPS
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.example_pane import ExamplePane
from ftarena.tui.widgets.row_list import RowList
from ftarena.tui.widgets.rows import Rows
from ftarena.tui.widgets.welcome import Welcome
from ftarena.tui.workbench import Looked, Workbench, matching

if TYPE_CHECKING:
    from ftarena.tui.desk import Desk

_STEPS = (("o", "opens a data file: JSONL, JSON, CSV, Parquet, a folder"), FIRST_STEPS[0], FIRST_STEPS[2])

_SPACIOUS = 150
"""Cells from which a twin stands beside the row; else below it."""


class DataScreen(Deciding):
    """Findings by kind, the rows that one of them is about, and one of these in full."""

    NAME = "data"
    CSS_PATH = "data.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]
    """On a low terminal the row itself needs the lines that say why a finding hurts."""

    ABOUT, HELP, BINDINGS = ABOUT, HELP, BINDINGS

    def __init__(self, desk: "Desk", data: Sequence[str] = ()) -> None:
        """Open nothing yet.

        Args:
            desk: The project.
            data: What is opened as soon as the screen is there.
        """
        super().__init__(desk)
        self.bench = Workbench()
        self._asked_for = tuple(data)
        self._specs: tuple[str, ...] = ()
        self._heldout: tuple[str, ...] = ()
        self._note = ""
        self._changed = False
        self._filter = ""
        self._found: list[tuple[int, Finding]] = []  # what the filter leaves, with its number in the report
        self._rows: int | None = None
        self._view = VIEWS[0]
        self.finding: Finding | None = None
        self.looked: Looked | None = None
        self.twin: Looked | None = None
        self._shown: tuple[object, ...] = ()
        self._go_back_to_end = False
        self._listed_kind = ""

    def compose_body(self) -> ComposeResult:
        """Facts, two lists, the row with its twin."""
        yield Rows(id="headline")
        with Container(id="body"):
            with Vertical(id="lists"):
                yield RowList(CODE_COLUMNS, id="codes", header=False, opens=False)
                yield Input(
                    placeholder="filter: code, words, line; enter keeps it, esc ends it",
                    id="filter",
                    compact=True,
                )
                yield RowList(PLACE_COLUMNS, id="places", header=False, opens=False)
            with Vertical(id="shown"):
                yield Rows(id="why")
                with Container(id="examples"):
                    yield ExamplePane(id="example")
                    yield ExamplePane(id="twin")
        yield Welcome("No data is open.", _STEPS, id="welcome")
        yield Static("Too small: enlarge to 80×24, or use ftarena check and ftarena data", id="small")

    def on_mount(self) -> None:
        """Open what was asked for, else say what could be."""
        super().on_mount()
        self.set_class(True, "-empty")
        self._codes.focus()
        if self._asked_for:
            self.open_files(self._asked_for, ())
        self.say_what_is_near()

    @work(exclusive=True, group="near", exit_on_error=False)
    async def say_what_is_near(self) -> None:
        """Name the files that could be opened, and say what this machine is."""
        from ftarena.tui.data_near import data_near

        near = await asyncio.to_thread(data_near, self.app.settings.data)
        if near and self.has_class("-empty"):
            listed = [("", shorten(spec, 70)) for spec in near[:5]]
            listed[0] = ("near", listed[0][1])
            self.query_one(Welcome).say("No data is open.", (*_STEPS, *listed))
        self.show_facts()

    @property
    def _codes(self) -> RowList:
        return self.query_one("#codes", RowList)

    @property
    def _places(self) -> RowList:
        return self.query_one("#places", RowList)

    def group(self) -> str:
        """Return the chosen kind."""
        return self._codes.current or ""

    def listed(self) -> list[Finding]:
        """Return what is listed of the chosen kind."""
        return [one for _, one in self._found if one.code == self.group()]

    def decided(self, place: RowPlace | None = None) -> None:
        """Show what has been decided: signs, counts, and the row as it is now."""
        self._take_findings()
        if place is not None:
            if isinstance(self._places.rows, AllRows):
                self._places.go_to(key_of(place))
            elif (
                key := next((f"#{n}" for n, one in self._found if (one.file, one.line) == place), None)
            ) is not None:
                self._places.go_to(key)
        self.show_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer enter and esc only where they do something."""
        allowed = super().check_action(action, parameters)
        if action == "inside":
            return allowed and self.focused is self._codes
        if action == "back":
            return allowed and self._inmost() != ""
        return allowed

    def _inmost(self) -> str:
        """Return what esc would leave."""
        if any(worker.group == "check" and worker.is_running for worker in self.workers):
            return "check"
        if self.has_class("-filtered"):
            return "filter"
        if self.has_class("-twin"):
            return "twin"
        return "rows" if self.has_class("-inside") or self.focused is not self._codes else ""

    def on_descendant_focus(self) -> None:
        """Other keys work in another pane."""
        self.refresh_bindings()

    def on_resize(self) -> None:
        """A twin has room beside the row only on a wide terminal."""
        super().on_resize()
        self.set_class(self.size.width >= _SPACIOUS, "-spacious")

    def status_words(self, situation: Situation) -> Sequence[str]:
        """Say first that a check is going on."""
        return (clean_line(self._note.split(",")[0]), *super().status_words(situation))

    def come_back(self) -> None:
        """The files may have been changed since."""
        if not self.has_class("-empty"):
            self.look_whether_changed()

    @work(exclusive=True, group="changed", exit_on_error=False)
    async def look_whether_changed(self) -> None:
        """Say so where a file is no longer the one that was checked."""
        self._changed = await asyncio.to_thread(lambda: self.bench.changed)
        self._say()

    # Opening and checking

    @work(exclusive=True, group="open", exit_on_error=False)
    async def open_files(self, train: Sequence[str], heldout: Sequence[str]) -> None:
        """Open files and check them."""
        from ftarena.tui.data_near import usual_model

        await asyncio.to_thread(self.bench.open, train, heldout)
        self._specs, self._heldout = tuple(train), tuple(heldout)
        self.app.remember_data(shlex.join(train)) if train else None
        self.set_class(False, "-empty")
        self.finding = self.looked = self.twin = self._rows = None
        self._filter, self._shown = "", ()
        self.query_one("#filter", Input).value = ""
        self.remove_class("-filtered", "-inside", "-twin")
        self._take_findings()
        self._codes.focus()
        self.refresh_bindings()
        if self.bench.model is None:
            paths = [source.path for source in self.bench.sources]
            self.bench.model = await asyncio.to_thread(usual_model, paths, self.desk.workspace)
        self.check_files()

    @work(exclusive=True, group="check", exit_on_error=False)
    async def check_files(self) -> None:
        """Check what is open, unless the same was checked already and has not changed."""
        self._say("◐ checking  (esc cancels)")
        try:
            order = self.bench.order(await self._arena_prompts())
            stamp = await asyncio.to_thread(self.bench.look_at_files)
            report = self.bench.known(order)
            if report is None:
                report = await check(order, lambda progress: self._say(progress_words(progress)))
            self.bench.keep(order, stamp, report)
            self._changed = False
            self._say("")
            self._take_findings(anew=True)
        except asyncio.CancelledError:
            self._say("the check was cancelled: c checks")
            raise
        except FtarenaError:
            self._say("not checked: c tries again")
            raise

    async def _arena_prompts(self) -> list[str]:
        if not self.desk.exists:
            return []
        prompts = await self.desk.read(lambda store: store.prompts())
        return ["\n".join(turn.content for turn in p.turns if turn.role == "user") for p in prompts]

    def action_open(self) -> None:
        """Ask what to open."""
        self._ask_for_files(heldout=False)

    def action_heldout(self) -> None:
        """Ask for files that are kept aside for evaluation."""
        self._ask_for_files(heldout=True)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def _ask_for_files(self, *, heldout: bool) -> None:
        from ftarena.tui.data_near import PathSuggester, data_near, specs
        from ftarena.tui.screens.ask import AskScreen

        near = await asyncio.to_thread(data_near, self.app.settings.data)
        question = "Which held-out file?" if heldout else "Which data?"
        note = (
            "Kept aside for evaluation: none of its questions should be trained on. Empty: none any more."
            if heldout
            else "A file, a folder, several of them, or a data set of the hub. → completes."
        )
        text = shlex.join(self._heldout) if heldout else "" if not near or self._specs else near[0]
        asked = AskScreen(
            question,
            note,
            suggestions=near,
            text=text,
            suggester=PathSuggester(near),
            empty="" if heldout else None,
        )
        answer = await self.app.push_screen_wait(asked)
        if answer is not None:
            given = await asyncio.to_thread(specs, answer)
            self.open_files(self._specs if heldout else given, given if heldout else self._heldout)

    def action_again(self) -> None:
        """Check again."""
        self.check_files()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_model(self) -> None:
        """Ask for the model whose tokens are counted and shown."""
        from ftarena.tui.data_near import models_near, read_model
        from ftarena.tui.screens.ask import AskScreen

        near = await asyncio.to_thread(models_near, self.desk.workspace)
        now = self.bench.model
        answer = await self.app.push_screen_wait(
            AskScreen(
                "Which model's tokens?",
                "A name, then the most tokens that an example may have (max_length).",
                suggestions=near,
                text=f"{now.name} {now.max_length}" if now else (near[0] if near else ""),
            )
        )
        if answer is not None:
            self.bench.model = await asyncio.to_thread(read_model, answer)
            self._shown = ()
            self.check_files()

    # The lists

    def _take_findings(self, *, anew: bool = False) -> None:
        """List what was found, as the filter leaves it.

        Args:
            anew: After a check: then go to the worst, unless a kind has been chosen.
        """
        report = self.bench.report
        findings = report.findings if report else ()
        numbers = {id(one): number for number, one in enumerate(findings)}
        self._found = [(numbers[id(one)], one) for one in matching(findings, self._filter, title)]
        rows = code_rows(
            report,
            [one for _, one in self._found],
            filtered=bool(self._filter.strip()),
            decided=len(self.bench.signs),
            rows=self._rows,
        )
        chosen = self._codes.current
        stays = chosen in [row.key for row in rows]
        if anew and chosen == ALL and not self.has_class("-inside"):
            stays = False
        self._codes.show_rows(rows, at=chosen if stays else rows[0].key)
        self._say()

    @on(RowList.Moved, "#codes")
    def _fill_places(self, event: RowList.Moved) -> None:
        code = event.key
        many = len(self.bench.sources) > 1
        if code == ALL:
            self._list_all_rows()
            return
        self.workers.cancel_group(self, "rows")
        self._places.columns = PLACE_COLUMNS
        if code == DECIDED:
            rows = decided_rows(self.bench.decided_places(), many=many)
        else:
            found = [(number, one) for number, one in self._found if one.code == code]
            rows = finding_rows(found, self.bench.signs, many=many)
        at = None
        if rows and code != self._listed_kind:
            at = rows[-1 if self._go_back_to_end else 0].key
        self._listed_kind, self._go_back_to_end = code, False
        self._places.show_rows(rows, at=at)

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def _list_all_rows(self) -> None:
        """List every row, or those in which the filter's words occur (or the line it names)."""
        needle = self._filter.strip()
        keep = matcher(needle) if needle and not needle.isdecimal() else None
        sources = self.bench.sources
        self._places.loading = True
        try:
            tables = await asyncio.to_thread(lambda: [RowTable.build(source, keep) for source in sources])
        finally:
            self._places.loading = False
        rows = AllRows(tables, lambda place: self.bench.signs.get(place, " "), self._fetch_beginnings)
        lines = max((table.lines[-1] for table in tables if len(table)), default=0)
        self._places.columns = all_columns(lines, [source.path.name for source in sources])
        at = None
        if needle.isdecimal():
            at = rows.nearest(int(needle))
        elif self._listed_kind != ALL and len(rows):
            at = rows[0].key
        self._listed_kind = ALL
        if not needle:
            self._rows = len(rows)
        self._places.show_rows(rows, at=at)
        if not len(rows):
            self._show_nothing("no row holds that" if needle else "there is no row")

    def _fetch_beginnings(self) -> None:
        self.call_later(self._read_beginnings)

    @work(group="beginnings", exit_on_error=False)
    async def _read_beginnings(self) -> None:
        rows = self._places.rows
        if isinstance(rows, AllRows):
            await asyncio.to_thread(rows.fetch)
            self._places.refresh()

    def action_inside(self) -> None:
        """Go from the kinds to the rows of the chosen one."""
        self.add_class("-inside")
        self._places.focus()

    def action_pane(self, by: int) -> None:
        """Go to the next pane: kinds, rows, the row, its twin."""
        panes = [self._codes, self._places, self.query_one("#example")]
        panes += [self.query_one("#twin")] if self.has_class("-twin") else []
        now = next((number for number, pane in enumerate(panes) if pane.has_focus), 0)
        chosen = panes[(now + by) % len(panes)]
        if chosen is not panes[-1] or len(panes) < 4:
            self.set_class(chosen is not self._codes, "-inside")
        chosen.focus()

    def action_step(self, by: int) -> None:
        """Go to the next or previous row, over the end of a kind to the next kind."""
        self.add_class("-inside")
        if self.focused is self._codes:
            self._places.focus()
        places, codes = self._places, self._codes
        if 0 <= places.cursor + by < len(places.rows):
            places.action_move(by)
            return
        kinds = [number for number, row in enumerate(codes.rows) if row.key in CODES]
        target = codes.cursor + by
        if target in kinds:
            self._go_back_to_end = by < 0
            codes.cursor = target

    def action_back(self) -> None:
        """Leave what is open, the innermost first: the check, the filter, the twin, the rows of a kind."""
        inmost = self._inmost()
        if inmost == "check":
            self.workers.cancel_group(self, "check")
        elif inmost == "filter":
            self.query_one("#filter", Input).value = ""
            self.remove_class("-filtered")
            (self._places if self.has_class("-inside") else self._codes).focus()
        elif inmost == "twin":
            self.action_twin()
        else:
            self.remove_class("-inside")
            self._codes.focus()

    # The filter

    def action_filter(self) -> None:
        """Begin to filter, or change the filter."""
        self.add_class("-filtered")
        self.query_one("#filter", Input).focus()

    @on(Input.Changed, "#filter")
    @work(exclusive=True, group="filter", exit_on_error=False)
    async def _filtered(self, event: Input.Changed) -> None:
        if event.value == self._filter:
            return
        await asyncio.sleep(0.15)  # somebody types
        self._filter = event.value
        self._take_findings()

    @on(Input.Submitted, "#filter")
    def _filter_kept(self) -> None:
        if not self.query_one("#filter", Input).value.strip():
            self.action_back()
        else:
            self.action_inside()

    # The row

    @on(RowList.Moved, "#places")
    def _show_chosen(self, event: RowList.Moved) -> None:
        place = place_of_key(event.key)
        self.finding = None
        if place is None and self.bench.report is not None:
            self.finding = self.bench.report.findings[int(event.key[1:])]
            place = (self.finding.file, self.finding.line)
        if place is not None:
            self.show_place(place)

    @work(exclusive=True, group="row", exit_on_error=False)
    async def show_place(self, place: RowPlace) -> None:
        """Read a row, and its twin where that is wanted, and show it as it is looked at."""
        finding = self.finding
        code = self._codes.current or ""
        try:
            looked = await asyncio.to_thread(self.bench.look, place)
            twin = None
            if self.has_class("-twin") and finding is not None and finding.twin is not None:
                twin = await asyncio.to_thread(self.bench.look, finding.twin)
            drawn = await asyncio.to_thread(draw_looked, self.bench, looked, twin, self._view, code)
            other = None
            if twin is not None:
                other = await asyncio.to_thread(draw_looked, self.bench, twin, looked, self._view, code)
        except FtarenaError as error:
            self.looked = self.twin = None
            self._show_nothing(error.message, error.hint)
            self.refresh_bindings()
            return
        self.looked, self.twin = looked, twin
        shown = (place, self._view, twin is not None, code)
        pane = self.query_one("#example", ExamplePane)
        pane.border_title = heading(looked, self._view, self._position())
        pane.show(drawn, stay=shown == self._shown)
        if twin is not None and other is not None:
            pane = self.query_one("#twin", ExamplePane)
            pane.border_title = heading(twin, self._view, "twin")
            pane.show(other, stay=shown == self._shown)
        self._shown = shown
        self.query_one("#why", Rows).show(lambda width: why_rows(finding, code, width))
        self.refresh_bindings()

    def _position(self) -> str:
        return f"{self._places.cursor + 1:,} of {len(self._places.rows):,}"

    def _show_nothing(self, message: str, hint: str = "") -> None:
        def draw(width: int) -> list[Row]:
            rows = wrap([Piece(f"✕ {clean_line(message)}", "bad")], width)
            return rows + (wrap([Piece(clean_line(hint))], width) if hint else [])

        pane = self.query_one("#example", ExamplePane)
        pane.border_title = None
        pane.show(draw)

    def show_again(self) -> None:
        """Show the row anew, after something was decided or another view was chosen."""
        place = place_of_key(self._places.current or "")
        if self.finding is not None:
            place = (self.finding.file, self.finding.line)
        if place is not None:
            self.show_place(place)

    def action_view(self) -> None:
        """Show the row in the next way: as a chat, as tokens, as JSON."""
        self._view = VIEWS[(VIEWS.index(self._view) + 1) % len(VIEWS)]
        self.show_again()

    def action_twin(self) -> None:
        """Show the row that this one is too like, or no longer."""
        if self.has_class("-twin"):
            self.remove_class("-twin")
            if self.query_one("#twin").has_focus:
                self.query_one("#example").focus()
        else:
            self.add_class("-twin")
        self.show_again()

    def action_scroll(self, by: int) -> None:
        """Scroll the row and its twin."""
        for pane in self.query(ExamplePane):
            pane.scroll_relative(y=by, animate=False)

    # What is said

    def _say(self, note: str | None = None) -> None:
        """Write the facts above everything, and in the top line what is going on."""
        if note is not None:
            self._note = note
        facts = headline(self.bench, self._changed, self._note)
        self.query_one("#headline", Rows).show(lambda width: headline_rows(facts, width))
        self.refresh_status()
