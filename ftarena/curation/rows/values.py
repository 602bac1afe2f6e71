"""What one JSON text says, read strictly: nothing is lost or guessed without a word.

Refused, beyond broken JSON: a key twice in one object (one of the two would be lost), NaN and Infinity (no
JSON, and other tools refuse them), numbers that Python cannot hold, nesting beyond `MAX_DEPTH`.
"""

import hashlib
import json
from typing import Any, NoReturn

from ftarena.curation.examples import BadRow
from ftarena.text import shorten

MAX_ROW_BYTES = 64 << 20
"""A longer row is a problem: it is a broken file, and two copies of it should fit in memory."""

MAX_DEPTH = 100
"""Levels of lists and objects in each other. Conversations with tool calls have about ten."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None, which is false
        raise BadRow(
            "json", f'the key "{shorten(twice, 40)}" is twice in one object: one of the two would be lost'
        )
    return found


def _constant(name: str) -> NoReturn:
    raise BadRow("json", f"{name} is no JSON value: write null")


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise BadRow("json", f"the number {shorten(digits, 20)} is too large")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
"""Reads JSON as described above; `depth` is checked apart."""


def parse_line(raw: bytes) -> Any:
    """Return what one line of JSON says.

    Args:
        raw: The line, with or without its end.

    Raises:
        BadRow: It is not UTF-8 or not JSON.
    """
    try:
        value = DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRow(
            "encoding", f"not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8", error.start + 1
        ) from None
    except json.JSONDecodeError as error:
        raise BadRow("json", _said(error, raw), error.pos + 1) from None
    except (ValueError, RecursionError) as error:
        raise unparsed(error) from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        check_depth(value)
    return value


def unparsed(error: Exception) -> BadRow:
    """Return in words why Python reads no JSON value, where it is not the grammar."""
    if isinstance(error, RecursionError):
        return BadRow("json", "broken JSON: nested too deeply")
    return BadRow("json", "a number with more digits than Python reads")


def check_depth(value: Any) -> None:
    """Refuse what would overflow the stack of whoever walks it later.

    Raises:
        BadRow: It is nested more than `MAX_DEPTH` deep.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise BadRow("json", "broken JSON: nested too deeply")


def check_value(value: Any) -> None:
    """Refuse a value that no file of rows can hold, wherever it came from.

    Raises:
        BadRow: A number in it is none of JSON's, or it is nested too deeply.
    """
    check_depth(value)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise BadRow("json", "NaN and Infinity are no JSON values: write null") from None


def _said(error: json.JSONDecodeError, raw: bytes) -> str:
    text = raw.strip()
    if b"\0" in raw:
        return "NUL bytes: the file was not written to its end, or is no text"
    if text.startswith(b"[") or text in (b"{", b"]", b"}"):
        return (
            f"broken JSON: {error.msg.lower()}; this looks like a JSON array or an indented object, "
            "one object a line is needed"
        )
    if error.msg == "Extra data":
        return "broken JSON: something follows the object; one object a line is needed"
    return f"broken JSON: {error.msg.lower()}"


def row_digest(value: Any) -> str:
    """Return what identifies a raw row, wherever it stands: equal for equal values, whatever their spelling.

    Args:
        value: A row's value, as `Row` has it. The order of keys and white space do not count.

    Returns:
        32 hexadecimal digits: BLAKE2b-128 of its canonical JSON (sorted keys, no spaces, ASCII).
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode("ascii"), digest_size=16).hexdigest()
