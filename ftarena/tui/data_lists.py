"""What the two lists of the place Data hold: kinds of findings, and the rows that one of them is about.

All rows of a file are a list, too, of up to a million rows, of which only those in view are read.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ftarena.curation.findings import CODES, Finding, Severity
from ftarena.drawing.pieces import Piece
from ftarena.tui.data_rows import Place, RowTable, key_of, place_of_key, where
from ftarena.tui.drawing.findings import SIGNS, title
from ftarena.tui.widgets.row_list import Column, ListRow
from ftarena.tui.workbench import SIGNS as SIGNS_OF_DECISIONS
from ftarena.tui.workbench import WORDS

if TYPE_CHECKING:
    from ftarena.curation.check import CheckReport

CODE_COLUMNS = (Column("", right=True), Column("count", right=True), Column("what", grow=True))
PLACE_COLUMNS = (Column(""), Column("line", right=True, keep_end=True), Column("what", grow=True))

ALL, DECIDED = "*all", "*decided"
"""Keys of the two groups that are no findings: every row, and the rows about which something was decided."""

_RANK: Mapping[Severity, int] = {"error": 0, "warning": 1, "note": 2}

_AROUND = 60
"""Rows above and below one that is looked at that are read with it."""


def all_columns(places: int, names: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns of the list of all rows, whose cells are too many to be measured.

    Args:
        places: The largest line.
        names: Of the files; more than one stands before the line.
    """
    longest = max(map(len, names), default=0) + 1 if len(names) > 1 else 0
    size = max(len(str(places)) + longest, 4)
    line = Column("line", right=True, width=size, keep_end=True)
    return (Column("", width=1), line, Column("row", grow=True))


def code_rows(
    report: "CheckReport | None",
    shown: Sequence[Finding],
    *,
    filtered: bool,
    decided: int,
    rows: int | None,
) -> list[ListRow]:
    """Return the findings by code, the worst first, and below them the groups that are no findings.

    Args:
        report: What the check found; None: nothing was checked yet.
        shown: The findings that the filter leaves.
        filtered: Whether there is a filter: then its findings are counted, else all.
        decided: Rows about which something was decided.
        rows: How many rows there are, where that is known.
    """
    counts = Counter(one.code for one in shown) if filtered or report is None else Counter(report.counts)
    order = list(CODES)
    codes = sorted(
        (code for code in counts if counts[code]), key=lambda code: (_rank(code), order.index(code))
    )
    found = [ListRow(code, (SIGNS[CODES[code].severity], f"{counts[code]:,}", title(code))) for code in codes]
    if decided:
        found.append(
            ListRow(DECIDED, (Piece("✎", "strong"), f"{decided:,}", "decided by you: excluded, edited, …"))
        )
    found.append(
        ListRow(ALL, (Piece("≡", "quiet"), "" if rows is None else f"{rows:,}", "all rows, to read them"))
    )
    return found


def _rank(code: str) -> int:
    return _RANK[CODES[code].severity]


def finding_rows(
    findings: Sequence[tuple[int, Finding]], signs: Mapping[Place, str], *, many: bool
) -> list[ListRow]:
    """Return the places of findings.

    Args:
        findings: Each with its number in the report, which becomes the key.
        signs: What was decided, by place.
        many: Whether there are several files.
    """
    return [
        ListRow(
            f"#{number}",
            (signs.get((one.file, one.line), " "), where((one.file, one.line), many=many), one.message),
        )
        for number, one in findings
    ]


def decided_rows(decided: Sequence[tuple[Place, str]], *, many: bool) -> list[ListRow]:
    """Return the rows about which something was decided.

    Args:
        decided: Where, and the sign of what.
        many: Whether there are several files.
    """
    words = {SIGNS_OF_DECISIONS[action]: WORDS[action] for action in WORDS}
    return [
        ListRow(key_of(place), (sign, where(place, many=many), words.get(sign, "")))
        for place, sign in decided
    ]


class AllRows:
    """The rows of several tables as rows of a list; how they begin is read when they are looked at."""

    def __init__(
        self,
        tables: Sequence[RowTable],
        sign: Callable[[Place], str],
        wanted: Callable[[], object],
        edited: Callable[[Place], str | None] = lambda place: None,
    ) -> None:
        """Put tables below each other.

        Args:
            tables: The files.
            sign: From a row to the sign of what was decided about it.
            wanted: Called when a row was looked at whose beginning is not known: then `missing` and `fetch`.
            edited: From a row to how it begins since it was edited; None for all others.
        """
        self.tables = [table for table in tables if len(table)]
        self._starts = [0]
        for table in self.tables:
            self._starts.append(self._starts[-1] + len(table))
        self._sign, self._wanted, self._edited = sign, wanted, edited
        self._known: dict[int, str] = {}
        self._missing: list[int] = []

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[ListRow]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> ListRow:
        place = self.at(number)
        text = self._edited(place) or self._known.get(number)
        if text is None:
            if not self._missing:
                self._wanted()
            self._missing.append(number)
            text = "…"
        return ListRow(key_of(place), (self._sign(place), where(place, many=len(self.tables) > 1), text))

    def at(self, number: int) -> Place:
        """Return which row has a number."""
        table, inside = self._inside(number)
        return table.source.path, table.lines[inside]

    def _inside(self, number: int) -> tuple[RowTable, int]:
        n = bisect_left(self._starts, number + 1) - 1
        return self.tables[n], number - self._starts[n]

    def place_of(self, key: str) -> int | None:
        """Return the number of the row with a key."""
        place = place_of_key(key)
        if place is None:
            return None
        path, line = place
        for start, table in zip(self._starts, self.tables, strict=False):
            if table.source.path == path and (number := table.place_of(line)) is not None:
                return start + number
        return None

    def nearest(self, line: int) -> str | None:
        """Return the key of the row on a line of the first file, or of the next one below it."""
        if not self.tables:
            return None
        table = self.tables[0]
        return key_of((table.source.path, table.lines[min(bisect_left(table.lines, line), len(table) - 1)]))

    def fetch(self) -> None:
        """Read how the rows begin that were looked at last, and their neighbours; off the event loop."""
        wanted, self._missing = self._missing[-_AROUND:], []
        if not wanted:
            return
        if len(self._known) > 50_000:
            self._known = {}
        first, last = max(min(wanted) - _AROUND, 0), min(max(wanted) + _AROUND, len(self) - 1)
        if last - first > 10 * _AROUND:  # a jump: only what is in view now
            first, last = max(wanted[-1] - _AROUND, 0), min(wanted[-1] + _AROUND, len(self) - 1)
        while first <= last:
            table, inside = self._inside(first)
            count = min(len(table) - inside, last - first + 1)
            texts = table.beginnings(inside, inside + count)
            self._known.update({first + n: text for n, text in enumerate(texts)})
            first += count
