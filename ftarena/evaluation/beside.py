"""What stands beside preference: loss, tasks, length and speed of each contestant. No engine is asked.

Only what was measured is told. Losses and tasks come from `ftarena eval`; what it has not measured of a run
is taken from what the run found itself (its guards). Length and speed are of the answers that battles are
made of.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median

from ftarena.evaluation.measures import NATS, SEEN, SHARE, Measure, scored_difference, task_tables
from ftarena.processes import read_json
from ftarena.scoring.paired import ShareDifference
from ftarena.store import ContestantRow, Store
from ftarena.store.results import LOSS
from ftarena.workspace import Workspace

HELD_OUT = "held-out loss"
OWN_SET = f"{HELD_OUT} (each of its own set)"
"""What a run found on the answers that it held out itself: two of them are not to be compared."""

GENERAL = "general loss"
KNOWN = "general questions"
LENGTH = "length"
SPEED = "speed"
FIRST = "first token"

FOUND = "found by its"
"""What the note of a measure begins with that a run made itself."""

# Named here and not imported: `ftarena.training.guards` loads pydantic, and a page of scores must not.
GUARDS = "guards.json"
EXAM = "exam.json"


@dataclass(frozen=True)
class Beside:
    """What was measured of one contestant, other than what people prefer."""

    contestant: str
    measures: tuple[Measure, ...]
    against: str = field(default="", compare=False)
    """Whom the differences are to."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "contestant": self.contestant,
            "against": self.against,
            "measures": [measure.to_json() for measure in self.measures],
        }


def beside(
    store: Store, workspace: Workspace, names: Sequence[str], baseline: str | None = None
) -> list[Beside]:
    """Return what was measured of contestants, in the order of `names`.

    Args:
        store: The arena.
        workspace: Its project, for what its runs found themselves.
        names: Whom to tell of. Contestants on the same base that are only prompted follow behind them where
            they were measured: fine-tuning has to be worth more than a good prompt.
        baseline: Whom to compare with; by default the first bare base among them, else the first.
    """
    rows = {row.name: row for row in store.contestants()}
    told = [rows[name] for name in dict.fromkeys(names) if name in rows]
    if not told:
        return []
    base = rows.get(baseline or "") or next((row for row in told if is_bare(row)), told[0])
    prompted = [row for row in prompt_only(store, told) if row not in told]
    asked = [*told, *prompted]
    measures: dict[str, list[Measure]] = {row.name: [] for row in asked}
    tables = task_tables(store, [row.name for row in asked], base.name)
    names_of = Counter(table.task.name for table in tables)
    for table in tables:
        task = table.task
        said = task.name if names_of[task.name] == 1 else f"{task.name} ({task.metric})"
        for name, measure in table.rows:
            if name in measures:
                measures[name].append(replace(measure, name=said))
    for row in told:
        measures[row.name] = _by_the_run(workspace, row, base, measures[row.name])
    for name, found in _of_answers(store, told, base).items():
        measures[name] += found
    return [
        Beside(row.name, tuple(measures[row.name]), base.name)
        for row in asked
        if row in told or measures[row.name]
    ]


def is_bare(row: ContestantRow) -> bool:
    """Return whether a contestant is a base model as it is: no adapter, no prompt."""
    return row.kind == "base" and not is_prompted(row)


def is_prompted(row: ContestantRow) -> bool:
    """Return whether a contestant is a base model with a system prompt or examples before each question."""
    spec = _spec(row)
    return row.kind == "base" and bool(spec.get("system_prompt") or spec.get("few_shot"))


def prompt_only(store: Store, beside_whom: Sequence[ContestantRow]) -> list[ContestantRow]:
    """Return who is a prompted base of the same model as one of others, hidden or not.

    Args:
        store: The arena.
        beside_whom: The others.
    """
    models = set(base_models(store, beside_whom).values())
    return [row for row in store.contestants() if is_prompted(row) and row.model in models]


def base_models(store: Store, rows: Sequence[ContestantRow]) -> dict[str, str]:
    """Return of each contestant (by name) the base model that it is or was trained from, where that is known.

    Args:
        store: The arena, which notes what runs of whole models began with.
        rows: The contestants.
    """
    began = {run.id: run.base_model for run in store.runs()}
    found = {row.name: began.get(row.run_id or "") if row.kind == "model" else row.model for row in rows}
    return {name: model for name, model in found.items() if model is not None}


