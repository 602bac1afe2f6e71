"""A JSON text of which only the part that is being read is in memory, and how to go on after a mistake."""

import codecs
import json
import re
from collections.abc import Collection
from typing import Any

from ftarena.curation.examples import BadRow
from ftarena.curation.rows.blocks import Blocks
from ftarena.curation.rows.values import DECODER, MAX_DEPTH, MAX_ROW_BYTES, check_depth, unparsed

_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,\ufeff]*")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# A text ends with its line: JSON has no line ends in texts, and a missing quote must not swallow the rest.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]')
_CLOSING = {"{": "}", "[": "]"}
_HOLDER = 4 << 20
"""Characters in which it shows whether an object is a row or holds rows."""

_TAIL = 12
"""A mistake that near to the end may be one of having read too little: `\\ud83d\\ude00` has 12 characters."""


class Window:
    """The text of a JSON file from the place that is being read on.

    Args:
        blocks: The bytes of the file.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.line = 1
        """Line of the place that is being read, from 1."""

        self._column = 1
        self._text = ""
        self._at = 0
        self._blocks = iter(blocks)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._ended = False
        self._clean = True  # whether all was UTF-8 so far
        self._indent: str | None = ""  # what stands before the value in its line; None: not only white space
        self._usual: str | None = None  # the indent of the last good value that had one
        self._first_key = ""  # of the last good value

    def skip_to_value(self) -> str:
        """Pass over white space and commas; return the next character, or nothing at the end."""
        run, begins = "", (self.line, self._column) == (1, 1)
        while True:
            end = _BETWEEN.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches nothing, too
            run += self._text[self._at : end]
            self._move(end)
            if end < len(self._text):
                break
            if not self._more():
                return ""
        _, newline, last = run.rpartition("\n")
        self._indent = last if (newline or begins) and not last.strip(" \t") else None
        return self._text[self._at]

    def take(self, count: int) -> None:
        """Pass over so many characters."""
        self._move(self._at + count)

    def value(self) -> Any:
        """Return the value that begins here, and pass over it.

        Raises:
            BadRow: It is broken; the place stays where it was.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._torn(error) and self._more():
                    continue
                raise self._broken(error) from None
            except (ValueError, RecursionError) as error:
                raise unparsed(error) from None
            # A number near the end of what was read may go on: 1, 1., 1.5, 1.5e, 1.5e3.
            number = isinstance(value, int | float) and len(self._text) - end < _TAIL
            if not number or not self._more():
                break
        if not self._clean and (wrong := _NOT_UTF8.search(self._text, self._at, end)):
            byte = ord(wrong.group()) & 0xFF
            raise BadRow("encoding", f"not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")
        brackets = self._text.count("[", self._at, end) + self._text.count("{", self._at, end)
        if brackets > MAX_DEPTH:
            check_depth(value)
        if self._indent is not None:
            self._usual = self._indent
        self._first_key = next(iter(value), "") if isinstance(value, dict) else ""
        self._move(end)
        return value

    def enter_rows(self, of_a_row: Collection[str]) -> bool:
        """Go into the list of rows that the object here holds, as `{"version": 1, "data": [{…}, …]}` does.

        An object that something follows is a row, however many lists are in it: only looked at is what fits
        into `_HOLDER`, since no row is that large.

        Args:
            of_a_row: Names by which an object is known for a row.

        Returns:
            Whether there is one; if not, the place stays where it was.
        """
        while len(self._text) - self._at < _HOLDER and self._more():
            pass
        try:
            _, end = DECODER.raw_decode(self._text, self._at)
        except (BadRow, ValueError, RecursionError):
            pass  # too large, or broken inside: then its elements tell where
        else:
            if _BETWEEN.match(self._text, end).end() < len(self._text):  # type: ignore[union-attr]  # as above
                return False
        try:
            begin = self._list_of_rows(of_a_row)
        except (IndexError, BadRow, ValueError, RecursionError):
            return False
        self._move(begin or self._at)
        return begin > 0

    def _list_of_rows(self, of_a_row: Collection[str]) -> int:
        """Return where the first row begins, 0 where there is none.

        Raises:
            IndexError: The text ends before that is known.
            json.JSONDecodeError: It is broken, or the text ends.
            BadRow: It is broken.
        """
        text, at = self._text, self._at + 1

        def skip(place: int) -> int:
            return _SPACE.match(text, place).end()  # type: ignore[union-attr]  # matches nothing, too

        while text[at := skip(at)] == '"':
            name, at = DECODER.raw_decode(text, at)
            if text[at := skip(at)] != ":":
                return 0
            at = skip(at + 1)
            if name in of_a_row:
                return 0
            if text[at] == "[" and text[inner := skip(at + 1)] == "{":
                inner = skip(inner + 1)
                key = DECODER.raw_decode(text, inner)[0] if text[inner] == '"' else ""
                # Messages under a name of their own are no rows either.
                return 0 if key in ("role", "from") else at + 1
            _, at = DECODER.raw_decode(text, at)
            if text[at := skip(at)] != ",":
                return 0
            at += 1
        return 0

    def pass_over(self) -> None:
        """Move on from a broken value to where the next one seems to begin.

        That is where its brackets close. Where they do not fit, it is the next line that begins as the rows
        here do, or for values that share a line the next object with the same first key.
        """
        starts = self._starts()
        while True:
            start = starts.search(self._text, self._at + 1)
            bound = start.start() if start and self._indent is not None else len(self._text)
            closed = self._closed(bound)
            if closed > 0:
                return self._move(closed)
            # Without a line of its own brackets tell better than what follows, as long as they fit.
            if start and (self._indent is not None or closed < 0):
                return self._move(start.start())
            if self._more():
                continue
            if start or self._ended:
                return self._move(start.start() if start else len(self._text))
            # Too long to be held: keep what a start may need, and go by starts alone.
            self._indent = self._indent if self._indent is not None else self._usual or ""
            self._move(max(len(self._text) - len(self._indent) - _TAIL, self._at + 1))

    def _starts(self) -> re.Pattern[str]:
        """Return what the beginning of the next value, or the end of the array, looks like."""
        indents = {indent for indent in (self._indent, self._usual) if indent is not None}
        is_value = self._text[self._at] in "{["
        if self._indent is None and not is_value:
            return re.compile(r"(?=[,{\[\]\n])")
        if self._usual is None and not is_value:
            return re.compile(r"\n(?=[ \t]*[{\]])")
        if self._indent is None and self._first_key:
            return re.compile(r"(?<=[\s,\[])(?=\{\s*" + re.escape(json.dumps(self._first_key)) + ")")
        if not indents:
            return re.compile(r"\n(?=[ \t]*[{\]])")
        values = "|".join(re.escape(indent) + r"\{" for indent in indents)
        shallow = max(min(map(len, indents)) - 1, 0)
        return re.compile(rf"\n(?={values}|[ \t]{{0,{shallow}}}\])")

    def _closed(self, bound: int) -> int:
        """Return where the brackets that open here are closed; 0: not before `bound`; -1: they do not fit."""
        if self._text[self._at] not in "{[":
            return -1
        open_brackets: list[str] = []
        for match in _STRING_OR_BRACKET.finditer(self._text, self._at, bound):
            token = match.group()
            if token in _CLOSING:
                open_brackets.append(_CLOSING[token])
            elif token in "}]":
                if open_brackets.pop() != token:
                    return -1
                if not open_brackets:
                    return match.end()
        return 0

    def _torn(self, error: Exception) -> bool:
        """Return whether a mistake may be one of not having read far enough."""
        if self._ended or not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _TAIL

    def _broken(self, error: json.JSONDecodeError) -> BadRow:
        if not self._ended and self._torn(error):
            return BadRow("json", f"a row of more than {MAX_ROW_BYTES >> 20} MiB")
        newline = self._text.rfind("\n", self._at, error.pos)
        said = error.msg.lower().removesuffix(" at").removesuffix(" starting at")
        if newline < 0:
            return BadRow("json", f"broken JSON: {said}", self._column + error.pos - self._at)
        line = self.line + self._text.count("\n", self._at, error.pos)
        return BadRow("json", f"broken JSON: {said} (line {line}, column {error.pos - newline})")

    def _move(self, to: int) -> None:
        newline = self._text.rfind("\n", self._at, to)
        if newline < 0:
            self._column += to - self._at
        else:
            self.line += self._text.count("\n", self._at, to)
            self._column = to - newline
        self._at = to

    def _more(self) -> bool:
        """Read on, at least as much again as is held, so that large values are not parsed block by block.

        Returns:
            Whether there is more; False at the end of the file, or where a value is too large to be held.
        """
        if self._ended or len(self._text) - self._at > MAX_ROW_BYTES:
            return False
        pieces, wanted = [self._text[self._at :]], max(len(self._text) - self._at, 1)
        while wanted > 0 and not self._ended:
            block = next(self._blocks, b"")
            self._ended = not block
            piece = self._decoder.decode(block, final=self._ended)
            if self._clean:
                self._clean = not _holds_surrogates(piece)
            pieces.append(piece)
            wanted -= len(piece)
        grown = sum(map(len, pieces[1:])) > 0
        if grown:
            self._text, self._at = "".join(pieces), 0
        return grown


def _holds_surrogates(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
