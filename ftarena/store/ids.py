"""Names for rows that two machines agree on, or that never collide.

What is content (a prompt, an answer, an imported vote) is named by a hash of it, so the same thing has the
same id everywhere and a union of two databases needs no renumbering. What happens (a battle, a ballot) is
named by a ULID, which sorts by time.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

_HASH = re.compile(r"[0-9a-f]{32}")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ULID_LENGTH = 26
_canonical = json.JSONEncoder(
    ensure_ascii=True, separators=(",", ":")
).encode  # kept: it is made for each dumps()


def content_hash(*parts: str | int) -> str:
    """Return 32 hex digits (BLAKE2b, 128 bits) that name `parts`; the borders between parts count."""
    return hashlib.blake2b(_canonical(parts).encode("ascii"), digest_size=16).hexdigest()


def is_content_hash(text: str) -> bool:
    """Return whether `text` looks like what `content_hash` gives."""
    return _HASH.fullmatch(text) is not None


def prompt_hash(turns: Sequence[tuple[str, str]]) -> str:
    """Return the id of a prompt: a hash of its turns' roles and contents, in order."""
    return content_hash("prompt", *(part for turn in turns for part in turn))


def next_ulid(after: str | None) -> str:
    """Return a new ULID that sorts behind `after`, also in the same millisecond or after a clock change.

    Args:
        after: The last ULID of the same sequence, if there is one.
    """
    from ulid import ULID  # 0.15 s: it looks up its own version in the installed packages

    fresh = str(ULID())
    if after is None or len(after) != _ULID_LENGTH or fresh > after:
        return fresh
    return str(ULID.from_int(int(ULID.from_str(after)) + 1))


def ulid_time(ulid: str) -> str:
    """Return when a ULID was made, as ISO 8601 in UTC with milliseconds."""
    from ulid import ULID

    return iso(ULID.from_str(ulid).datetime)


def now() -> str:
    """Return the time as ISO 8601 in UTC with milliseconds: sorts as text and reads as time."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """Return a time as it is stored: ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def storable(text: str) -> str:
    """Return `text` with lone surrogates as U+FFFD: JSON may carry them, UTF-8 and so SQLite may not."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
