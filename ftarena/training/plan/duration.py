"""How long a run takes, part by part, in seconds.

A step is as slow as the slower of two things: launching its kernels, which takes a fixed time a layer, and
computing them. The products of a weight with a token cost two operations, four on the way back (two where
the weight is frozen), and two more where activations are computed again: Kaplan et al. 2020,
arXiv 2001.08361, section 2.1. Attention is counted causal.
"""

import math

from ftarena.recipes.keys.guards import PROBED_METHODS
from ftarena.recipes.schema import REFERENCED_METHODS, Recipe
from ftarena.training.plan import constants as known
from ftarena.training.plan.cards import Card
from ftarena.training.plan.choices import Choices
from ftarena.training.plan.lengths import Lengths
from ftarena.training.plan.memory import Line, Weights
from ftarena.training.plan.schedule import Batch, Schedule
from ftarena.training.plan.shapes import Shape


def time_lines(
    recipe: Recipe, shape: Shape, schedule: Schedule, lengths: Lengths, choices: Choices, card: Card
) -> list[Line]:
    """Return what a run spends its time on, in seconds; their sum is how long it takes, exam included.

    Args:
        recipe: Resolved; its batch size is a number.
        shape: Of the model.
        schedule: Its batches.
        lengths: Of its examples.
        choices: What the worker decides.
        card: Where it runs.
    """
    weights = Weights.of(shape, recipe)
    each = 2 if choices.bf16 else 4
    start = known.START_S[card.device] + each * weights.total / known.READ_BYTES_S
    lines = [Line("starting", start, "imports, model, data")]
    if lengths.drawn:
        drawing = known.ENGINE_START_S[card.device] + engine_seconds(
            weights, lengths.drawn, known.OWN_ANSWER, choices, card
        )
        lines.insert(0, Line("replay", drawing, f"{lengths.drawn:,} answers of the base, once"))
    if choices.compiled:
        lines.append(Line("compiling", known.COMPILE_S, "once"))
    a_step = step_seconds(recipe, shape, schedule, lengths, choices, card)
    lines.append(Line("training", schedule.steps * a_step, f"{schedule.steps:,} steps of {a_step:.2g} s"))
    forward = _forward_flop(shape, lengths.longest)
    times = measurements(recipe, schedule.steps)
    # General answers count twice: for their loss, and for sorting out each token's likeliest words.
    measured = sum(lengths.heldout) + 2 * sum(lengths.general)
    if measured and times:
        size = recipe.per_device_eval_batch_size
        batches = math.ceil(len(lengths.heldout) / size) + 2 * math.ceil(len(lengths.general) / size)
        launch = batches * shape.layers * _launches(weights, choices)[0]
        seconds = times * max(measured * forward / _rate(card, choices), launch)
        seconds += times * probe_seconds(recipe, weights, lengths, choices, card)
        lines.append(Line("measuring", seconds, f"{times} times"))
    saved = checkpoints(recipe, schedule.steps)
    written = (saved * checkpoint_bytes(recipe, shape, choices)) / known.WRITE_BYTES_S
    lines.append(Line("saving", written, "1 checkpoint" if saved == 1 else f"{saved} checkpoints"))
    if recipe.precompute_ref_log_probs and recipe.method in REFERENCED_METHODS:
        tokens = sum(batch.tokens for batch in schedule.batches)
        lines.append(Line("reference", tokens * forward / _rate(card, choices), "once, before training"))
    if examined := exam_seconds(recipe, weights, lengths, choices, card):
        lines.append(Line("exam", examined, "afterwards, by the engine"))
    return lines


def probe_seconds(recipe: Recipe, weights: Weights, lengths: Lengths, choices: Choices, card: Card) -> float:
    """Return the seconds that the model's own answers take at one measurement; 0 where none are asked for."""
    wanted = recipe.method in PROBED_METHODS if recipe.probe_answers is None else recipe.probe_answers
    asked = min(len(lengths.heldout) + len(lengths.general), known.PROBE_ANSWERS)
    if not wanted or not asked:
        return 0.0
    return known.PROBE_TOKENS * _token_seconds(weights, asked, choices, card)


