"""What to change where a run does not fit, in the order of least harm, each with what it then takes.

Packing, checkpointing, Liger's kernels and a smaller batch change nothing of what is learned. An adapter
instead of all weights, and a base in four bits, change it a little and save most; shorter examples change
what there is to learn from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ftarena.recipes.defaults import FULL_LR_DIVISOR, defaults_of
from ftarena.recipes.schema import Recipe
from ftarena.training.plan.choices import Choices
from ftarena.training.plan.lengths import Lengths

_WORTH = 0.01
# A change that saves less of the peak is not worth a line.


class Planned(Protocol):
    """What of a plan a remedy is judged by."""

    @property
    def peak_bytes(self) -> int: ...

    @property
    def minutes(self) -> float: ...

    @property
    def fits(self) -> bool: ...


@dataclass(frozen=True)
class Remedy:
    """A change to a recipe, on top of the ones before it."""

    name: str
    changes: dict[str, Any]
    """Keys of a recipe and their new values."""

    peak_bytes: int
    """Memory at the peak, this and the ones before it applied."""

    minutes: float
    fits: bool

    @property
    def options(self) -> dict[str, str]:
        """The change as options of a command line, and their values."""
        return {f"--{key.replace('_', '-')}": _said(value) for key, value in self.changes.items()}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "name": self.name,
            "changes": self.changes,
            "options": self.options,
            "peak_bytes": self.peak_bytes,
            "minutes": round(self.minutes, 2),
            "fits": self.fits,
        }


def remedies_for(
    recipe: Recipe, choices: Choices, lengths: Lengths, plan: Callable[[Recipe], Planned]
) -> list[Remedy]:
    """Return what helps, up to the change with which the run fits; all that helps where none is enough.

    Args:
        recipe: Resolved; its batch size is a number.
        choices: What the worker decides for it.
        lengths: Of its examples.
        plan: Plans a changed recipe.
    """
    found: list[Remedy] = []
    peak = plan(recipe).peak_bytes
    for name, changes in _candidates(recipe, choices, lengths):
        changed = recipe.model_copy(update=changes)
        then = plan(changed)
        if then.peak_bytes > (1 - _WORTH) * peak:
            continue
        recipe, peak = changed, then.peak_bytes
        found.append(Remedy(name, changes, peak, then.minutes, then.fits))
        if then.fits:
            break
    return found


def _candidates(recipe: Recipe, choices: Choices, lengths: Lengths) -> Iterator[tuple[str, dict[str, Any]]]:
    size, accumulation = recipe.batch_size, recipe.gradient_accumulation_steps
    if recipe.method == "sft" and choices.cuda and not recipe.packing:
        mean = sum(lengths.lengths) / len(lengths.lengths)
        rows = max(round(size * accumulation * mean / recipe.max_length), 1)
        size, accumulation = 1, rows
        yield (
            "packing",
            {"packing": True, "per_device_train_batch_size": 1, "gradient_accumulation_steps": rows},
        )
    if not choices.checkpointing:
        change: dict[str, Any] = {"gradient_checkpointing": True}
        if recipe.activation_memory_budget is not None:
            change["activation_memory_budget"] = None
        yield "checkpointing", change
    if choices.cuda and not choices.liger:
        yield "Liger", {"use_liger_kernel": True}
    least = 2 if recipe.method == "kto" else 1
    if size > least:
        yield (
            f"batch {least}",
            {
                "per_device_train_batch_size": least,
                "gradient_accumulation_steps": -(-size * accumulation // least),
            },
        )
    if not recipe.has_adapter:
        yield "LoRA", _as_adapter(recipe)
    if choices.cuda and recipe.tuning != "qlora":
        yield "QLoRA", {"tuning": "qlora"}
    limit = min(recipe.max_length, lengths.longest)
    while limit > 256:
        limit = max(limit // 2 // 8 * 8, 256)
        if any(length <= limit for length in lengths.lengths):
            yield f"at most {limit} tokens", {"max_length": limit, "too_long": "drop"}


def _as_adapter(recipe: Recipe) -> dict[str, Any]:
    """Return the change from all weights to an adapter, which wants ten times the learning rate.

    One that is an adapter's already is left alone, and none becomes more than twice what is usual.
    """
    change: dict[str, Any] = {"tuning": "lora"}
    usual = defaults_of(recipe.method).lora_learning_rate
    if recipe.learning_rate is not None and recipe.learning_rate < usual:
        wanted = min(recipe.learning_rate * FULL_LR_DIVISOR, 2 * usual)
        change["learning_rate"] = float(f"{wanted:.6g}")
    if recipe.pure_bf16:
        change["pure_bf16"] = False
    return change


def _said(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
