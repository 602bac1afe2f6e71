"""What `ftarena eval` prints: a table a task, and what stands beside preference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ftarena.evaluation.beside import FOUND, Beside
from ftarena.evaluation.measures import NATS, SHARE, Measure, TaskTable
from ftarena.evaluation.tasks.asking import Outcome
from ftarena.scoring.words import counted
from ftarena.store.results import LOSS
from ftarena.text import clean_line, shorten

_WIDEST = 28
_NOBODY_SHOWN = 10
_HOW = {LOSS: "nats per answer token, lower is better", "python": "mean of your scorer's scores"}


@dataclass(frozen=True)
class Report:
    """All that is to be told."""

    baseline: str
    tables: tuple[TaskTable, ...]
    against: Mapping[str, Sequence[TaskTable]]
    """By the name of a prompted base: what was fine-tuned from the same base, compared with it."""

    told: tuple[Beside, ...]
    outcome: Outcome
    places: Mapping[str, Sequence[str]]
    """By the id of a task: `FILE:LINE` of each item, where the task was read now."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "baseline": self.baseline,
            "asked": self.outcome.asked,
            "tasks": [table.to_json() for table in self.tables],
            "against_prompt": {
                name: [table.to_json() for table in tables] for name, tables in self.against.items()
            },
            "beside": [one.to_json() for one in self.told],
            "troubles": {name: error.message for name, error in self.outcome.troubles.items()},
        }


def written(report: Report) -> str:
    """Return the report as lines for any terminal; names are cleaned."""
    lines: list[str] = []
    for table in report.tables:
        lines += ["", *_table(table, report.baseline, report.places.get(table.task.id, ()))]
        for name, tables in report.against.items():
            if name != report.baseline:
                lines += [
                    line for other in tables if other.task == table.task for line in _against(other, name)
                ]
    by_runs = [line for one in report.told for line in _found_by_runs(one)]
    if by_runs:
        lines += ["", "found by the runs themselves, not compared", *by_runs]
    answers = [line for one in report.told for line in _answers(one)]
    if answers:
        lines += ["", "answers of battles: length, speed and first token (means and medians)", *answers]
    if not lines:
        return "Nothing was measured yet: ftarena eval"
    lines += [
        "",
        f"Differences are to {clean_line(report.baseline)}, on items that both have, with 95 % intervals.",
    ]
    return "\n".join(lines[1:])


def _table(table: TaskTable, baseline: str, places: Sequence[str]) -> list[str]:
    task = table.task
    how = _HOW.get(task.metric, f"{task.metric}, share right")
    lines = [f"{clean_line(task.name)}: {how}, {counted(max(m.n for _, m in table.rows), 'item')}"]
    width = max(len(shorten(name, _WIDEST)) for name, _ in table.rows)
    for name, measure in table.rows:
        words = f"  {shorten(name, _WIDEST):{width}}  {value(measure):>7}"
        if name != baseline and measure.difference is not None:
            words += f"  {difference(measure)}"
        lines.append(words.rstrip() + (f"   ({measure.note})" if measure.note else ""))
    needed = [measure.needed for _, measure in table.rows if measure.needed is not None]
    if needed:
        low, high = min(needed), max(needed)
        many = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        lines.append(f"  To tell a difference of 5 points from chance takes about {many} items.")
    if table.nobody:
        named = [clean_line(places[item]) if places else str(item + 1) for item in table.nobody]
        shown = ", ".join(named[:_NOBODY_SHOWN])
        more = f" and {len(table.nobody) - _NOBODY_SHOWN} more" if len(table.nobody) > _NOBODY_SHOWN else ""
        lines.append(f"  Nobody has a score on {counted(len(table.nobody), 'item')}: {shown}{more}.")
    if table.unmeasured:
        lines.append(f"  Not measured: {', '.join(map(clean_line, table.unmeasured))}")
    return lines


def _against(table: TaskTable, prompted: str) -> list[str]:
    return [
        f"  {shorten(name, _WIDEST)} against {clean_line(prompted)}: {difference(measure)}"
        for name, measure in table.rows
        if name != prompted and measure.difference is not None
    ]


def _found_by_runs(one: Beside) -> list[str]:
    return [
        f"  {shorten(one.contestant, _WIDEST)}: {clean_line(measure.name)} {value(measure)} ({measure.note})"
        for measure in one.measures
        if measure.note.startswith(FOUND)
    ]


def _answers(one: Beside) -> list[str]:
    found = {measure.name: measure for measure in one.measures}
    parts = [value(found[name]) for name in ("length", "speed", "first token") if name in found]
    if not parts:
        return []
    length = found.get("length")
    if length is not None and length.difference is not None:
        parts[0] += f" ({difference(length)})"
    return [f"  {shorten(one.contestant, _WIDEST)}: {', '.join(parts)}"]


def value(measure: Measure) -> str:
    """Return a value in its unit: `41.7 %`, `2.27`, `128 tokens`."""
    if measure.unit == SHARE:
        return f"{100 * measure.value:.1f} %"
    if measure.unit == NATS:
        return f"{measure.value:.2f}"
    return (
        f"{measure.value:.1f} {measure.unit}"
        if measure.value < 100
        else f"{measure.value:.0f} {measure.unit}"
    )


def difference(measure: Measure) -> str:
    """Return a difference with its interval, and which way it points where the interval says so."""
    if measure.difference is None:
        return ""
    scale = 100 if measure.unit == SHARE else 1
    digits = 2 if measure.unit == NATS else 1
    unit = " points" if measure.unit == SHARE else ""
    words = f"{scale * measure.difference:+.{digits}f}{unit}"
    if measure.low is None or measure.high is None:
        return f"{words}, no interval from {counted(measure.n, 'item')}"
    words += f" ({scale * measure.low:+.{digits}f} to {scale * measure.high:+.{digits}f})"
    if not measure.better:
        return words
    if measure.low <= 0 <= measure.high:
        return f"{words}: cannot tell"
    return f"{words}: {'better' if (measure.low > 0) == (measure.better == 'higher') else 'worse'}"