def exam_seconds(recipe: Recipe, weights: Weights, lengths: Lengths, choices: Choices, card: Card) -> float:
    """Return the seconds of the exam after a run; 0 where the engine cannot ask it.

    The run and its base answer held-out and general questions, and are tried on training answers.
    """
    if not recipe.examine or recipe.method == "reward" or recipe.tuning == "dora":
        return 0.0
    general = min(len(lengths.general), known.EXAM_GENERAL)
    questions = min(len(lengths.heldout) or general, known.EXAM_QUESTIONS)
    taught = min(len(lengths.lengths), known.EXAM_TAUGHT) + min(len(lengths.heldout), known.EXAM_TAUGHT)
    answering = engine_seconds(weights, questions, known.EXAM_ANSWER, choices, card)
    answering += engine_seconds(weights, general, known.EXAM_SHORT_ANSWER, choices, card)
    mean = sum(lengths.lengths) / max(len(lengths.lengths), 1)
    read = (questions + taught) * mean + sum(lengths.general[:general])
    reading = 2.0 * weights.total * read / _rate(card, choices)
    return known.ENGINE_START_S[card.device] + 2 * (answering + reading)


def engine_seconds(weights: Weights, answers: int, tokens: float, choices: Choices, card: Card) -> float:
    """Return the seconds in which the engine writes so many answers of a mean length."""
    turns = math.ceil(answers / known.ENGINE_AT_ONCE)
    return turns * tokens * _token_seconds(weights, min(answers, known.ENGINE_AT_ONCE), choices, card)


def step_seconds(
    recipe: Recipe, shape: Shape, schedule: Schedule, lengths: Lengths, choices: Choices, card: Card
) -> float:
    """Return the seconds of an average optimiser step."""
    weights = Weights.of(shape, recipe)
    share = min(lengths.trained / max(lengths.tokens, 1), 1.0)
    total = sum(
        batch_seconds(recipe, shape, weights, batch, share, choices, card) for batch in schedule.batches
    )
    moved = known.OPTIMISER_BYTES * weights.trained / (0.75 * card.bandwidth)
    return total / schedule.steps_an_epoch + moved


def batch_seconds(
    recipe: Recipe,
    shape: Shape,
    weights: Weights,
    batch: Batch,
    learned: float,
    choices: Choices,
    card: Card,
) -> float:
    """Return the seconds of one batch, forward and back.

    Args:
        recipe: Resolved.
        shape: Of the model.
        weights: How many there are.
        batch: What is computed.
        learned: Share of its tokens that are learned.
        choices: What the worker decides.
        card: Where it runs.
    """
    again = _again(choices)
    reference = int(recipe.method in REFERENCED_METHODS and not recipe.precompute_ref_log_probs)
    if recipe.method == "kto":
        reference += 2  # the mismatched answers are scored by the model and by its reference
    elif recipe.method == "grpo":
        reference = int(bool(recipe.beta))
    back = 1.0 if weights.adapter else 2.0
    body = _body_flop(shape, batch.length)
    products = batch.tokens * body * (1 + again + reference + back)
    head = 2.0 * shape.embedding * batch.tokens * learned
    heads = head * (2 + reference + (0 if choices.short_lora else 1))
    seconds = (products + heads) / _rate(card, choices)
    forward_s, backward_s = _launches(weights, choices)
    more = {"qlora": known.FOUR_BIT_LAUNCHES, "dora": known.DORA_LAUNCHES}.get(recipe.tuning, 1.0)
    launch = more * shape.layers * (forward_s * (1 + again + known.REFERENCE_LAUNCH * reference) + backward_s)
    if choices.cuda:
        if not choices.short_lora:
            seconds += head * (1 if weights.adapter else 2) / (known.SUMMED_SHARE * card.flops)
        kind = known.PLAIN.layer(shape.hidden, shape.intermediate)
        passes = (5 + 2 * again + 2 * reference) * (known.COMPILED_PASSES if choices.compiled else 1.0)
        seconds += batch.tokens * shape.layers * kind * passes / (known.BANDWIDTH_SHARE * card.bandwidth)
        if recipe.tuning == "qlora":
            unpacked = (2 + again) * shape.layers * shape.layer_stored * (2 * known.QUANTISED + 4)
            seconds += unpacked / (known.BANDWIDTH_SHARE * card.bandwidth)
        power = known.LAUNCH_POWER
        seconds = (seconds**power + launch**power) ** (1 / power)
    if recipe.method == "grpo":
        seconds += _sampling_seconds(recipe, weights, batch, choices, card)
    return seconds


