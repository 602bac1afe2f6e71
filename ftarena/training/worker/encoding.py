"""Examples as tokens that fit: what is too long is refused, dropped or cut, as the recipe says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ftarena.curation.examples import Example
from ftarena.curation.findings import CODES
from ftarena.curation.tokens import (
    ChatEncoder,
    ChatTokenizer,
    Encoded,
    EncodedLabelled,
    EncodedPair,
    EncodedQuestion,
)
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import PAIR_METHODS
from ftarena.training.data import RunData
from ftarena.training.worker.job import Job

_T = TypeVar("_T", Encoded, EncodedPair, EncodedLabelled, EncodedQuestion)


@dataclass(frozen=True)
class RunExamples:
    """The examples of a run as tokens."""

    train: list[Any]
    """In the kind that the method takes: `Encoded` (sft), `EncodedLabelled` (kto), `EncodedQuestion` (grpo),
    else `EncodedPair`."""

    heldout: list[Encoded]
    """Answers that are never trained on, whose loss is measured; empty for a model that writes none."""

    heldout_pairs: list[EncodedPair]
    """Pairs that are never trained on, which a model that scores answers has to rank; else empty."""


def encode_run(job: Job, chat: ChatTokenizer, data: RunData) -> RunExamples:
    """Return the examples of a run as tokens that fit, and tell what was noticed about them.

    Args:
        job: The run.
        chat: The model's tokenizer and template.
        data: What the recipe names.

    Raises:
        FtarenaError: An example would teach nonsense, or is too long and the recipe does not say what to do.
    """
    encoder, fitter = ChatEncoder(chat), Fitter(job)
    answers = _measurable(job, data.heldout)
    heldout: list[Encoded] = []
    heldout_pairs: list[EncodedPair] = []
    if job.recipe.method == "reward":
        heldout_pairs = fitter.pairs(list(encoder.encode_pairs(answers)), "heldout")
    else:
        heldout = fitter.answers(list(encoder.encode(answers)), "heldout")
    train = _train(job, encoder, fitter, data.train)
    n_examples = len(data.train) + len(answers)
    for code, count in encoder.noticed.items():
        job.reporter.event(code, f"{CODES[code].what}: {count} of {n_examples} examples", examples=count)
    return RunExamples(train, heldout, heldout_pairs)


def _train(
    job: Job, encoder: ChatEncoder, fitter: "Fitter", examples: Sequence[Example]
) -> list[Encoded] | list[EncodedPair] | list[EncodedLabelled] | list[EncodedQuestion]:
    if job.recipe.method in PAIR_METHODS:
        return fitter.pairs(list(encoder.encode_pairs(examples)), "train")
    if job.recipe.method == "kto":
        return fitter.labelled(list(encoder.encode_labelled(examples)))
    if job.recipe.method == "grpo":
        return fitter.questions(list(encoder.encode_questions(examples)))
    return fitter.answers(list(encoder.encode(examples)), "train")


def _measurable(job: Job, heldout: Sequence[Example]) -> list[Example]:
    """Return the held-out examples that can be measured on, and tell how many cannot.

    Answers that ought to become likelier; for a model that scores answers, pairs.
    """
    if job.recipe.method == "reward":
        pairs = [one for one in heldout if one.rejected]
        if len(pairs) < len(heldout):
            job.reporter.event(
                "heldout-unused",
                "a reward model is measured on pairs, since it writes no answers: "
                f"{len(heldout) - len(pairs)} of {len(heldout)} examples are none",
                examples=len(heldout) - len(pairs),
            )
        return pairs
    good = [one for one in heldout if one.completion and one.label is not False]
    if len(good) < len(heldout):
        job.reporter.event(
            "heldout-unused",
            f"held-out loss is measured on good answers: {len(heldout) - len(good)} of {len(heldout)} "
            "examples have none",
            examples=len(heldout) - len(good),
        )
    return good


class Fitter:
    """Holds examples against `max_length`, and counts what it finds.

    Args:
        job: The run; what is found goes into its lock and its events.
    """

    def __init__(self, job: Job) -> None:
        self._recipe = job.recipe
        self._reporter = job.reporter
        self._lock = job.lock

    @property
    def _with_answer(self) -> str:
        """What of an example is not there yet, but needs room."""
        room = self._recipe.max_completion_length
        return f" and an answer of {room} tokens" if self._recipe.method == "grpo" else ""

    def answers(self, examples: list[Encoded], part: str) -> list[Encoded]:
        """Return the examples that fit, and tell how many tokens there are.

        Raises:
            FtarenaError: Examples are too long and the recipe does not say what to do, or none is left.
        """
        if not examples:
            return []
        limit = self._recipe.max_length

        kept = self._fit(examples, part, lambda one: len(one.input_ids), lambda one: one.cut(limit))
        trained = sum(one.trained for one in kept)
        tokens = sum(len(one.input_ids) for one in kept)
        self._reporter.event(
            f"{part}-data",
            f"{part}: {len(kept)} examples, {tokens} tokens, {trained} of them answers, each ending its turn",
            examples=len(kept),
            tokens=tokens,
            answer_tokens=trained,
        )
        return kept

    def pairs(self, pairs: list[EncodedPair], part: str) -> list[EncodedPair]:
        """Return the pairs that fit and tell the answers apart, and say how many there are.

        Raises:
            FtarenaError: As for `answers`; or a pair's answers are the same tokens.
        """
        if not pairs:
            return []
        limit = self._recipe.max_length
        for pair in pairs:
            if pair.chosen_ids == pair.rejected_ids:
                raise FtarenaError(
                    f"{pair.example.file}:{pair.example.line}: chosen and rejected are the same",
                    "remove the row",
                )

        kept = self._fit(pairs, part, lambda pair: pair.length, lambda pair: pair.cut(limit))
        tokens = sum(
            2 * len(pair.prompt_ids) + len(pair.chosen_ids) + len(pair.rejected_ids) for pair in kept
        )
        self._reporter.event(
            f"{part}-data", f"{part}: {len(kept)} pairs, {tokens} tokens", examples=len(kept), tokens=tokens
        )
        return kept

    def labelled(self, answers: list[EncodedLabelled]) -> list[EncodedLabelled]:
        """Return the labelled answers that fit, and say how many of them are good.

        Raises:
            FtarenaError: As for `answers`; or all have the same label.
        """
        limit = self._recipe.max_length
        kept = self._fit(answers, "train", lambda one: one.length, lambda one: one.cut(limit))
        good = sum(one.label for one in kept)
        if good in (0, len(kept)):
            raise FtarenaError(
                f"all {len(kept)} answers are labelled {'good' if good else 'bad'}: "
                "there is nothing to tell apart",
                "add rows of the other label, or use method: sft for good answers alone",
            )
        tokens = sum(one.length for one in kept)
        self._reporter.event(
            "train-data",
            f"train: {len(kept)} answers, {good} good and {len(kept) - good} bad, {tokens} tokens",
            examples=len(kept),
            good=good,
            tokens=tokens,
        )
        return kept

    def questions(self, questions: list[EncodedQuestion]) -> list[EncodedQuestion]:
        """Return the questions that leave room for an answer, and say how many have a reference.

        Raises:
            FtarenaError: Questions are too long and the recipe does not say what to do, or none is left; or
                a reward function compares with a reference and there is none.
        """
        room = self._recipe.max_completion_length
        kept = self._fit(questions, "train", lambda one: len(one.prompt_ids) + room, lambda one: None)
        answered = sum(one.reference is not None for one in kept)
        if "exact_match" in self._recipe.reward_funcs and answered < len(kept):
            first = next(one.example for one in kept if one.reference is None)
            raise FtarenaError(
                f"exact_match compares with a reference, and {len(kept) - answered} of {len(kept)} questions "
                f"have none (first {first.file}:{first.line})",
                'write rows as {"prompt": "a question", "reference": "its answer"}',
            )
        tokens = sum(len(one.prompt_ids) for one in kept)
        self._reporter.event(
            "train-data",
            f"train: {len(kept)} questions, {answered} with a reference, {tokens} tokens",
            examples=len(kept),
            tokens=tokens,
        )
        return kept

    def _fit(
        self, items: list[_T], part: str, length: Callable[[_T], int], cut: Callable[[_T], _T | None]
    ) -> list[_T]:
        limit, what = self._recipe.max_length, self._recipe.too_long
        long = [item for item in items if length(item) > limit]
        if long:
            first = long[0].example
            found = (
                f"{len(long)} of {len(items)} {part} examples{self._with_answer} are longer than "
                f"max_length {limit} "
                f"(longest {max(map(length, long))} tokens, first {first.file}:{first.line})"
            )
            if what == "error":
                raise FtarenaError(found, "raise max_length, or set too_long: drop (or truncate)")
            shortened = [cut(item) if what == "truncate" else None for item in long]
            by_item = dict(zip(map(id, long), shortened, strict=True))
            items = [kept for item in items if (kept := by_item.get(id(item), item)) is not None]
            dropped = sum(item is None for item in shortened)
            self._lock[f"{part}_too_long"] = {
                "dropped": dropped,
                "truncated": len(long) - dropped,
                "rows": [f"{item.example.file}:{item.example.line}" for item in long],
            }
            self._reporter.event("too-long", f"{found}: {dropped} dropped, {len(long) - dropped} truncated")
        if not items:
            raise FtarenaError(f"no {part} example fits into max_length {limit}", "raise max_length")
        return items
