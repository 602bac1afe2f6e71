"""Data: what is in the files, what is wrong with them, and what is done about it.

A check runs in a process of its own while one reads. Nothing here changes a data file: what is decided goes
into its sidecar and takes effect when the curated set is written (`a`).
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widgets import Input, Static

from ftarena.curation.findings import CODES, Finding
from ftarena.curation.shapes.columns import read_columns
from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten
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
from ftarena.tui.drawing.findings import headline, headline_rows, title, why_rows
from ftarena.tui.looking import VIEWS, draw_looked, heading
from ftarena.tui.screens.data_checking import Checking
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

_SAID_S = 6.0
"""How long what was done is said."""

_SPACIOUS = 150
"""Cells from which a twin stands beside the row; else below it."""


class DataScreen(Deciding, Checking):
    """Findings by kind, the rows that one of them is about, and one of these in full.

    The focus is set at once, not by `Widget.focus`, which lets keys overtake it that were typed fast: `f x`
    is to filter by x, not to exclude.
    """

    NAME = "data"
    CSS_PATH = "data.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]
    """On a low terminal the row itself needs the lines that say why a finding hurts."""

    ABOUT, HELP, BINDINGS = ABOUT, HELP, BINDINGS

    def __init__(self, desk: "Desk", data: Sequence[str] = (), columns: str | None = None) -> None:
        """Open nothing yet.

        Args:
            desk: The project.
            data: What is opened as soon as the screen is there.
            columns: What its columns mean, as `--columns` says it.

        Raises:
            UsageError: That is not understood.
        """
        super().__init__(desk)
        self.bench = Workbench()
        self._asked_for, self._columns = tuple(data), read_columns(columns) if columns else None
        self._note = self._said = ""
        self._hush: Timer | None = None
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
        self._all: tuple[object, AllRows] | None = None

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
        yield Static("Too small: enlarge to 50×14, or use ftarena check and ftarena data", id="small")

    def on_mount(self) -> None:
        """Open what was asked for, else say what could be."""
        super().on_mount()
        self.set_class(True, "-empty")
        self.set_focus(self._codes)
        if self._asked_for:
            self.open_files(self._asked_for, (), self._columns)
        self.say_what_is_near()

    @work(exclusive=True, group="near", exit_on_error=False)
    async def say_what_is_near(self) -> None:
        """Name the files that could be opened, and say what this machine is."""
        from ftarena.tui.data_near import data_near

        near = await asyncio.to_thread(data_near, self.app.settings.data)
        if near and self.has_class("-empty"):
            listed = [("", shorten(spec, 70)) for spec in near[:5]]
            listed[0] = ("near", listed[0][1])
            if len(near) > len(listed):
                listed.append(("", f"… and {len(near) - len(listed)} more: o lists them"))
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
        """Offer enter and esc only where they do something, and leave the letter f to a text being typed."""
        allowed = super().check_action(action, parameters)
        if action == "inside":
            return allowed and self.focused is self._codes
        if action == "back":
            return allowed and self._inmost() != ""
        if action == "filter":
            return allowed and not isinstance(self.focused, Input)
        return allowed

    def _inmost(self) -> str:
        """Return what esc would leave."""
        if self.query_one("#filter").display:
            return "filter"
        if any(worker.group == "check" and worker.is_running for worker in self.workers):
            return "check"
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
        self.changed = await asyncio.to_thread(lambda: self.bench.changed)
        self.say()

    def opened(self) -> None:
        """Show that other files are open."""
        self.set_class(False, "-empty")
        self.finding = self.looked = self.twin = self._rows = None
        self._shown = ()
        self._end_filter()
        self.with_twin = False
        self.remove_class("-inside", "-twin")
        self._take_findings()
        self.set_focus(self._codes)
        self.refresh_bindings()

    def found(self) -> None:
        """Show what a check has found."""
        self._take_findings(anew=True)

    # The lists

    def _take_findings(self, *, anew: bool = False) -> None:
        """List what was found, as the filter leaves it.

        Args:
            anew: After a check: then go to the worst, or to the rows where nothing is bad, unless a kind has
                been chosen.
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
        if anew and chosen in (ALL, DECIDED) and not self.has_class("-inside"):
            stays = False
        # Notes are about the model, not about a row: where there is nothing worse, one reads the data.
        sound = report is not None and not (report.errors or report.warnings or self._filter.strip())
        self._codes.show_rows(rows, at=chosen if stays else ALL if sound else rows[0].key)
        self.say()

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
        rows = await self._all_rows(needle)
        at = None
        if needle.isdecimal():
            at = rows.nearest(int(needle))
        elif self._listed_kind != ALL and len(rows):
            at = rows[0].key
        self._listed_kind = ALL
        if not needle:
            self._rows = len(rows)
        lines = max((table.lines[-1] for table in rows.tables), default=0)
        self._places.columns = all_columns(lines, [table.source.path.name for table in rows.tables])
        self._places.show_rows(rows, at=at)
        if not len(rows):
            self._show_nothing("no row holds that" if needle else "there is no row")

    async def _all_rows(self, needle: str) -> AllRows:
        """Return the rows as a list; read again only where a file has changed or other words are wanted."""
        words = "" if needle.isdecimal() else needle
        sources = self.bench.sources
        key = (words, await asyncio.to_thread(self.bench.look_at_files))
        if self._all is None or self._all[0] != key:
            keep = matcher(words) if words else None
            self._places.loading = True
            try:
                tables = await asyncio.to_thread(lambda: [RowTable.build(source, keep) for source in sources])
            finally:
                self._places.loading = False
            rows = AllRows(
                tables,
                lambda place: self.bench.signs.get(place, " "),
                self._fetch_beginnings,
                lambda place: self.bench.edited.get(place),
            )
            self._all = (key, rows)
        return self._all[1]

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
        self.set_focus(self._places)

    def action_pane(self, by: int) -> None:
        """Go to the next pane: kinds, rows, the row, its twin."""
        panes = [self._codes, self._places, self.query_one("#example")]
        panes += [self.query_one("#twin")] if self.has_class("-twin") else []
        now = next((number for number, pane in enumerate(panes) if pane.has_focus), 0)
        chosen = panes[(now + by) % len(panes)]
        if chosen is not panes[-1] or len(panes) < 4:
            self.set_class(chosen is not self._codes, "-inside")
        self.set_focus(chosen)

    def action_step(self, by: int) -> None:
        """Go to the next or previous row, over the end of a kind to the next kind."""
        self.add_class("-inside")
        if self.focused is self._codes:
            self.set_focus(self._places)
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
            self.say("the check was cancelled: C checks")
        elif inmost == "filter":
            self._end_filter()
            self.set_focus(self._places if self.has_class("-inside") else self._codes)
        elif inmost == "twin":
            self.action_twin()
        else:
            self.remove_class("-inside")
            self.set_focus(self._codes)

    # The filter

    def action_filter(self) -> None:
        """Begin to filter, or change the filter."""
        line = self.query_one("#filter", Input)
        line.display = True
        self.set_focus(line)

    def _end_filter(self) -> None:
        line = self.query_one("#filter", Input)
        line.value, line.display = "", False
        if self._filter:
            self._filter = ""
            self._take_findings()

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
            if self.with_twin and finding is not None and finding.twin is not None:
                twin = await asyncio.to_thread(self.bench.look, finding.twin)
            drawn = await asyncio.to_thread(draw_looked, self.bench, looked, twin, self._view, code)
            other = None
            if twin is not None:
                other = await asyncio.to_thread(draw_looked, self.bench, twin, looked, self._view, code)
        except FtarenaError as error:
            if finding is not None and finding.line == 1 and not self.bench.changed:
                self._show_nothing("This is about the whole file, not about a row.", bad=False)
                self.query_one("#why", Rows).show(lambda width: why_rows(finding, code, width))
            else:
                self._show_nothing(error.message, error.hint)
            return
        self.looked, self.twin = looked, twin
        self.set_class(twin is not None, "-twin")
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

    def _show_nothing(self, message: str, hint: str = "", *, bad: bool = True) -> None:
        said = Piece(f"✕ {clean_line(message)}", "bad") if bad else Piece(message, "quiet")

        def draw(width: int) -> list[Row]:
            rows = wrap([said], width)
            return rows + (wrap([Piece(clean_line(hint))], width) if hint else [])

        self.looked = self.twin = None
        self.remove_class("-twin")
        pane = self.query_one("#example", ExamplePane)
        pane.border_title = None
        pane.show(draw)
        self.refresh_bindings()

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
        self.with_twin = not self.with_twin
        if not self.with_twin and self.query_one("#twin").has_focus:
            self.set_focus(self.query_one("#example"))
        self.show_again()

    def action_scroll(self, by: int) -> None:
        """Scroll the row and its twin."""
        for pane in self.query(ExamplePane):
            pane.scroll_relative(y=by, animate=False)

    # What is said

    def tell(self, done: str) -> None:
        """Say in the headline, for some seconds, what was done or why nothing was."""
        if self._hush is not None:
            self._hush.stop()
        self._said = done
        self._hush = self.set_timer(_SAID_S, self._forget_what_was_said) if done else None
        self.say()

    def _forget_what_was_said(self) -> None:
        self.tell("")

    def failed(self, work: str, error: BaseException) -> None:
        """Tell what failed instead of, not above, what failed before."""
        self.app.clear_notifications()
        super().failed(work, error)

    def say(self, note: str | None = None) -> None:
        """Write the facts above everything, and in the top line what is going on."""
        if note is not None:
            self._note = note
        facts = headline(self.bench, self.changed, self._note, self._said)
        self.query_one("#headline", Rows).show(lambda width: headline_rows(facts, width))
        self.refresh_status()
