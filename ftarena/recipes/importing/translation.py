"""A foreign recipe on its way into ours: which keys it has, and what became of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from typing import Any, NamedTuple

from ftarena.recipes.catalogue import key_named
from ftarena.recipes.reading import Line
from ftarena.text import clean_line, shorten


class Fate(StrEnum):
    """What became of a key."""

    CARRIED = "carried"
    """It stands in the new recipe, by this name or another."""

    NEEDLESS = "needless"
    """It says what holds here anyway, or nothing at all."""

    LOST = "lost"
    """What it would have done is not done here, or not so."""


@dataclass(frozen=True)
class Remark:
    """What became of one key of a foreign recipe."""

    line: int
    key: str
    given: str
    """Its value there, cleaned and short."""

    fate: Fate
    said: str
    """What it became, why it is needless, or what it would have done."""

    instead: str = ""
    """What to do where it is lost."""


class Lost(NamedTuple):
    """A key that cannot be carried over."""

    effect: str
    """What it does there."""

    instead: str
    """What to do here."""


@dataclass
class Translation:
    """The state of one import. Each key of the file is settled once: carried, needless or lost."""

    tool: str
    given: dict[str, Line]
    """By key; where one is there twice, the last, as both tools read it."""

    values: dict[str, Any] = field(default_factory=dict)
    """The new recipe's keys."""

    notes: dict[str, str] = field(default_factory=dict)
    """What the new recipe says behind a key."""

    remarks: list[Remark] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    # Keys that were looked at: one that is left had a value that makes no sense there.

    @classmethod
    def of(cls, tool: str, lines: Iterable[Line]) -> "Translation":
        """Return the translation of a file's lines, with nothing settled but what is empty or said again."""
        made = cls(tool, {})
        for line in lines:
            if line.key in made.given:
                made._remark(
                    made.given[line.key], Fate.NEEDLESS, f"line {line.number} says it again, and counts"
                )
            made.given[line.key] = line
        for line in made.given.values():
            if line.value in (None, "", [], {}):
                made.needless(line.key, "empty")
        return made

    def get(self, key: str, default: Any = None) -> Any:
        """Return what the foreign recipe says, or `default` where it says nothing."""
        self._asked.add(key)
        line = self.given.get(key)
        return default if line is None or line.value in (None, "", [], {}) else line.value

    def open(self, key: str) -> bool:
        """Return whether the file has this key and nothing has become of it yet."""
        return key in self.given and key not in self.settled

    def carry(self, key: str, name: str, value: Any, note: str = "") -> None:
        """Let a key become one of ours.

        Args:
            key: The foreign key; where it is not in the file, the value is the tool's default.
            name: Ours.
            value: Ours; what is text there and a number is taken for the number.
            note: What the new recipe says behind it.
        """
        self.values[name] = as_number(value) if _is_number(name) else value
        if note or self.get(key) is None:
            self.notes[name] = note or f"{self.tool}'s default"
        self._settle(key, Fate.CARRIED, f"{name}: {_shown(self.values[name])}")

    def becomes(self, key: str, what: str) -> None:
        """Say what a key became that changes how another one was carried."""
        self._settle(key, Fate.CARRIED, what)

    def needless(self, key: str, why: str) -> None:
        """Say why a key is not needed here."""
        self._settle(key, Fate.NEEDLESS, why)

    def lose(self, key: str, effect: str, instead: str) -> None:
        """Say what a key would have done, and what to do instead."""
        self._settle(key, Fate.LOST, effect, instead)

    def assume(self, name: str, value: Any, note: str = "") -> None:
        """Write down a default of the tool where ours differs and its recipe says nothing."""
        if name not in self.values:
            self.values[name] = value
            self.notes[name] = note or f"{self.tool}'s default"

    def rename(self, names: Mapping[str, str]) -> None:
        """Carry keys whose values mean the same here under another name."""
        for key, name in names.items():
            if self.open(key):
                if name in self.values:
                    self.needless(key, f"{name} is said already")
                else:
                    self.carry(key, name, self.given[key].value)

    def drop(self, reasons: Mapping[str, str]) -> None:
        """Settle keys that are needless whatever they say."""
        for key, why in reasons.items():
            if self.open(key):
                self.needless(key, why)

    def forsake(self, lost: Mapping[str, Lost]) -> None:
        """Settle keys that have no equal here; where they are turned off, nothing is lost."""
        for key, what in lost.items():
            if self.open(key):
                value = self.given[key].value
                if value is False or value in (0, "none", "no"):
                    self.needless(key, "off there, and not done here")
                else:
                    self.lose(key, *what)

    def finish(self, known: Iterable[str]) -> None:
        """Settle what is left: values that make no sense, and keys that nobody knows."""
        known = sorted(known)
        for key in [key for key in self.given if self.open(key)]:
            if key in self._asked or key in known:
                self.lose(key, f"{self.tool} does not take that value", "see its documentation")
                continue
            near = get_close_matches(key, known, n=1, cutoff=0.8)
            guess = f"did you mean {near[0]}?" if near else f"see {self.tool}'s documentation"
            self.lose(key, f"not a key of {self.tool} that is known here", guess)
        order = {key: number for number, key in enumerate(self.given)}
        self.remarks.sort(key=lambda remark: (remark.line, order.get(remark.key, 0)))

    def _settle(self, key: str, fate: Fate, said: str, instead: str = "") -> None:
        if self.open(key):
            self.settled.add(key)
            self._remark(self.given[key], fate, said, instead)

    def _remark(self, line: Line, fate: Fate, said: str, instead: str = "") -> None:
        self.remarks.append(
            Remark(line.number, clean_line(line.key), _shown(line.value), fate, clean_line(said), instead)
        )


def as_number(value: Any) -> Any:
    """Return the number that a text spells (YAML 1.1 reads `2e-4` as text), or the value as it is."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        return number if isfinite(number) else value
    return value


def _is_number(name: str) -> bool:
    return "umber" in key_named(name).kind


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        parts = [part.get("path", part) if isinstance(part, Mapping) else part for part in value]
        return shorten(f"[{', '.join(map(str, parts))}]", 60)
    if isinstance(value, Mapping):
        return shorten(f"{{{', '.join(f'{key}: {part}' for key, part in value.items())}}}", 60)
    return shorten("" if value is None else str(value), 60)
