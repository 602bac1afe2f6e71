"""A plan in words, for line mode and for the full screen alike."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from ftarena.text import clean_line, duration, size
from ftarena.training.plan.memory import Weights
from ftarena.training.plan.planning import Plan
from ftarena.training.plan.refusing import changes_of, gib

_WIDTH = 80


def plan_lines(
    plan: Plan, file: str | None, options: Mapping[str, str], *, free_disk: int | None = None
) -> Iterator[str]:
    """Yield a plan as text, 80 columns wide but for the commands at its end.

    Args:
        plan: What to show.
        file: The recipe, as the command line names it; None where the options say everything.
        options: What else the command line said.
        free_disk: Free bytes where runs are kept; None where the plan is for another machine.
    """
    recipe, schedule, lengths = plan.recipe, plan.schedule, plan.lengths
    weights = Weights.of(plan.shape, recipe)
    yield _cut(f"{recipe.method.upper()}, {recipe.tuning}, of {clean_line(recipe.model_name_or_path)}")
    yield f"{_count(weights.total)} weights, of which {_count(weights.trained)} learn"
    yield _cut(f"on {clean_line(plan.card.name)}: {_how(plan)}")
    yield ""
    about = "about " if lengths.sampled else ""
    counts = [f"{about}{len(lengths.lengths):,} examples"]
    counts += [f"{lengths.left_out:,} left out as too long"] if lengths.left_out else []
    counts += [f"{len(lengths.heldout):,} held out"] if lengths.heldout else []
    yield _row("data", f"{', '.join(counts)}; the longest has {lengths.longest:,} tokens")
    batch = f"batch {recipe.batch_size} × {recipe.gradient_accumulation_steps}"
    yield _row(
        "steps", f"{about}{plan.steps:,}, {_epochs(schedule.epochs)} of {schedule.steps_an_epoch:,}; {batch}"
    )
    yield _row("tokens", f"{plan.tokens:,}, {schedule.padding:.0%} of them padding")
    yield ""
    for number, line in enumerate(plan.memory):
        yield _amount("memory" if number == 0 else "", line.name, gib(line.amount), line.note)
    yield _amount("", "at the peak", gib(plan.peak_bytes), f"of {gib(plan.card.memory_bytes)}")
    yield ""
    for number, line in enumerate(plan.time):
        speed = f", {plan.tokens_a_second:,.0f} tok/s" if line.name == "training" else ""
        yield _amount("time" if number == 0 else "", line.name, duration(line.amount), line.note + speed)
    estimated = "" if plan.card.measured else "scaled from an H100's figures"
    yield _amount("", "in all", duration(60 * plan.minutes), estimated)
    yield ""
    free = f" ({size(free_disk)} are free)" if free_disk is not None else ""
    yield _row("disk", f"{size(plan.disk_bytes)} at most{free}")
    yield ""
    for warning in plan.warnings:
        yield f"warning: {warning}"
    yield from _verdict(plan, file, options)


def _verdict(plan: Plan, file: str | None, options: Mapping[str, str]) -> Iterator[str]:
    if plan.fits:
        yield f"fits: yes, {gib(plan.spare_bytes)} to spare"
        return
    yield f"fits: no, {gib(-plan.spare_bytes)} are missing"
    if not plan.remedies:
        yield "Nothing that a recipe can say makes it fit: use a smaller model or a larger card."
        return
    yield ""
    yield "What to change, the least harm first, each on top of the ones before:"
    for remedy in plan.remedies:
        yield _amount("", remedy.name, gib(remedy.peak_bytes), duration(60 * remedy.minutes), indent=2)
    yield ""
    if plan.remedies[-1].fits:
        yield "So it fits:"
    else:
        yield "Even so it does not fit: use a smaller model or a larger card. The nearest to it:"
    changed = dict(options) | changes_of(plan.remedies)
    command = [plan.recipe.method] if file is None else ["train", file]
    if file is None:
        changed.pop("--method", None)
    words = (word for pair in changed.items() for word in pair)
    yield f"  {shlex.join(['ftarena', *command, *words])}"


def _how(plan: Plan) -> str:
    choices = plan.choices
    parts: Sequence[str] = [
        "bfloat16" if choices.bf16 else "float32",
        *(["checkpointed"] if choices.checkpointing else []),
        *(["compiled"] if choices.compiled else []),
        *(["packed"] if plan.recipe.packing else []),
        *(["Liger"] if choices.liger else []),
        *(["8-bit products"] if choices.fp8 else []),
    ]
    return ", ".join(parts)


def _row(name: str, text: str) -> str:
    return f"{name:<8}{text}"


def _amount(name: str, part: str, amount: str, note: str, *, indent: int = 8) -> str:
    line = f"{name:<{indent}}{part:<22}{amount:>14}"
    return _cut(f"{line}   {note}") if note else line


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _count(number: int) -> str:
    if number >= 1e9:
        return f"{number / 1e9:.2f} B"
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"


def _epochs(epochs: float) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs:.3g} epochs"
