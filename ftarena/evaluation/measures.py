"""What was measured of contestants, each beside a baseline: a value, and the paired difference.

A contestant and the baseline are compared on the items that both have a score for, so that the hardness of an
item cancels out. Only the store is read here; no engine is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Literal

from ftarena.scoring.paired import MeasuredLosses, paired_difference, score_difference, share_difference
from ftarena.store import Store
from ftarena.store.results import LOSS, ResultRow, TaskRow, results, tasks

Better = Literal["higher", "lower", ""]
"""Which way a measure gets better; empty where neither is."""

SHARE = "share"
NATS = "nats/token"

SEEN = 0.05
"""The difference that `needed` is about: 5 points, or .05 nats."""

CUT = "length"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a contestant, and how it differs from the baseline's."""

    name: str
    """What was measured: `held-out loss`, `builtin:general`, `length`."""

    value: float
    unit: str
    """`share` (0 to 1), `nats/token`, `tokens`, `tokens/s` or `s`."""

    better: Better
    n: int
    """Items, or answers, that the value is a mean or median of."""

    difference: float | None = None
    """Value minus the baseline's, on the items that both have; `None` for the baseline itself, and where
    the two were not measured on the same."""

    low: float | None = None
    """Lower end of the difference's 95 % interval; `None` where there is none."""

    high: float | None = None
    note: str = ""
    """What has to be known beside it, in words."""

    metric: str = ""
    """How it was scored: `accept`, `loss` …; empty for what is read from answers."""

    needed: int | None = None
    """Items at which a difference of 5 points (.05 in its unit) would be told from chance four times out of
    five."""

    p_value: float | None = None
    """Of McNemar's exact test, where items are right or wrong."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class TaskTable:
    """What contestants made of one task, the baseline first."""

    task: TaskRow
    rows: tuple[tuple[str, Measure], ...]
    """Name and measure; only who has a score."""

    nobody: tuple[int, ...]
    """Items that were put to everybody in the table and have no score from anyone, from 0."""

    unmeasured: tuple[str, ...]
    """Who has no score at all."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON has it; items are counted from 0."""
        return {
            "task": asdict(self.task),
            "contestants": [{"contestant": name, **measure.to_json()} for name, measure in self.rows],
            "nobody": list(self.nobody),
            "unmeasured": list(self.unmeasured),
        }


def task_tables(
    store: Store,
    names: Sequence[str],
    baseline: str,
    which: Sequence[str] | None = None,
) -> list[TaskTable]:
    """Return what was measured, a table a task, losses first.

    Of several versions of a task (its file was changed) the one that most of these were measured on counts,
    then the newest.

    Args:
        store: The arena.
        names: Whom to show.
        baseline: Whom to compare with.
        which: Ids of tasks; `None` is one of each name and metric.
    """
    ids = {row.name: row.id for row in store.contestants()}
    wanted = [name for name in dict.fromkeys([baseline, *names]) if name in ids]
    found: dict[tuple[str, str], tuple[tuple[int, int, str], TaskTable]] = {}
    for task in tasks(store):
        if which is not None and task.id not in which:
            continue
        kept = results(store, task.id)
        table = _table(task, {name: kept.get(ids[name], {}) for name in wanted})
        if not table.rows:
            continue
        key = (task.name, task.metric) if which is None else (task.id, "")
        rank = (len(table.rows), sum(measure.n for _, measure in table.rows), task.created_at)
        if key not in found or rank >= found[key][0]:
            found[key] = (rank, table)
    tables = [table for _, table in found.values()]
    return sorted(tables, key=lambda table: table.task.metric != LOSS)


def _table(task: TaskRow, kept: Mapping[str, Mapping[int, ResultRow]]) -> TaskTable:
    """Compare results; the first of `kept` is the baseline."""
    scored = {
        name: {item: row for item, row in found.items() if row.score is not None}
        for name, found in kept.items()
    }
    baseline = next(iter(scored))
    rows: list[tuple[str, Measure]] = []
    for name, own in scored.items():
        if not own:
            continue
        shared = sorted(own.keys() & scored[baseline].keys())
        if name == baseline or not shared:
            measure = _value(task, [own[item] for item in sorted(own)])
        else:
            measure = _difference(
                task, [scored[baseline][item] for item in shared], [own[item] for item in shared]
            )
        note = "; ".join(_notes(task, kept[name], measure.n))
        rows.append((name, replace(measure, note=note)))
    put = [found.keys() for name, found in kept.items() if scored[name]]
    everywhere = set.intersection(*map(set, put)) if put else set()
    nobody = tuple(sorted(item for item in everywhere if not any(item in found for found in scored.values())))
    return TaskTable(task, tuple(rows), nobody, tuple(name for name, found in scored.items() if not found))


def _notes(task: TaskRow, found: Mapping[int, ResultRow], counted: int) -> list[str]:
    notes = []
    without = sum(row.score is None for row in found.values())
    if counted < len(found):
        notes.append(f"on {counted} of {len(found)} items")
    if without:
        notes.append(f"{without} without a score")
    cut = sum(row.finish_reason == CUT for row in found.values())
    if cut:
        notes.append(f"{cut} answers ran into the length limit")
    return notes


def _value(task: TaskRow, rows: Sequence[ResultRow]) -> Measure:
    if task.metric == LOSS:
        mean = _losses(rows).mean_loss
        return Measure(task.name, mean, NATS, "lower", len(rows), metric=LOSS)
    return Measure(task.name, fmean(map(_score, rows)), SHARE, "higher", len(rows), metric=task.metric)


def _difference(task: TaskRow, before: Sequence[ResultRow], after: Sequence[ResultRow]) -> Measure:
    measure = _value(task, after)
    if task.metric == LOSS:
        same = [(one, two) for one, two in zip(before, after, strict=True) if one.n_tokens == two.n_tokens]
        if not same:  # another tokenizer: nats per token are of other tokens
            return measure
        change = paired_difference(_losses([one for one, _ in same]), _losses([two for _, two in same]))
        low, high = change.interval() or (None, None)
        return replace(measure, difference=change.delta, low=low, high=high)
    one, two = list(map(_score, before)), list(map(_score, after))
    if set(one) | set(two) <= {0.0, 1.0}:
        share = share_difference([score == 1 for score in one], [score == 1 for score in two])
        low, high = share.interval()
        return replace(
            measure,
            difference=share.difference,
            low=low,
            high=high,
            needed=share.items_needed(SEEN),
            p_value=share.p_value,
        )
    return _scored(measure, one, two)


def scored_difference(measure: Measure, before: Sequence[float], after: Sequence[float]) -> Measure:
    """Return a measure with the paired difference of its values, by Student's t.

    Args:
        measure: Of `after`.
        before: The baseline's values, item by item.
        after: The contestant's, of the same items.
    """
    return replace(_scored(measure, before, after), needed=None)


def _scored(measure: Measure, before: Sequence[float], after: Sequence[float]) -> Measure:
    change = score_difference(before, after)
    low, high = change.interval() or (None, None)
    return replace(
        measure, difference=change.difference, low=low, high=high, needed=change.items_needed(SEEN)
    )


def _score(row: ResultRow) -> float:
    if row.score is None:
        raise ValueError("a result without a score is not compared")
    return row.score


def _losses(rows: Sequence[ResultRow]) -> MeasuredLosses:
    return MeasuredLosses(tuple(map(_score, rows)), tuple(row.n_tokens or 0 for row in rows))
