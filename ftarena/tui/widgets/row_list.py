"""A list to choose from: rows of cells, one of them current.

The current row is marked by a sign and reversed, so that it is seen in any theme and without colour. Cells
are foreign text and never read as markup (a `DataTable` would).

Only the rows in view are drawn, and columns are measured once for each set of rows, so a list may have a
million rows; then it is given a `LazyRows`, which makes a row only when it is looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ftarena.drawing.pieces import Piece
from ftarena.text import clean_line
from ftarena.tui.widgets.styling import piece_style


class Column(NamedTuple):
    """One column of a list."""

    title: str
    grow: bool = False
    """Takes the width that the others leave; one column should."""

    right: bool = False
    """Its cells are set to the right, as figures are."""

    drawn: bool = False
    """Its cells are our own drawings, whose spaces mean something; else they are foreign text."""

    from_width: int = 0
    """Shown only where the list has at least this many cells: what can be missed on 80 columns."""

    width: int = 0
    """Cells it takes, where its rows are too many to be measured; 0: as many as its longest cell."""

    keep_end: bool = False
    """It takes at most a third of the list, and of a longer cell the end is seen: `…files.jsonl:286`."""


class ListRow(NamedTuple):
    """One row."""

    key: str
    """What the row stands for; the cursor stays on its key when rows change."""

    cells: Sequence[str | Piece]
    """One a column; the style of a piece is `quiet`, `good`, `bad`, `warn` or `strong`."""


class LazyRows(Protocol):
    """Rows that are made when they are looked at, for lists too long to be held."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> ListRow: ...

    def __iter__(self) -> Iterator[ListRow]: ...

    def place_of(self, key: str) -> int | None:
        """Return the number of the row with a key, without making all rows."""