def measurements(recipe: Recipe, steps: int) -> int:
    """Return how often held-out and general loss are measured: before, at intervals, and after."""
    if not (recipe.eval_split or recipe.eval_dataset or recipe.general_dataset):
        return 0
    between = (steps - 1) // recipe.eval_steps if recipe.eval_steps else 0
    return 2 + between


def checkpoints(recipe: Recipe, steps: int) -> int:
    """Return how many checkpoints a run writes."""
    return max(math.ceil(steps / recipe.save_steps) if recipe.save_steps else 1, 1)


def checkpoint_bytes(recipe: Recipe, shape: Shape, choices: Choices) -> float:
    """Return the size of one checkpoint: the weights that learn, and what the optimiser keeps of them."""
    weights = Weights.of(shape, recipe)
    if weights.adapter:
        return 12.0 * weights.trained + _TOKENIZER_BYTES
    each, learned = 2 if choices.bf16 else 4, 4 if choices.float32_weights else 2
    frozen = weights.total - weights.trained
    return each * frozen + 3.0 * learned * weights.trained + _TOKENIZER_BYTES


def disk_bytes(recipe: Recipe, shape: Shape, steps: int, choices: Choices) -> float:
    """Return what a run leaves on the disk at most: the checkpoints kept, one being written, the result."""
    kept = min(checkpoints(recipe, steps), recipe.save_total_limit + 1) + 1
    weights = Weights.of(shape, recipe)
    result = 4.0 * weights.trained if weights.adapter else 4.0 * weights.total
    return kept * checkpoint_bytes(recipe, shape, choices) + result + _TOKENIZER_BYTES


_TOKENIZER_BYTES = 12e6
# tokenizer.json of a large vocabulary, and the run's own logs.


def _forward_flop(shape: Shape, length: int) -> float:
    """Return the operations of a token's way through the model."""
    return _body_flop(shape, length) + 2.0 * shape.embedding


def _body_flop(shape: Shape, length: int) -> float:
    attention = 2.0 * shape.layers * shape.heads * shape.head_dim * length  # causal: half of 4
    return 2.0 * shape.layers * shape.layer_computed + attention


def _again(choices: Choices) -> float:
    """Return how much of a forward pass is computed a second time.

    At a budget of 0.5 hardly any product is, at 0.3 about 0.7 of them (7.6B on an H200: 3 and 26 % slower).
    """
    if choices.checkpointing:
        return 1.0
    if choices.budget is not None:
        return min(max((0.52 - choices.budget) / 0.22 * 0.7, 0.0), 1.0)
    return 0.0


def _rate(card: Card, choices: Choices) -> float:
    """Return the products a second that a run reaches."""
    if not choices.cuda:
        return known.CPU_SHARE * card.flops
    if not choices.bf16:
        return 0.06 * card.flops  # float32 without tensor cores
    return known.PRODUCT_SHARE * card.flops * (known.EIGHT_BIT_GAIN if choices.fp8 else 1.0)


def _launches(weights: Weights, choices: Choices) -> tuple[float, float]:
    """Return the seconds that one layer takes at least, forward and back."""
    if not choices.cuda:
        return 0.0, 0.0
    if choices.compiled:
        return known.COMPILED_FORWARD_S, known.COMPILED_BACKWARD_S
    if not weights.adapter:
        return known.FULL_FORWARD_S, known.FULL_BACKWARD_S
    return known.FORWARD_S, known.BACKWARD_S


def _token_seconds(weights: Weights, rows: int, choices: Choices, card: Card) -> float:
    """Return the seconds of one more token in each of some answers: all weights are read once."""
    reading = (2 if choices.bf16 else 4) * weights.total / (0.5 * card.bandwidth)
    launch = 0.03 if choices.cuda else 0.0  # transformers' own loop in Python; the engine's is shorter
    return max(reading + launch, 2.0 * weights.total * rows / _rate(card, choices))


def _sampling_seconds(recipe: Recipe, weights: Weights, batch: Batch, choices: Choices, card: Card) -> float:
    """Return the seconds that sampling a batch's answers takes: each token reads all weights once."""
    reading = (2 if choices.bf16 else 4) * weights.total / (0.5 * card.bandwidth)
    launch = 0.03 if choices.cuda else 0.0  # transformers' own loop in Python
    sequences = max(recipe.gradient_accumulation_steps, 1)
    computing = 2.0 * weights.total * batch.rows / _rate(card, choices)
    return recipe.max_completion_length * max((reading + launch) / sequences, computing)
