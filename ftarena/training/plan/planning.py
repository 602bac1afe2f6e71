"""What a run will take, said before anything of it is loaded."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.recipes.keys.schedule import AUTO_STANDS_FOR
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.training.data import RunData, load_data
from ftarena.training.models import prepare_tokenizer
from ftarena.training.plan.cards import Card, this_card
from ftarena.training.plan.choices import Choices, choices_for
from ftarena.training.plan.duration import disk_bytes, measurements, step_seconds, time_lines
from ftarena.training.plan.lengths import Lengths, measure_lengths, with_own_answers
from ftarena.training.plan.memory import Line, Weights, memory_lines
from ftarena.training.plan.remedies import Remedy, remedies_for
from ftarena.training.plan.schedule import Schedule, schedule_of
from ftarena.training.plan.shapes import Shape, read_shape

ROOM = 0.90
"""Share of the memory that is filled by what is decided here: the plan is right within 10 %."""

BUDGETS = (1.0, 0.7, 0.45, 0.3)
"""Shares of a compiled layer's activations to keep, tried in this order. On a 7.6B model within 24 GB 0.45 is
1.2 times as fast as gradient checkpointing, with free memory 1.0 is 1.5 times (benchmarks/results)."""


class Unfit(FtarenaError):
    """The recipe asks of the model what it has not."""


@dataclass(frozen=True)
class Measured:
    """What a plan needs to know of a recipe's model and data, once read."""

    shape: Shape
    lengths: Lengths


