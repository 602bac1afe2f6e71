"""Examples as tokens that fit: what is too long is refused, dropped or cut, as the recipe says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ftarena.curation.findings import CODES
from ftarena.curation.tokens import ChatEncoder, ChatTokenizer, Encoded, EncodedPair
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import PAIR_METHODS
from ftarena.training.data import RunData
from ftarena.training.worker.job import Job

_T = TypeVar("_T", Encoded, EncodedPair)


@dataclass(frozen=True)
class RunExamples:
    """The examples of a run as tokens."""

    train: list[Any]
    """In the kind that the method takes: `Encoded` or `EncodedPair`."""

    heldout: list[Encoded]
    """Answers that are never trained on."""


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
    heldout = fitter.answers(list(encoder.encode(data.heldout)), "heldout")
    train: list[Any] = (
        fitter.pairs(list(encoder.encode_pairs(data.train)))
        if job.recipe.method in PAIR_METHODS
        else fitter.answers(list(encoder.encode(data.train)), "train")
    )
    n_examples = len(data.train) + len(data.heldout)
    for code, count in encoder.noticed.items():
        job.reporter.event(code, f"{CODES[code].what}: {count} of {n_examples} examples", examples=count)
    return RunExamples(train, heldout)


class Fitter:
    """Holds examples against `max_length`, and counts what it finds.

    Args:
        job: The run; what is found goes into its lock and its events.
    """

    def __init__(self, job: Job) -> None:
        self._recipe = job.recipe
        self._reporter = job.reporter
        self._lock = job.lock

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

    def pairs(self, pairs: list[EncodedPair]) -> list[EncodedPair]:
        """Return the pairs that fit and tell the answers apart, and say how many there are.

        Raises:
            FtarenaError: As for `answers`; or a pair's answers are the same tokens.
        """
        limit = self._recipe.max_length
        for pair in pairs:
            if pair.chosen_ids == pair.rejected_ids:
                raise FtarenaError(
                    f"{pair.example.file}:{pair.example.line}: chosen and rejected are the same",
                    "remove the row",
                )

        kept = self._fit(pairs, "train", lambda pair: pair.length, lambda pair: pair.cut(limit))
        tokens = sum(
            2 * len(pair.prompt_ids) + len(pair.chosen_ids) + len(pair.rejected_ids) for pair in kept
        )
        self._reporter.event(
            "train-data", f"train: {len(kept)} pairs, {tokens} tokens", examples=len(kept), tokens=tokens
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
                f"{len(long)} of {len(items)} {part} examples are longer than max_length {limit} "
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