def _by_the_run(
    workspace: Workspace, row: ContestantRow, base: ContestantRow, measured: list[Measure]
) -> list[Measure]:
    """Return measures with those that only the contestant's own run has made, losses first."""
    if row.run_id is None or "/" in str(_spec(row).get("adapter")):  # a checkpoint is not what was examined
        return measured
    folder = workspace.runs / row.run_id
    names = {measure.name for measure in measured}
    found = [
        measure
        for measure in (
            None
            if HELD_OUT in names
            else _loss_found(OWN_SET, _figures(folder / GUARDS, "overfitting"), "last_nats"),
            None
            if GENERAL in names
            else _loss_found(GENERAL, _figures(folder / GUARDS, "forgetting"), "after_nats"),
        )
        if measure is not None
    ]
    known = _known(_figures(folder / EXAM, "knowledge"), is_bare(base) and base.model == row.model)
    rest = [measure for measure in measured if measure.metric != LOSS]
    return [
        *found,
        *(measure for measure in measured if measure.metric == LOSS),
        *rest,
        *([known] if known is not None and not rest else []),
    ]


def _loss_found(name: str, figures: Mapping[str, object], key: str) -> Measure | None:
    value, change = figures.get(key), figures.get("delta_nats")
    if not isinstance(value, int | float):
        return None
    note = f"{FOUND} run"
    if name == GENERAL and isinstance(change, int | float):
        note += f", {change:+.2f} since it began"
    count = figures.get("questions")
    return Measure(name, value, NATS, "lower", count if isinstance(count, int) else 0, note=note, metric=LOSS)


def _known(figures: Mapping[str, object], against_base: bool) -> Measure | None:
    """Return what the exam of a run found of general questions."""
    names = ("questions", "right", "base_right", "lost", "gained")
    counts = [figures.get(name) for name in names]
    n, right, base_right, lost, gained = (count if isinstance(count, int) else -1 for count in counts)
    if n < 1 or min(right, base_right, lost, gained) < 0 or base_right < lost or right < gained:
        return None
    measure = Measure(KNOWN, right / n, SHARE, "higher", n, note=f"{FOUND} exam", metric="accept")
    both = right - gained
    neither = n - both - lost - gained
    if not against_base or neither < 0:
        return measure
    change = ShareDifference(both, lost, gained, neither)
    low, high = change.interval()
    return replace(
        measure,
        difference=change.difference,
        low=low,
        high=high,
        needed=change.items_needed(SEEN),
        p_value=change.p_value,
    )


def _figures(path: Path, name: str) -> Mapping[str, object]:
    guards = read_json(path).get("guards")
    for guard in guards if isinstance(guards, list) else []:
        if isinstance(guard, dict) and guard.get("name") == name and isinstance(guard.get("figures"), dict):
            return dict(guard["figures"])
    return {}


def _of_answers(store: Store, told: Sequence[ContestantRow], base: ContestantRow) -> dict[str, list[Measure]]:
    """Return length and speed of the answers that battles are made of."""
    marks = ", ".join("?" * len({row.id for row in (*told, base)}))
    ids = sorted({row.id for row in (*told, base)})
    # As battles have it: where two front ends made an answer each, the earliest counts and comes last here.
    found = store.rows(
        "SELECT contestant_id, prompt_id, n_tokens, ttft_s, elapsed_s FROM answers"
        f" WHERE sample = 0 AND n_tokens > 0 AND contestant_id IN ({marks})"
        " ORDER BY created_at DESC, id DESC",
        ids,
    )
    answers: dict[str, dict[str, tuple[int, float | None, float | None]]] = {}
    for contestant, prompt, *figures in found:
        answers.setdefault(contestant, {})[prompt] = (figures[0], figures[1], figures[2])
    before = answers.get(base.id, {})
    measures: dict[str, list[Measure]] = {}
    for row in told:
        own = answers.get(row.id, {})
        if own:
            length = _length(own, before if row.id != base.id else {})
            measures[row.name] = [length, *_speeds(list(own.values()))]
    return measures


def _length(
    own: Mapping[str, tuple[int, float | None, float | None]],
    before: Mapping[str, tuple[int, float | None, float | None]],
) -> Measure:
    shared = sorted(own.keys() & before.keys())
    counted = shared or sorted(own)
    lengths = [float(own[prompt][0]) for prompt in counted]
    measure = Measure(LENGTH, fmean(lengths), "tokens", "", len(lengths))
    if not shared:
        return measure
    return scored_difference(measure, [float(before[prompt][0]) for prompt in shared], lengths)


def _speeds(answers: Sequence[tuple[int, float | None, float | None]]) -> list[Measure]:
    """Return medians; answers are made several at once, so they say what was, not what a GPU could do."""
    first = [ttft for _, ttft, _ in answers if ttft is not None]
    rates = [
        (tokens - 1) / (elapsed - ttft)
        for tokens, ttft, elapsed in answers
        if ttft is not None and elapsed is not None and tokens > 1 and elapsed > ttft
    ]
    found = []
    if rates:
        found.append(Measure(SPEED, median(rates), "tokens/s", "higher", len(rates)))
    if first:
        found.append(Measure(FIRST, median(first), "s", "lower", len(first)))
    return found


def _spec(row: ContestantRow) -> Mapping[str, object]:
    spec = json.loads(row.spec_json) if row.spec_json is not None else {}
    return spec if isinstance(spec, dict) else {}
