"""How votes are collected in one arena: which battle next, how many labelers, when names are told.

Kept in the database itself, because everybody who votes there must be treated alike; not taken along by a
merge. Each vote keeps with it what may matter later (when names were shown, how its prompt was drawn).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal, get_args

from ftarena.errors import FtarenaError
from ftarena.store import NamesShown, Store
from ftarena.text import shorten

SamplerName = Literal["uniform", "balanced", "informative"]
"""Which battle comes next, see `ftarena.arena.sampling`."""

Pace = Literal["together", "paced", "raw"]
"""How two answers that are being written appear in a blind chat: both at once when both are whole, both at
one steady speed, or as they come (which may tell who is who)."""

CRITERIA = ("helpful", "correct", "style", "safe")
"""What is usually asked beside the vote itself; others may be named."""

_WORD = re.compile(r"\w[\w -]*")

_MOST_CRITERIA = 9  # one key each


@dataclass(frozen=True, slots=True)
class ArenaSettings:
    """How votes are collected. The defaults are for one person who wants to know."""

    sampler: SamplerName = "balanced"
    """Which battle comes next."""

    overlap: int | None = None
    """How many labelers vote on each prompt and pair; `None` is everybody who comes."""

    lease_minutes: float = 30.0
    """For how long a battle that somebody has before them is kept from others, in minutes; with `overlap`."""

    names: NamesShown = "after"
    """When labelers are told the names: never, after each vote, at the end."""

    criteria: tuple[str, ...] = ()
    """What else is asked after each vote, in this order."""

    strength: bool = False
    """Whether it is asked after each vote how clear the preference is, 1 to 5."""

    attention: float = 0.0
    """Share of battles that are shown again later with the sides swapped, 0 to 0.5: does a labeler agree with
    themselves? Such votes are not scored."""

    pace: Pace = "together"
    """How answers appear in a blind chat."""


MEANINGS = {
    "sampler": "which battle comes next: uniform, balanced, informative",
    "overlap": "how many labelers vote on each prompt and pair; all: everybody",
    "lease_minutes": "how long an open battle is kept from others",
    "names": "when labelers are told the names: never, after each vote, at the end",
    "criteria": "what else is asked after each vote; none: nothing",
    "strength": "whether it is asked how clear the preference is, 1 to 5",
    "attention": "share of battles shown again, mirrored, not scored: 0 to 0.5",
    "pace": "how answers appear in a blind chat: together, paced, raw",
}
"""Each setting in half a line, for who is asked to change it."""


def read_settings(store: Store) -> ArenaSettings:
    """Return the settings of an arena; what is not set, or not understood by this version, is the default."""
    found = ArenaSettings()
    for key, value in store.rows("SELECT key, value_json FROM arena_settings"):
        try:
            found = _with(found, key, json.loads(value))
        except (FtarenaError, ValueError):
            continue
    return found


def write_settings(store: Store, changes: Mapping[str, Any]) -> ArenaSettings:
    """Change settings: all that are named, or none where one is wrong.

    Args:
        store: The arena.
        changes: Values by key, as JSON would have them, or as text from a command line.

    Raises:
        FtarenaError: There is no such setting, or it cannot have this value.
    """
    with store.transaction() as connection:
        found = read_settings(store)
        for key, value in changes.items():
            found = _with(found, key, value)
        for key in changes:
            connection.execute(
                "INSERT INTO arena_settings (key, value_json) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value_json = excluded.value_json",
                (key, json.dumps(asdict(found)[key])),
            )
    return found


def adopt_names(store: Store, names: NamesShown) -> ArenaSettings:
    """Take over when names are shown from where an older version kept it; what the arena says goes before.

    Returns:
        The settings that hold now.
    """
    with store.transaction():
        if not store.rows("SELECT 1 FROM arena_settings WHERE key = 'names'"):
            write_settings(store, {"names": names})
    return read_settings(store)


def in_words(settings: ArenaSettings, key: str) -> str:
    """Return the value of a setting as it may be typed: `all`, `on`, `helpful,correct`, `none`."""
    value = asdict(settings)[key]
    if key == "overlap":
        return "all" if value is None else str(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with(settings: ArenaSettings, key: str, value: Any) -> ArenaSettings:
    """Return the settings with one changed."""
    known = [field.name for field in fields(ArenaSettings)]
    if key not in known:
        near = get_close_matches(key, known, 1)
        raise FtarenaError(
            f"there is no setting {shorten(key, 40)!r}",
            f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}",
        )
    return replace(settings, **{key: _READERS[key](key, value)})


def _choice(words: tuple[str, ...]) -> Any:
    def read(key: str, value: Any) -> str:
        if value not in words:
            raise _wrong(key, value, " or ".join([", ".join(words[:-1]), words[-1]]))
        return str(value)

    return read


def _overlap(key: str, value: Any) -> int | None:
    if value is None or str(value).strip().lower() in ("all", "none", ""):
        return None
    try:
        return int(_number(key, value, 1, 1000, whole=True))
    except FtarenaError:
        raise _wrong(key, value, "a whole number from 1 to 1000, or all: everybody") from None


def _number(key: str, value: Any, low: float, high: float, *, whole: bool = False) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high or (whole and number != int(number)) or isinstance(value, bool):
        raise _wrong(key, value, f"a {'whole ' if whole else ''}number from {low:g} to {high:g}")
    return number


def _switch(key: str, value: Any) -> bool:
    words = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        raise _wrong(key, value, "on or off")
    return found


def _criteria(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip().lower() in ("none", "off", "-"):
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise _wrong(
            key,
            value,
            "words with commas between, such as helpful,correct,style,safe; none asks nothing more",
        )
    named = tuple(part.strip() for part in parts if part.strip())
    if len(set(named)) < len(named):
        raise _wrong(key, value, "each word once")
    if not all(_WORD.fullmatch(name) for name in named) or "vote" in named:
        raise _wrong(key, value, "words of letters and digits, none of them vote")
    if len(named) > _MOST_CRITERIA or "strength" in named or any(len(name) > 20 for name in named):
        raise _wrong(
            key, value, f"at most {_MOST_CRITERIA} words of at most 20 letters, none of them strength"
        )
    return named


def _wrong(key: str, value: Any, wanted: str) -> FtarenaError:
    return FtarenaError(f"{key} cannot be {shorten(str(value), 40)!r}", f"give {wanted}")


_READERS: dict[str, Any] = {
    "sampler": _choice(get_args(SamplerName)),
    "overlap": _overlap,
    "lease_minutes": lambda key, value: _number(key, value, 1, 100_000),
    "names": _choice(get_args(NamesShown)),
    "criteria": _criteria,
    "strength": _switch,
    "attention": lambda key, value: _number(key, value, 0, 0.5),
    "pace": _choice(get_args(Pace)),
}
