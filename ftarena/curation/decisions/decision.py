"""One decision about one row, as it stands in a sidecar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from ftarena.curation.decisions.identity import Item, Key

Action = Literal["exclude", "edit", "relabel"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about one row."""

    row: str
    """Digest of the raw row, as `row_digest` gives it."""

    occurrence: int
    """Which of the rows that are exactly alike, from 1 in the order of the file."""

    line: int
    """Where the row was when it was decided."""

    action: Action
    reason: str
    code: str
    """The finding that led to it, a code of `ftarena.curation.findings`; empty for none."""

    by: str
    at: str
    """When, in UTC, ISO 8601."""

    value: dict[str, Any] | None = None
    """The whole new row, for `edit`."""

    @property
    def key(self) -> Key:
        """Which row it is about."""
        return (self.row, self.occurrence)

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the sidecar."""
        return {
            "row": self.row,
            "occurrence": self.occurrence,
            "line": self.line,
            "action": self.action,
            "reason": self.reason,
            "code": self.code,
            "by": self.by,
            "at": self.at,
            **({"value": self.value} if self.value is not None else {}),
        }

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> "Decision | None":
        """Return what a line of a sidecar says, or None where it is no decision."""
        key, line, value = key_of(event), event.get("line", 0), event.get("value")
        known: tuple[Action, ...] = get_args(Action)
        action = next((action for action in known if action == event.get("action")), None)
        if key is None or action is None or not isinstance(line, int):
            return None
        if (action == "edit") != isinstance(value, dict):
            return None
        texts = {name: str(event.get(name) or "") for name in ("reason", "code", "by", "at")}
        return cls(key[0], key[1], line, action, value=value, **texts)


@dataclass(frozen=True, slots=True)
class Decided:
    """A row, and what was decided about it."""

    item: Item
    decisions: tuple[Decision, ...] = ()
    """What stands, the oldest first; empty for most rows."""

    @property
    def excluded(self) -> bool:
        """Whether it is left out."""
        return bool(self.decisions) and self.decisions[-1].action == "exclude"

    @property
    def effective(self) -> tuple[Decision, ...]:
        """The decisions that make it what it is, see `effective`."""
        return effective(self.decisions)


def effective(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Return which of the decisions about one row make it what it is.

    Of a row that is left out the last one; else the last edit, and the last relabelling after it where their
    number is odd: two turn a judgement round and back.

    Args:
        decisions: All that stand, the oldest first.
    """
    if decisions and decisions[-1].action == "exclude":
        return (decisions[-1],)
    last: Decision | None = None
    turned: list[Decision] = []
    for decision in decisions:
        if decision.action == "edit":
            last, turned = decision, []
        elif decision.action == "relabel":
            turned.append(decision)
    return (*([last] if last else []), *(turned[-1:] if len(turned) % 2 else []))


def key_of(event: Mapping[str, Any]) -> Key | None:
    """Return which row a line of a sidecar is about, or None where it does not say."""
    row, occurrence = event.get("row"), event.get("occurrence", 1)
    return (row, occurrence) if isinstance(row, str) and isinstance(occurrence, int) else None


def now() -> str:
    """Return the time as decisions have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
