"""CSV and TSV: a header, then a row a record; a record may go over several lines inside quotes.

Cells are text. Of the columns that can hold messages a cell with a JSON list or object is read as that; an
empty cell is no value (null); `label` may be true or false. The character between cells of a `.csv` is the
comma, or what its header is separated by: a semicolon or a tab.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ftarena.curation.examples import BadRow
from ftarena.curation.formats import BYTE_ORDER_MARK
from ftarena.curation.rows.blocks import Blocks
from ftarena.curation.rows.lines import too_long, whole_lines
from ftarena.curation.rows.row import Problem, Row
from ftarena.curation.rows.values import MAX_ROW_BYTES, parse_line
from ftarena.curation.sources import Source
from ftarena.text import shorten

_LISTS = frozenset(["messages", "conversations", "history"])
"""Columns that are never text."""

_NESTED = _LISTS | {"prompt", "completion", "chosen", "rejected", "tools"}
"""Columns that may be a list of messages (or of tools) or a text."""

_KEYS = frozenset(["role", "content", "tool_calls", "from", "value"])
"""Keys of messages; a message has two of them."""

_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_NEVER_CLOSED, _TOO_LONG = "unexpected end of data", "line too long"  # the first is the csv module's
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def rows_of_table(source: Source, blocks: Blocks) -> Iterator[Row | Problem]:
    """Yield every record of a table after its header; empty lines are passed over.

    Args:
        source: Whose rows they are.
        blocks: Its bytes.
    """
    file = source.path
    # Of the whole process, as the module has it; the default of 128 KiB is shorter than some conversations.
    csv.field_size_limit(MAX_ROW_BYTES)
    feed = _Feed(blocks)
    names: list[str] | None = None
    reader = None
    while True:
        feed.taken.clear()
        line = feed.line
        try:
            if reader is None:
                reader = csv.reader(feed, delimiter=feed.delimiter(source.format), strict=True)
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield Problem(file, line, None, "csv", _said(error, len(feed.taken)))
            # An open quote takes in whatever follows: those lines are read again, as rows of their own.
            feed.give_back()
            reader = None
            continue
        if not any(cells) and len(cells) < 2:
            continue
        try:
            if not feed.clean:
                _check_utf8(cells)
            if names is None:
                names = _header(cells)
            else:
                yield Row(file, line, _row(cells, names, source))
        except BadRow as bad:
            yield Problem(file, line, None, bad.code, str(bad))
            if names is None:
                return
    if feed.damage:
        yield Problem(file, feed.line, None, "torn", feed.damage)


class _Feed(Iterator[str]):
    """The lines of a table, numbered, that can be given back."""

    def __init__(self, blocks: Blocks) -> None:
        self.line = 1
        """Number of the next line."""

        self.taken: list[str | None] = []
        """The lines of the record that is being read; None for one that is too long to be held."""

        self.damage = ""
        """What is wrong with the archive, known at its end."""

        self.clean = True
        """Whether all that was read is UTF-8."""

        self._back: deque[str | None] = deque()
        self._size = 0
        self._between = ""
        self._lines = self._read(blocks)

    def __next__(self) -> str:
        line = self._take()
        if line is None and len(self.taken) == 1:
            raise csv.Error(_TOO_LONG)
        if line is None or self._size > MAX_ROW_BYTES:
            raise csv.Error(_NEVER_CLOSED)
        return line

    def _take(self) -> str | None:
        line = self._back.popleft() if self._back else next(self._lines)
        self.line += 1
        self._size = (self._size if self.taken else 0) + len(line or "")
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        """Have all lines that were taken but the first come again."""
        again = self.taken[1:]
        self._back.extendleft(reversed(again))
        self.line -= len(again)

    def delimiter(self, format: str) -> str:
        """Return what stands between cells, from the next line, which is the header when first asked."""
        if format == "tsv":
            return "\t"
        if not self._between:
            try:
                head = self._take() or ""
            except StopIteration:
                return ","
            self._back.appendleft(self.taken.pop())
            self.line -= 1
            self._between = "," if "," in head else ";" if ";" in head else "\t" if "\t" in head else ","
        return self._between

    def _read(self, blocks: Blocks) -> Iterator[str | None]:
        for lines in whole_lines(blocks):
            if lines.code == "torn":
                self.damage = lines.message
                return
            if lines.code:
                yield None
                continue
            raw = lines.raw.removeprefix(BYTE_ORDER_MARK) if lines.first == 1 else lines.raw
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                text, self.clean = raw.decode("utf-8", "surrogateescape"), False
            yield from io.StringIO(text, newline="\n")


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise BadRow("csv", f"two columns are called {shorten(name, 40)!r}: one of the two would be lost")
    return names


def _check_utf8(cells: Sequence[str]) -> None:
    for cell in cells:
        if wrong := _NOT_UTF8.search(cell):
            byte = ord(wrong.group()) & 0xFF
            raise BadRow("encoding", f"not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")


def _row(cells: Sequence[str], names: Sequence[str], source: Source) -> dict[str, Any]:
    """Return a record as an object.

    Raises:
        BadRow: It has more or fewer cells than the header, or a cell that cannot be read.
    """
    if len(cells) != len(names):
        have = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
        raise BadRow(
            "csv", f"{have} where the header has {len(names)}; quote cells that hold commas or line ends"
        )
    ours = {theirs: name for name, theirs in source.columns.names.items()} if source.columns.names else {}
    keys = _KEYS | set(source.columns.tags.values())
    return {name: _cell(cell, ours.get(name, name), keys) for name, cell in zip(names, cells, strict=True)}


def _cell(cell: str, column: str, keys: Collection[str]) -> Any:
    """Return what a cell says.

    Args:
        cell: Its text.
        column: What we call its column.
        keys: What the keys of messages are called.
    """
    if not cell:
        return None
    if column == "label":
        return _TRUTH.get(cell.strip().casefold(), cell)
    text = cell.strip()
    if column not in _NESTED or not text.startswith(("[", "{")):
        return cell
    try:
        value = parse_line(text.encode("utf-8"))
    except BadRow:
        if column in _LISTS and re.match(r"[\[{]+\s*'", text):
            raise BadRow(
                "type",
                f"{column} has Python's notation of a list, not JSON: write the column with json.dumps",
            ) from None
        return cell
    # An answer may be JSON itself, and is text then.
    return value if column in _LISTS or column == "tools" or _is_messages(value, keys) else cell


def _is_messages(value: Any, keys: Collection[str]) -> bool:
    """Return whether a value is a message or a list of some, and not a text that is JSON itself."""
    messages = value if isinstance(value, list) else [value]
    return bool(messages) and all(
        isinstance(message, dict) and sum(key in keys for key in message) >= 2 for message in messages
    )


def _said(error: csv.Error, lines: int) -> str:
    text = str(error)
    if text == _NEVER_CLOSED:
        return "a quote is opened and never closed"
    if text == _TOO_LONG:
        return too_long()
    if "expected after" in text:
        over = "" if lines == 1 else f", {lines - 1} line{'' if lines == 2 else 's'} further down"
        return f'a quote is closed in the middle of a cell{over}: inside quotes, " is written ""'
    if "new-line character" in text:
        return "a carriage return alone ends a line: save the file with LF or CRLF"
    if "field limit" in text:
        return f"a cell of more than {MAX_ROW_BYTES >> 20} MiB: is a quote not closed?"
    return f"broken table: {text}"
