"""How much memory a run takes at its peak, line by line."""

from dataclasses import dataclass

from ftarena.recipes.schema import REFERENCED_METHODS, Recipe
from ftarena.training.plan import constants as known
from ftarena.training.plan.choices import Choices
from ftarena.training.plan.lengths import Lengths
from ftarena.training.plan.schedule import Batch, Schedule
from ftarena.training.plan.shapes import Shape


@dataclass(frozen=True)
class Line:
    """One part of a sum."""

    name: str
    amount: float
    """Bytes, or seconds."""

    note: str = ""
    """Where it comes from, in a few words."""


@dataclass(frozen=True)
class Weights:
    """How many weights a run has, and of what."""

    total: int
    """Of the model."""

    trained: int
    """Of the adapter, of the model, or of its last layers."""

    adapter: bool

    @classmethod
    def of(cls, shape: Shape, recipe: Recipe) -> "Weights":
        """Count the weights of a run."""
        total = shape.parameters - (shape.embedding if recipe.method == "reward" and not shape.tied else 0)
        if recipe.has_adapter:
            dora = recipe.tuning == "dora"
            trained = shape.adapter(recipe.lora_r, list(recipe.lora_target_modules), dora=dora)
        elif (last := recipe.last_layers) is not None:
            trained = min(last, shape.layers) * (shape.layer_stored + shape.small // max(shape.layers, 1))
        else:
            trained = total
        return cls(total, trained, recipe.has_adapter)


def memory_lines(
    recipe: Recipe, shape: Shape, schedule: Schedule, lengths: Lengths, choices: Choices
) -> list[Line]:
    """Return what takes memory at the peak of a run, in bytes; their sum is the peak.

    Args:
        recipe: Resolved; its batch size is a number.
        shape: Of the model.
        schedule: Its batches.
        lengths: Of its examples.
        choices: What the worker decides.
    """
    weights = Weights.of(shape, recipe)
    lines = _fixed(recipe, shape, weights, choices)
    tokens = schedule.largest.tokens
    layer = _layer_bytes(recipe, shape, weights, choices)
    keeping, transient = _activations(recipe, shape, tokens, layer, choices)
    kept = keeping + transient
    training = kept + _head(recipe, shape, schedule, lengths, choices, weights)
    step = _optimiser_scratch(weights, choices)
    measuring = _measuring(recipe, shape, lengths, choices)
    sampling = _sampling(recipe, shape, schedule.largest, choices)
    peak = max(training, step, measuring, sampling)
    what = {training: "training", step: "the optimiser's step", measuring: "measuring", sampling: "sampling"}
    rows, length = schedule.largest.rows, schedule.largest.length
    lines.append(Line("activations", kept, f"{rows} × {length:,} tokens{_how(choices)}"))
    logits = training - kept
    lines.append(Line("logits", logits, "in pieces" if choices.cuda else "of what is learned, in float32"))
    if peak > training:
        lines.append(Line(what[peak], peak - training, "more than training itself"))
    if choices.cuda:
        slack = known.SLACK * kept + known.SLACK_TRANSIENT * _transient_share(choices) * layer * tokens
        lines.append(Line("CUDA and its allocator", known.CUDA_CONTEXT + slack, "context and unused pieces"))
    else:
        lines.append(Line("libraries", known.LIBRARIES, "Python, torch, transformers, TRL"))
    return [line for line in lines if line.amount >= 1e6]


def _fixed(recipe: Recipe, shape: Shape, weights: Weights, choices: Choices) -> list[Line]:
    """Return what does not depend on the batch."""
    each = 2 if choices.bf16 else 4
    # What learns is in float32 whatever is computed in, an adapter by PEFT, the rest unless `pure_bf16`.
    learned = 4 if choices.float32_weights else each
    frozen = weights.total - (0 if weights.adapter else weights.trained)
    base, note = float(each * frozen), f"{frozen / 1e9:.3g} B × {each} bytes"
    if recipe.tuning == "qlora":
        linear = shape.layers * shape.layer_stored
        base = known.QUANTISED * linear + each * (frozen - linear)
        note = "4 bits; not embedding and head"
    lines = [Line("weights", base, note)]
    name = "adapter" if weights.adapter else "weights that learn"
    count = f"{weights.trained / 1e6:,.1f} M"
    lines.append(Line(name, float(learned * weights.trained), f"{count} × {learned} bytes"))
    if not weights.adapter and learned > each:
        lines.append(Line("casts", 2.0 * weights.trained, "of these, for bfloat16 products"))
    lines.append(Line("gradients", float(learned * weights.trained), f"{learned} bytes each"))
    states = _optimiser_states(recipe.optim, learned)
    lines.append(Line("optimiser", states * weights.trained, f"{recipe.optim}, {states:g} bytes each"))
    if recipe.method in REFERENCED_METHODS and not recipe.precompute_ref_log_probs:
        copied = 4 * weights.trained if weights.adapter else each * weights.total
        what = "adapter" if weights.adapter else "model"
        lines.append(Line("reference", float(copied), f"a frozen copy of the {what}"))
    return lines


def _optimiser_states(name: str, trained: int) -> float:
    """Return the bytes an optimiser keeps a weight; `trained` are those of the weight itself."""
    if "adafactor" in name:
        return 0.1
    if "8bit" in name:
        return 2.0
    if name.startswith("sgd"):
        return 0.0
    return float(trained if "lion" in name else 2 * trained)


def _optimiser_scratch(weights: Weights, choices: Choices) -> float:
    """Return the bytes that a step of the optimiser needs for itself."""
    if choices.fused_optimiser:
        return 0.0
    return float((4 if choices.float32_weights or not choices.bf16 else 2) * weights.trained)


def _kind(weights: Weights, choices: Choices) -> known.Activations:
    if not choices.bf16:
        return known.FLOAT32
    if choices.compiled:
        return known.COMPILED
    if not weights.adapter:
        return known.FULL_FLOAT32 if choices.float32_weights else known.FULL
    return known.SHORT if choices.short_lora else known.PLAIN


def _transient_share(choices: Choices) -> float:
    return known.COMPILED.transient if choices.compiled else known.PLAIN.transient


def _layer_bytes(recipe: Recipe, shape: Shape, weights: Weights, choices: Choices) -> float:
    """Return the bytes that one layer keeps of one token."""
    layer = _kind(weights, choices).layer(shape.hidden, shape.intermediate)
    if choices.liger:
        layer *= known.LIGER_SHARE
    if weights.adapter:
        each = 2 if choices.bf16 else 4
        layer += each * 7 * recipe.lora_r
        if recipe.tuning == "dora":
            layer += known.DORA_OUTPUTS * each * shape.linear_outputs
    return layer


def _activations(
    recipe: Recipe, shape: Shape, tokens: int, layer: float, choices: Choices
) -> tuple[float, float]:
    """Return the bytes kept for the backward pass, and those that one layer's gradient needs at a time."""
    kind = _transient_share(choices)
    # Where the embedding learns in float32, what runs through the layers is in float32, too.
    wide = not choices.bf16 or (recipe.tuning == "full" and choices.float32_weights)
    inputs = known.KEPT_INPUT * shape.hidden * (2 if wide else 1)
    learning = min(recipe.last_layers or shape.layers, shape.layers)
    if choices.checkpointing:
        return learning * inputs * tokens, kind * layer * tokens
    if choices.budget is not None:
        kept = inputs + choices.budget * max(layer - inputs, 0.0)
        return learning * kept * tokens, kind * layer * tokens
    return learning * layer * tokens, 0.0


def _head(
    recipe: Recipe,
    shape: Shape,
    schedule: Schedule,
    lengths: Lengths,
    choices: Choices,
    weights: Weights,
) -> float:
    """Return the bytes of logits after the forward pass, over what a layer's gradient needs anyway."""
    if recipe.method == "reward":
        return 0.0
    tokens = schedule.largest.tokens
    learned = tokens * min(lengths.trained / max(lengths.tokens, 1), 1.0)
    logits = 3 * 4 * learned * shape.vocabulary  # logits, log-softmax and the gradient
    if choices.cuda:
        # The layers' own transient is not there yet: only what is above it counts.
        head_gradient = 4.0 * shape.embedding if recipe.tuning == "full" else 0.0
        layer = _layer_bytes(recipe, shape, weights, choices)
        _, transient = _activations(recipe, shape, tokens, layer, choices)
        return max(min(known.PIECE_BYTES, logits) + head_gradient - transient, 0.0)
    return min(logits, 3e9)


def _measuring(recipe: Recipe, shape: Shape, lengths: Lengths, choices: Choices) -> float:
    """Return the bytes that a measurement of held-out loss takes: no gradients, one layer at a time."""
    size = recipe.per_device_eval_batch_size
    tokens = max(sum(sorted(part)[-size:]) for part in (lengths.heldout, lengths.general))
    width = (2 if choices.bf16 else 4) * (6 * shape.hidden + 4 * shape.intermediate)
    return float(tokens * width) + min(known.PIECE_BYTES, 4.0 * tokens * shape.vocabulary)


def _sampling(recipe: Recipe, shape: Shape, largest: Batch, choices: Choices) -> float:
    """Return the bytes of the key-value cache while GRPO samples a whole step's answers."""
    if recipe.method != "grpo":
        return 0.0
    rows = largest.rows * recipe.gradient_accumulation_steps
    each = 2 if choices.bf16 else 4
    cache = rows * largest.length * shape.layers * 2 * shape.kv_width * each
    return float(cache + rows * shape.vocabulary * 4 * 3)


def _how(choices: Choices) -> str:
    if choices.checkpointing:
        return ", checkpointed"
    if choices.budget is not None:
        return f", {choices.budget:.0%} kept"
    return ""
