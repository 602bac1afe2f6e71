"""A pane of text that grows: a conversation, an answer, a log.

Made for two models that stream side by side over SSH. The text is kept as wrapped rows; what is appended
wraps only its last raw line again, and nothing lays the screen out anew. `Static.update`, `RichLog` and
`MarkdownStream` were measured and are 2 to 10 times slower to answer a key at 2 × 300 tokens/s.
"""

from collections.abc import Sequence
from typing import Literal

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.text import clean_text
from ftarena.tui.drawing.dress import dress, mark
from ftarena.tui.widgets.scroll_keys import SCROLL_KEYS
from ftarena.tui.widgets.styling import piece_style

Kind = Literal["you", "answer", "note", "error", "log"]

_OPENING = {"you": "You: ", "answer": "", "note": "", "error": "! ", "log": ""}
"""What tells the kinds apart without colour."""

CURSOR = "▌"


class _Entry:
    """One text of the pane: a turn, an answer, a note."""

    def __init__(self, kind: Kind, text: str, first_row: int) -> None:
        self.kind = kind
        self.lines = text.split("\n")
        self.first_row = first_row
        self.line_rows = [0]  # first row of each wrapped line, counted from `first_row`
        self.fences = [False]  # whether each wrapped line begins inside a code fence
        self.marks: list[list[tuple[int, int]]] = []  # per line, what differs from the other side

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Transcript(ScrollView, can_focus=True):
    """Text that can be appended to cheaply; unless told not to, it follows its end until one scrolls up.

    All text is foreign: it is cleaned here, whoever passes it in.
    """

    BINDINGS = [*SCROLL_KEYS]

    COMPONENT_CLASSES = {
        "transcript--you",
        "transcript--note",
        "transcript--error",
        "transcript--code",
        "transcript--fence",
        "transcript--strong",
        "transcript--changed",
        "transcript--log",
    }

    def __init__(
        self, *, id: str | None = None, gap: bool = True, tells_more: bool = False, follows: bool = True
    ) -> None:
        """Create an empty pane.

        Args:
            id: Its id; must not say what it shows, where that is blind.
            gap: Whether entries are one empty row apart.
            tells_more: Whether its lower edge says that the text goes on below.
            follows: Whether it keeps its end in view as it grows; what is read from its start does not.
        """
        super().__init__(id=id)
        self._tells_more = tells_more
        self._gap = gap
        self._follows = follows
        self._entries: list[_Entry] = []
        self._rows: list[Row] = []
        self._strips: dict[int, Strip] = {}
        self._wrap_width = 0
        self._streaming = False

    # What it shows

    def clear(self) -> None:
        """Remove everything."""
        self._entries, self._rows, self._strips = [], [], {}
        self._streaming = False
        self._rows_changed(0)
        self.scroll_to(y=0, animate=False)

    def add(self, kind: Kind, text: str) -> None:
        """Add an entry. An `answer` may then grow by `append`."""
        if self._entries and self._gap:
            self._rows.append([])
        entry = _Entry(kind, clean_text(text), len(self._rows))
        self._entries.append(entry)
        self._wrap_from(entry, 0)

    def append(self, text: str) -> None:
        """Append to the last entry."""
        if not text:
            return
        entry = self._entries[-1]
        # A carriage return at the end of one chunk and its newline in the next give one newline too many;
        # no tokenizer in use splits them, and the stored text is not touched.
        first, *rest = clean_text(text).split("\n")
        line = len(entry.lines) - 1
        entry.lines[-1] += first
        entry.lines += rest
        self._wrap_from(entry, line)

    def replace_last(self, text: str) -> None:
        """Put another text in the place of the last entry's; appends if it only grew."""
        entry, clean = self._entries[-1], clean_text(text)
        before = entry.text
        if clean.startswith(before):
            self.append(clean[len(before) :])
            return
        entry.lines = clean.split("\n")
        self._wrap_from(entry, 0)

    def remove_last(self, count: int = 1) -> None:
        """Remove the last entries."""
        for _ in range(min(count, len(self._entries))):
            entry = self._entries.pop()
            first = entry.first_row - (1 if self._entries and self._gap else 0)
            del self._rows[first:]
        self._rows_changed(len(self._rows))

    def show_cursor(self, streaming: bool) -> None:
        """Show (or take away) the sign that more is coming."""
        if streaming != self._streaming:
            self._streaming = streaming
            self._rows_changed(max(len(self._rows) - 1, 0))

    def mark_differences(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Mark parts of the last entry, given as (start, end) in characters of its cleaned text."""
        if not self._entries:
            return
        entry = self._entries[-1]
        entry.marks, start = [], 0
        for line in entry.lines:
            end = start + len(line)
            inside = [
                (max(a, start) - start, min(b, end) - start) for a, b in ranges if a < end and b > start
            ]
            entry.marks.append(inside)
            start = end + 1
        self._wrap_from(entry, 0)

    @property
    def plain(self) -> str:
        """Everything that is shown, unwrapped: for tests and for copying."""
        return "\n\n".join(_OPENING[entry.kind] + entry.text for entry in self._entries)

    @property
    def more_below(self) -> bool:
        """Whether the end lies below what can be seen."""
        return self.scroll_offset.y < self.max_scroll_y

    @property
    def _at_end(self) -> bool:
        """Whether the end is in view and is to stay there; a pane that is still empty shows its end too."""
        return self._follows and self.scroll_offset.y >= self.max_scroll_y

    # How it is wrapped

    def _wrap_from(self, entry: _Entry, line: int) -> None:
        """Wrap an entry (the last one) again from one of its lines on."""
        width = self._wrap_width
        if not width:
            return  # not laid out yet; `on_resize` wraps everything
        del entry.line_rows[line + 1 :], entry.fences[line + 1 :]
        first = entry.first_row + entry.line_rows[line]
        del self._rows[first:]
        in_fence = entry.fences[line]
        for number in range(line, len(entry.lines)):
            pieces, after = self._pieces(entry, number, in_fence)
            self._rows += wrap(pieces, width, fold=in_fence and after)
            entry.line_rows.append(len(self._rows) - entry.first_row)
            entry.fences.append(after)
            in_fence = after
        self._rows_changed(first)

    def _pieces(self, entry: _Entry, number: int, in_fence: bool) -> tuple[list[Piece], bool]:
        line = entry.lines[number]
        if entry.kind != "answer":
            opening = _OPENING[entry.kind] if number == 0 else ""
            return [Piece(opening + line, entry.kind)], False
        pieces, after = dress(line, in_fence)
        if number < len(entry.marks):
            pieces = mark(pieces, entry.marks[number], "changed")
        return pieces, after

    def _rows_changed(self, first: int) -> None:
        """Follow the end if it was in view, and repaint, without laying out the screen."""
        following = self._at_end
        for row in [row for row in self._strips if row >= first]:
            del self._strips[row]
        size = Size(self._wrap_width, len(self._rows))
        if size.height != self.virtual_size.height:
            # `self.virtual_size = size` would lay out the whole screen: 35 ms at 120×40, 15 times a second.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
            if following:
                self.scroll_to(y=self.max_scroll_y, animate=False)
        self._tell_more()
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Wrap everything to a new width."""
        width = self.scrollable_content_region.width
        if width == self._wrap_width or width <= 0:
            return
        self._wrap_width = width
        following = self._at_end
        share = self.scroll_offset.y / max(len(self._rows), 1)
        self._rows = []
        for entry in self._entries:
            if self._rows and self._gap:
                self._rows.append([])
            entry.first_row, entry.line_rows, entry.fences = len(self._rows), [0], [False]
            self._wrap_from(entry, 0)
        # Row numbers mean something else now; keep the reader's place, in parts of the whole.
        self.scroll_to(y=self.max_scroll_y if following else round(share * len(self._rows)), animate=False)
        self._tell_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say whether there is more below."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_more()

    def _tell_more(self) -> None:
        if self._tells_more:
            self.border_subtitle = "↓ more" if self.more_below else None

    # How it is drawn

    def notify_style_update(self) -> None:
        """Forget drawn rows when the theme changes."""
        super().notify_style_update()
        self._strips = {}

    def render_line(self, y: int) -> Strip:
        """Draw one row of what is in view."""
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        strip = self._strips.get(number)
        if strip is None:
            row = self._rows[number]
            if self._streaming and number == len(self._rows) - 1:
                row = [*row, Piece(CURSOR)]
            strip = Strip([Segment(text, piece_style(self, "transcript", names)) for text, names in row])
            strip = strip.adjust_cell_length(width, self.rich_style)
            self._strips[number] = strip
        return strip