@dataclass(frozen=True)
class Plan:
    """What a run takes."""

    recipe: Recipe
    """Its batch size is a number."""

    card: Card
    choices: Choices
    shape: Shape
    lengths: Lengths
    schedule: Schedule
    memory: tuple[Line, ...]
    """Bytes; the parts of the peak."""

    time: tuple[Line, ...]
    """Seconds; the parts of the whole."""

    step_s: float
    """Seconds of an average step."""

    disk_bytes: int
    remedies: tuple[Remedy, ...] = field(default=())
    """What to change where it does not fit, each on top of the ones before."""

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return self.schedule.steps

    @property
    def tokens(self) -> int:
        """Tokens of the whole run, padding included."""
        return self.schedule.tokens

    @property
    def peak_bytes(self) -> int:
        """Memory at the peak."""
        return round(sum(line.amount for line in self.memory))

    @property
    def spare_bytes(self) -> int:
        """What is left of the card's memory; below zero where it does not fit."""
        return self.card.memory_bytes - self.peak_bytes

    @property
    def fits(self) -> bool:
        """Whether the memory suffices."""
        return self.spare_bytes >= 0

    @property
    def minutes(self) -> float:
        """How long it takes from the start to the end of the exam."""
        return sum(line.amount for line in self.time) / 60

    @property
    def measurement_s(self) -> float:
        """Seconds of one measurement of held-out and general loss, and of the answers that are looked at."""
        whole = sum(line.amount for line in self.time if line.name == "measuring")
        return whole / max(measurements(self.recipe, self.steps), 1)

    @property
    def warnings(self) -> list[str]:
        """What can hardly be meant so, in words."""
        said = []
        steps, warmup = self.steps, self.recipe.warmup_steps
        if warmup is not None and warmup >= steps:
            said.append(
                f"warmup_steps is {warmup:,}, but the run has {steps:,} steps: the learning rate never "
                "reaches its peak"
            )
        return said

    @property
    def tokens_a_second(self) -> float:
        """Speed of training, padding included."""
        return self.tokens / self.steps / self.step_s

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values; what a run keeps as `plan.json`."""
        schedule = self.schedule
        weights = Weights.of(self.shape, self.recipe)
        return {
            "method": self.recipe.method,
            "tuning": self.recipe.tuning,
            "model": self.recipe.model_name_or_path,
            "parameters": weights.total,
            "trained_parameters": weights.trained,
            "card": {
                "name": self.card.name,
                "device": self.card.device,
                "memory_bytes": self.card.memory_bytes,
                "measured": self.card.measured,
            },
            "choices": asdict(self.choices),
            "batch_size": self.recipe.batch_size,
            "gradient_accumulation_steps": self.recipe.gradient_accumulation_steps,
            "examples": len(self.lengths.lengths),
            "left_out": self.lengths.left_out,
            "heldout": len(self.lengths.heldout),
            "general": len(self.lengths.general),
            "sampled": self.lengths.sampled,
            "longest": self.lengths.longest,
            "steps": schedule.steps,
            "steps_an_epoch": schedule.steps_an_epoch,
            "epochs": round(schedule.epochs, 3),
            "tokens": schedule.tokens,
            "padding": round(schedule.padding, 4),
            "memory": [_line_to_json(line, "bytes") for line in self.memory],
            "peak_bytes": self.peak_bytes,
            "fits": self.fits,
            "spare_bytes": self.spare_bytes,
            "time": [_line_to_json(line, "seconds") for line in self.time],
            "step_s": round(self.step_s, 4),
            "measurement_s": round(self.measurement_s, 2),
            "tokens_per_s": round(self.tokens_a_second, 1),
            "minutes": round(self.minutes, 2),
            "disk_bytes": self.disk_bytes,
            "warnings": self.warnings,
            "remedies": [remedy.to_json() for remedy in self.remedies],
        }


def measure(
    recipe: Recipe, on_progress: Callable[[str], None] | None = None, *, data: RunData | None = None
) -> Measured:
    """Read what a plan needs: the model's `config.json` and the data's lengths in its tokens.

    Args:
        recipe: Resolved.
        data: What `load_data` returned for it, where it is read already.
        on_progress: Called with one line for a human where something is fetched first.

    Raises:
        Unplannable: The model is of a family whose size cannot be told beforehand.
        Unfit: More layers shall learn than the model has.
        FtarenaError: The model or the data cannot be used.
    """
    data = data or load_data(recipe)
    folder = prepare_tokenizer(resolve_model(recipe.model_name_or_path, weights=False), on_progress)
    shape = read_shape(folder, recipe.model_name_or_path)
    if recipe.last_layers is not None and recipe.last_layers > shape.layers:
        raise Unfit(
            f"tuning: last-{recipe.last_layers}, but the model has {shape.layers} layers",
            f"use last-{max(shape.layers // 4, 1)}, or tuning: full",
        )
    lengths = measure_lengths(recipe, data, folder)
    replayed = int(data.lock.get("replay", {}).get("rows", 0))
    return Measured(shape, with_own_answers(recipe, lengths, len(data.train) - replayed, replayed))


def plan_of(recipe: Recipe, *, card: Card | None = None, measured: Measured | None = None) -> Plan:
    """Say what a run will take: steps, memory, time, disk, and whether it fits.

    Args:
        recipe: Resolved. A batch size `auto` becomes the largest that fits.
        card: Where it runs; this machine's best card, or its CPU, unless given.
        measured: What `measure` returned for the recipe, where it is known already.

    Raises:
        Unplannable: As for `measure`.
        FtarenaError: The model or the data cannot be used.
    """
    card = card or this_card()
    measured = measured or measure(recipe)
    recipe = fit_recipe(recipe, card=card, measured=measured)
    plan = _plan(recipe, card, measured)
    if plan.fits:
        return plan
    again = partial(_replanned, card=card, measured=measured)
    return replace(plan, remedies=tuple(remedies_for(plan.recipe, plan.choices, measured.lengths, again)))


def fit_recipe(recipe: Recipe, *, card: Card | None = None, measured: Measured | None = None) -> Recipe:
    """Return a recipe that makes use of the card's memory: what it leaves open is decided by what fits.

    A batch size `auto` becomes the largest that fits. Examples a step stay as many: what the batch grows,
    accumulation shrinks. So the batch is a divisor of what a step takes, where `auto` stands for 4. Where
    layers are compiled, as many activations are kept as fit, instead of gradient checkpointing.

    Args:
        recipe: Resolved; returned as it is where it leaves nothing open.
        card: Where it runs.
        measured: As for `plan_of`.

    Raises:
        Unplannable: As for `measure`.
        FtarenaError: The model or the data cannot be used.
    """
    card = card or this_card()
    if recipe.per_device_train_batch_size != "auto" and card.device != "cuda":
        return recipe
    measured = measured or measure(recipe)
    if recipe.per_device_train_batch_size == "auto":
        recipe = _largest_batch(recipe, card, measured)
    return _kept_activations(recipe, card, measured)


def _largest_batch(recipe: Recipe, card: Card, measured: Measured) -> Recipe:
    a_step = AUTO_STANDS_FOR * recipe.gradient_accumulation_steps
    sizes = [size for size in range(a_step, 0, -1) if a_step % size == 0]
    if recipe.method == "kto":
        sizes = [size for size in sizes if size > 1]  # its reference point is another example of the batch
    for size in sizes:
        tried = with_batch(recipe, size, a_step // size)
        if _plan(tried, card, measured).peak_bytes <= ROOM * card.memory_bytes:
            return tried
    return with_batch(recipe, sizes[-1], a_step // sizes[-1])


def _kept_activations(recipe: Recipe, card: Card, measured: Measured) -> Recipe:
    """Return a recipe that keeps as much of what compiled layers compute as fits, where that is open."""
    open_choice = recipe.gradient_checkpointing is None and recipe.activation_memory_budget is None
    if not open_choice or not recipe.has_adapter or recipe.tuning == "qlora":
        return recipe
    if not _plan(recipe, card, measured).choices.compiled:
        return recipe
    for budget in BUDGETS:
        tried = recipe.model_copy(update={"activation_memory_budget": budget})
        if _plan(tried, card, measured).peak_bytes <= ROOM * card.memory_bytes:
            return tried
    return recipe


def with_batch(recipe: Recipe, size: int, accumulation: int) -> Recipe:
    """Return a recipe with another batch size and accumulation."""
    return recipe.model_copy(
        update={"per_device_train_batch_size": size, "gradient_accumulation_steps": accumulation}
    )


def _plan(recipe: Recipe, card: Card, measured: Measured) -> Plan:
    shape, lengths = measured.shape, measured.lengths
    if not lengths.lengths:
        raise FtarenaError("there is nothing to train on", "look at the data: ftarena check FILE")
    schedule = schedule_of(recipe, lengths)
    weights = Weights.of(shape, recipe)
    choices = choices_for(recipe, card, 4.0 * weights.total * schedule.epochs * lengths.tokens)
    return Plan(
        recipe,
        card,
        choices,
        shape,
        lengths,
        schedule,
        memory=tuple(memory_lines(recipe, shape, schedule, lengths, choices)),
        time=tuple(time_lines(recipe, shape, schedule, lengths, choices, card)),
        step_s=step_seconds(recipe, shape, schedule, lengths, choices, card),
        disk_bytes=round(disk_bytes(recipe, shape, schedule.steps, choices)),
    )


def _replanned(recipe: Recipe, *, card: Card, measured: Measured) -> Plan:
    """Plan a changed recipe; where it cuts examples, their lengths are cut likewise."""
    limit = recipe.max_length
    if measured.lengths.longest > limit:
        kept = tuple(length for length in measured.lengths.lengths if length <= limit)
        share = sum(kept) / sum(measured.lengths.lengths)
        lengths = replace(
            measured.lengths,
            lengths=kept,
            tokens=round(share * measured.lengths.tokens),
            trained=round(share * measured.lengths.trained),
            left_out=measured.lengths.left_out + len(measured.lengths.lengths) - len(kept),
        )
        measured = Measured(measured.shape, lengths)
    return _plan(recipe, card, measured)


def _line_to_json(line: Line, unit: str) -> dict[str, Any]:
    return {"name": line.name, unit: round(line.amount, 2), "note": line.note}