class RowList(ScrollView, can_focus=True):
    """A focusable list with a header."""

    BINDINGS = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("home", "move(-10000000)", "First", show=False),
        Binding("G,end", "move(10000000)", "Last", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("enter", "choose", "open"),
    ]

    COMPONENT_CLASSES = {
        "row-list--header",
        "row-list--current",
        "row-list--quiet",
        "row-list--good",
        "row-list--bad",
        "row-list--warn",
        "row-list--strong",
    }

    cursor: reactive[int] = reactive(0)

    @dataclass
    class Moved(Message):
        """Another row is current (or its rows changed). Handled by the screen, which shows its details."""

        list: "RowList"
        key: str

        @property
        def control(self) -> "RowList":
            """The list, so that `@on` can select by its id."""
            return self.list

    @dataclass
    class Chosen(Message):
        """Enter was pressed on a row, or it was clicked twice. Handled by the screen, which opens it."""

        list: "RowList"
        key: str

        @property
        def control(self) -> "RowList":
            """The list, so that `@on` can select by its id."""
            return self.list

    def __init__(
        self, columns: Sequence[Column], *, id: str | None = None, header: bool = True, opens: bool = True
    ) -> None:
        """Create an empty list.

        Args:
            columns: What a row has.
            id: Its id.
            header: Whether the titles of the columns are shown.
            opens: Whether enter on a row does something.
        """
        super().__init__(id=id)
        self._opens = opens
        self.columns = columns
        self.header = header
        self.rows: Sequence[ListRow] | LazyRows = []
        self._measured: tuple[int, list[int]] | None = None

    @property
    def current(self) -> str | None:
        """The key of the current row."""
        return self.rows[self.cursor].key if 0 <= self.cursor < len(self.rows) else None

    def show_rows(self, rows: Sequence[ListRow] | LazyRows, *, at: str | None = None) -> None:
        """Show other rows; the cursor stays on the same key where it still exists.

        Args:
            rows: The rows. Lazy ones need a `width` for each column that does not grow.
            at: The key to go to; None: where the cursor is.
        """
        key = self.current if at is None else at
        self.rows = list(rows) if isinstance(rows, Sequence) else rows
        self._measured = None
        found = self.place_of(key) if key is not None else None
        place = min(self.cursor, max(len(self.rows) - 1, 0)) if found is None else found
        self.virtual_size = Size(self.size.width, len(self.rows) + self.header)
        self.set_reactive(RowList.cursor, place)
        if at is not None:
            self._reveal()
        self.refresh()
        if self.current is not None:
            self.post_message(self.Moved(self, self.current))

    def place_of(self, key: str) -> int | None:
        """Return the number of the row with a key, or None if there is none."""
        if not isinstance(self.rows, Sequence):
            return self.rows.place_of(key)
        return next((number for number, row in enumerate(self.rows) if row.key == key), None)

    def go_to(self, key: str) -> bool:
        """Move the cursor to the row with a key; return whether there is one."""
        place = self.place_of(key)
        if place is not None:
            self.cursor = place
        return place is not None

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows, at most to the end."""
        self.cursor = min(max(self.cursor + by, 0), max(len(self.rows) - 1, 0))

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.action_move(by * max(self.size.height - 2, 1))

    def action_choose(self) -> None:
        """Post `Chosen` for the current row."""
        if self.current is not None:
            self.post_message(self.Chosen(self, self.current))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer enter only where it does something."""
        return self._opens if action == "choose" else True

    def watch_cursor(self) -> None:
        """Bring the cursor into view."""
        self._reveal()
        self.refresh()
        if self.current is not None:
            self.post_message(self.Moved(self, self.current))

    def _reveal(self) -> None:
        line = self.cursor + self.header
        height = max(self.scrollable_content_region.height, 1)
        top = self.scroll_offset.y
        # The header scrolls along, so the first row brings it back.
        if self.cursor == 0:
            self.scroll_to(y=0, animate=False)
        elif line < top:
            self.scroll_to(y=line, animate=False)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False)

    def on_click(self, event: Click) -> None:
        """A click moves the cursor, a second one chooses."""
        row = int(event.y + self.scroll_offset.y) - self.header
        if 0 <= row < len(self.rows):
            self.cursor = row
            if event.chain > 1:
                self.action_choose()

    def on_resize(self, event: Resize) -> None:
        """Rows are as wide as the list; its cursor stays in view when the list becomes lower."""
        self.virtual_size = Size(event.size.width, len(self.rows) + self.header)
        self.call_after_refresh(self._reveal)

    def render_line(self, y: int) -> Strip:
        """Draw one row of what is in view."""
        width = self.scrollable_content_region.width
        number = self.scroll_offset.y + y - self.header
        if number < 0:
            style = piece_style(self, "row-list", "header")
            return self._strip([column.title for column in self.columns], "  ", width, style)
        if number >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        is_current = number == self.cursor
        style = self.rich_style
        if is_current:
            style += self.get_component_rich_style("row-list--current", partial=True)
            if self.has_focus:
                style += Style(reverse=True)
        return self._strip(self.rows[number].cells, "▸ " if is_current else "  ", width, style)

    def _strip(self, cells: Sequence[str | Piece], sign: str, width: int, style: Style) -> Strip:
        segments = [Segment(sign, style)]
        for column, size, cell in zip(self.columns, self._widths(width), cells, strict=True):
            if not size:
                continue
            text, name = cell if isinstance(cell, Piece) else (cell, "")
            text = text if column.drawn else clean_line(text)
            if cell_len(text) > size:
                text = "…" + _end(text, size - 1) if column.keep_end else set_cell_size(text, size - 1) + "…"
            elif column.right:
                text = " " * (size - cell_len(text)) + text
            # Colours on a reversed row would swap the wrong way round.
            mine = style if style.reverse or not name else style + piece_style(self, "row-list", name)
            segments.append(Segment(set_cell_size(text, size) + "  ", mine))
        return Strip(segments).adjust_cell_length(width, style)

    def _widths(self, width: int) -> list[int]:
        """Return the cells each column gets; 0 for one that is not shown at this width."""
        if self._measured is None or self._measured[0] != width:
            self._measured = (width, self._measure(width))
        return self._measured[1]

    def _measure(self, width: int) -> list[int]:
        shown = [width >= column.from_width for column in self.columns]
        widths = []
        for i, column in enumerate(self.columns):
            most = max(width // 3, 8) if column.keep_end else 60
            if column.width:
                widths.append(min(column.width, most) if shown[i] and not column.grow else 0)
                continue
            texts = [column.title if self.header else ""]
            texts += [
                cell[0] if isinstance(cell, Piece) else cell
                for row in (self.rows if not column.grow else ())
                for cell in [row.cells[i]]
            ]
            widths.append(min(max(map(cell_len, texts)), most) if shown[i] and not column.grow else 0)
        left = width - 2 - sum(size + 2 for size in widths if size)
        for i, column in enumerate(self.columns):
            if shown[i] and column.grow:
                widths[i] = max(left - 2, 6)
                left = 0
        return widths


def _end(text: str, cells: int) -> str:
    """Return the end of a text that takes so many cells."""
    while cell_len(text) > cells:
        text = text[1:]
    return text
