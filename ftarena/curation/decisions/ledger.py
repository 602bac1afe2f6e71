"""What people decided about the rows of a file: to leave one out, to change it, to turn its judgement round.

The source is never touched: decisions lie in its sidecar and take effect when the curated set is written
(`apply`). A row is known by its content and, among rows that are exactly alike, by its number, so decisions
hold when lines move and are lost only with the row itself. A line that cannot be parsed is known by its text.

Decisions about one row pile up. An edit gives it a new value, a relabelling turns round what it says by then,
and the newest of all says whether it is in: excluded, or, where it was edited after that, back again. Undo
takes the newest away.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from ftarena.curation.decisions.decision import Action, Decided, Decision, effective, key_of, now
from ftarena.curation.decisions.identity import Item, Key, RowIndex, item_at, items_of
from ftarena.curation.decisions.relabelling import relabelled
from ftarena.curation.decisions.sidecar import Sidecar, describe
from ftarena.curation.examples import BadRow
from ftarena.curation.findings import CODES
from ftarena.curation.reading import usable_shapes
from ftarena.curation.rows import Problem, Row
from ftarena.curation.rows.values import check_value
from ftarena.curation.shapes import example_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError, UsageError

__all__ = ["Action", "Decided", "Decision", "Decisions"]


class Decisions:
    """The decisions about one source; several programs may add to them at once.

    Args:
        source: The file they are about.
        sidecar: Where they are kept.
    """

    def __init__(self, source: Source, sidecar: Sidecar) -> None:
        self.source = source
        self.sidecar = sidecar
        self.problems: list[str] = []
        """Lines of the sidecar that were passed over, in words."""

        self._stacks: dict[Key, list[Decision]] = {}
        self._decided: set[str] = set()
        # Digests of rows about which there is, or was, a decision: all others need no second look.
        self._index: RowIndex | None = None

    @classmethod
    def open(cls, source: Source) -> "Decisions":
        """Return the decisions about a source; none is not an error, and nothing is created.

        Raises:
            FtarenaError: There are some, but they cannot be read.
        """
        decisions = cls(source, Sidecar.of(source.path))
        decisions.refresh()
        return decisions

    def refresh(self) -> None:
        """Take in what others have decided since.

        Raises:
            FtarenaError: The sidecar cannot be read.
        """
        self.problems = [problem for problem in self.problems if "a write under way" not in problem]
        for line in self.sidecar.new_lines():
            if line.value is None or not self._take(line.value):
                self.problems.append(describe(line))

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows are excluded, edited and relabelled: `{"exclude": 3, "edit": 1, "relabel": 0}`.

        By the newest decision about each that has an effect; rows that are no longer in the file count too.
        """
        found = Counter(found[-1].action for stack in self._stacks.values() if (found := effective(stack)))
        return {action: found[action] for action in get_args(Action)}

    @property
    def standing(self) -> list[Decision]:
        """Every decision that stands, the oldest first."""
        stacks = (decision for stack in self._stacks.values() for decision in stack)
        return sorted(stacks, key=lambda decision: (decision.at, decision.line))

    def __bool__(self) -> bool:
        return bool(self._stacks)

    def of(self, row: Row | Problem) -> Decision | None:
        """Return the newest decision about a row of the source, or None.

        The first time that there was one about its content, it reads the source once, to tell rows apart that
        are exactly alike.
        """
        pile = self.pile(row)
        return pile[-1] if pile else None

    def pile(self, row: Row | Problem) -> tuple[Decision, ...]:
        """Return everything that stands about a row, the oldest first."""
        item = self._item(row) if self._decided else Item(row)
        if item.identity not in self._decided:
            return ()
        return tuple(self._stacks.get(self._key(item), ()))

    def walk(self) -> Iterator[Decided]:
        """Yield everything in the source with what was decided about it, in one pass and bounded memory.

        Raises:
            FtarenaError: The source cannot be read.
        """
        seen: Counter[str] = Counter()
        for item in items_of(self.source):
            if self._decided and (identity := item.identity) in self._decided:
                seen[identity] += 1
                yield Decided(item, tuple(self._stacks.get((identity, seen[identity]), ())))
            else:
                yield Decided(item)

    def strays(self) -> list[Decision]:
        """Return the decisions that apply to no row: the source has changed since. Reads the source once.

        Raises:
            FtarenaError: The source cannot be read.
        """
        if not self._stacks:
            return []
        found = {decision.key for decided in self.walk() for decision in decided.decisions}
        return [decision for decision in self.standing if decision.key not in found]

    def outcome(self, decided: Decided) -> Row | Problem | None:
        """Return a row as the decisions leave it, or None where it is left out.

        Raises:
            FtarenaError: A relabelling that cannot be carried out, since the source is read otherwise now.
        """
        if decided.excluded:
            return None
        row = decided.item.row
        for decision in decided.decisions:
            if decision.action == "edit":
                row = Row(row.file, row.line, decision.value)
            elif decision.action == "relabel" and isinstance(row, Row):
                row = Row(row.file, row.line, relabelled(row, self.source))
        return row

    def exclude(self, row: Row | Problem, reason: str, by: str, *, code: str = "") -> Decision:
        """Leave a row out.

        Args:
            row: As it is in the source; also one that could not be read.
            reason: Why, in the words of who decides; may be empty.
            by: Who decides.
            code: The finding that led to it.

        Raises:
            UsageError: There is no such code.
            FtarenaError: It cannot be written down.
        """
        return self.exclude_all([row], reason, by, code=code)[0]

    def exclude_all(
        self,
        rows: Sequence[Row | Problem],
        reason: str,
        by: str,
        *,
        code: str = "",
        codes: Sequence[str] = (),
    ) -> list[Decision]:
        """Leave many rows out, in one write; as `exclude` does.

        Args:
            rows: As they are in the source.
            reason: Why.
            by: Who decides.
            code: The finding that led to it, the same for all.
            codes: One finding for each row, instead.
        """
        codes = codes or [code] * len(rows)
        if unknown := next((code for code in codes if code and code not in CODES), ""):
            raise UsageError(f"there is no finding {unknown}", f"there are {', '.join(CODES)}")
        decisions = [
            self._decision(row, "exclude", by, reason, code) for row, code in zip(rows, codes, strict=True)
        ]
        self._append([decision.to_json() for decision in decisions])
        return decisions

    def edit(self, row: Row | Problem, value: dict[str, Any], by: str, *, reason: str = "") -> Decision:
        """Give a row a new value, which must be a usable row.

        Args:
            row: As it is in the source.
            value: The whole new row, in the spelling of the source.
            by: Who decides.
            reason: Why.

        Raises:
            FtarenaError: The new value cannot be used, or the decision cannot be written down.
        """
        try:
            example_of(row.file, row.line, value, usable_shapes(self.source), self.source.columns)
            check_value(value)
        except BadRow as bad:
            raise FtarenaError(
                f"{row.file}:{row.line}: so edited, the row cannot be used: {bad}", "nothing was changed"
            ) from None
        decision = replace(self._decision(row, "edit", by, reason), value=value)
        self._append([decision.to_json()])
        return decision

    def relabel(self, row: Row, by: str, *, reason: str = "") -> Decision:
        """Turn a row's judgement round: swap chosen and rejected, or flip the label.

        Raises:
            FtarenaError: The row has no judgement, or the decision cannot be written down.
        """
        return self.relabel_all([row], by, reason=reason)[0]

    def relabel_all(self, rows: Sequence[Row | Problem], by: str, *, reason: str = "") -> list[Decision]:
        """Turn the judgement of many rows round, all or none of them, in one write; as `relabel` does."""
        self.refresh()
        for row in rows:
            self.check_relabel(row)
        decisions = [self._decision(row, "relabel", by, reason) for row in rows]
        self._append([decision.to_json() for decision in decisions])
        return decisions

    def check_relabel(self, row: Row | Problem) -> None:
        """Refuse what `relabel` would refuse, and write nothing.

        Raises:
            FtarenaError: The row has no judgement that can be turned round.
        """
        standing = self.outcome(Decided(self._item(row), self.pile(row)))
        standing = standing or self.outcome(Decided(self._item(row), _without_exclusions(self.pile(row))))
        if not isinstance(standing, Row):
            raise FtarenaError(f"{row}, so there is no label to turn round", "exclude it, or mend it")
        relabelled(standing, self.source)

    def undo(self, row: Row | Problem, by: str) -> Decision:
        """Take back the newest decision about a row and return it; the one before it stands again.

        Raises:
            FtarenaError: There is none, or it cannot be written down.
        """
        return self.undo_all([row], by)[0][1]

    def undo_all(self, rows: Sequence[Row | Problem], by: str) -> list[tuple[Row | Problem, Decision]]:
        """Take back the newest decision about each of some rows, in one write.

        Returns:
            What was taken back, with its row; rows about which nothing was decided are passed over.

        Raises:
            FtarenaError: Nothing was decided about any of them, or it cannot be written down.
        """
        self.refresh()
        undone = [(row, standing) for row in rows if (standing := self.of(row)) is not None]
        if not undone:
            what = "this row" if len(rows) == 1 else f"any of these {len(rows)} rows"
            raise FtarenaError(
                f"{rows[0].file}:{rows[0].line}: nothing was decided about {what}",
                f"see what was: ftarena data decisions {rows[0].file}",
            )
        events = [
            replace(standing, line=row.line, reason="", code="", by=by, at=now(), value=None).to_json()
            for row, standing in undone
        ]
        self._append([{**event, "action": "undo"} for event in events])
        return undone

    def _decision(self, row: Row | Problem, action: Action, by: str, reason: str, code: str = "") -> Decision:
        identity, occurrence = self._key(self._item(row))
        return Decision(identity, occurrence, row.line, action, reason, code, by, now())

    def _item(self, row: Row | Problem) -> Item:
        return Item(row) if isinstance(row, Row) else item_at(self.source, row.line)

    def _key(self, item: Item) -> Key:
        row = item.row
        if not item.identity:
            raise FtarenaError(
                f"{row.file}:{row.line} cannot be told from other rows, so nothing can be decided about it",
                "mend it in the file, or leave out all that cannot be read: ftarena data apply --drop-bad",
            )
        if self._index is None or not self._index.fresh():
            self._index = RowIndex(self.source)
        return (item.identity, self._index.occurrence(item.identity, row.line))

    def _append(self, events: Sequence[Mapping[str, Any]]) -> None:
        self.sidecar.append(events)
        self.refresh()

    def _take(self, event: Mapping[str, Any]) -> bool:
        """Take in one event; return whether it is one."""
        if event.get("action") == "undo":
            key = key_of(event)
            if key is None:
                return False
            stack = self._stacks.get(key, [])
            if stack:
                stack.pop()
            if not stack:
                self._stacks.pop(key, None)
            return True
        decision = Decision.from_json(event)
        if decision is None:
            return False
        self._stacks.setdefault(decision.key, []).append(decision)
        self._decided.add(decision.row)
        return True


def _without_exclusions(pile: Sequence[Decision]) -> tuple[Decision, ...]:
    return tuple(decision for decision in pile if decision.action != "exclude")
