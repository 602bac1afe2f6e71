"""From conversations to token ids, with exactly the tokens of the answers marked as to be learned.

The tokenizer's own chat template renders everything, so training sees what serving will see. An answer's
tokens are those by which the conversation with it differs from the conversation that asks for it; its
end-of-turn token is learned, what a template puts after that (a line break, say) is cut off.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from ftarena.curation.reading import Example, Turn
from ftarena.errors import FtarenaError

IGNORED = -100
"""The label of a token that is not learned, as torch's cross-entropy has it."""

_BATCH = 512


@dataclass(frozen=True)
class Encoded:
    """One example for supervised training."""

    input_ids: list[int]
    labels: list[int]
    """As long as `input_ids`; the token itself where it is learned, else -100."""

    example: Example

    @property
    def trained(self) -> int:
        """How many tokens are learned."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class EncodedPair:
    """One preference pair."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    example: Example

    @property
    def length(self) -> int:
        """Tokens of the longer of the two conversations."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


class ChatEncoder:
    """Encodes conversations with a tokenizer's template.

    Args:
        tokenizer: A transformers tokenizer that has a chat template.
        end_ids: Tokens that end an answer: the model stops at them when it generates.
        name: What the model is called, for errors.
    """

    def __init__(self, tokenizer: Any, end_ids: frozenset[int], name: str) -> None:
        if not tokenizer.chat_template:
            raise FtarenaError(
                f"{name} has no chat template, so it is not known how a conversation is written for it",
                "use its instruct or chat variant",
            )
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._name = name

    def encode(
        self, examples: Sequence[Example], on_progress: Callable[[int], None] | None = None
    ) -> Iterator[Encoded]:
        """Yield each example with its labels.

        In `messages` every turn of the assistant is learned, where the template renders earlier turns as they
        were answered; in the other shapes the one answer is.

        Raises:
            FtarenaError: The template refuses a conversation, or does not end an answer.
        """
        for start in range(0, len(examples), _BATCH):
            chunk = examples[start : start + _BATCH]
            jobs = [_pieces(example) for example in chunk]
            ids = iter(self._tokenise([piece for pieces in jobs for piece in pieces]))
            for example, pieces in zip(chunk, jobs, strict=True):
                yield self._label(example, [next(ids) for _ in pieces])
            if on_progress:
                on_progress(start + len(chunk))

    def encode_pairs(self, examples: Sequence[Example]) -> Iterator[EncodedPair]:
        """Yield each preference pair: one prompt and two answers, each up to its end-of-turn token.

        Raises:
            FtarenaError: The template refuses a conversation, or does not end an answer.
        """
        for start in range(0, len(examples), _BATCH):
            chunk = examples[start : start + _BATCH]
            pieces = [
                _Piece(example, (*example.prompt, *answer), asks=not answer)
                for example in chunk
                for answer in ((), example.completion, example.rejected)
            ]
            ids = iter(self._tokenise(pieces))
            for example in chunk:
                prompt, chosen, rejected = next(ids), next(ids), next(ids)
                begin = min(_common(prompt, chosen), _common(prompt, rejected))
                yield EncodedPair(
                    prompt[:begin],
                    chosen[begin : self._end(example, chosen, begin)],
                    rejected[begin : self._end(example, rejected, begin)],
                    example,
                )

    def _label(self, example: Example, ids: list[list[int]]) -> Encoded:
        *earlier, asked, full = ids
        labels = [IGNORED] * len(full)
        # `earlier` alternates: a conversation that asks for a turn, and the one that holds its answer.
        for before, after in zip(earlier[::2], earlier[1::2], strict=True):
            end = self._end(example, after, _common(before, after))
            if _common(before, full) == len(before) and _common(after, full) >= end:
                labels[len(before) : end] = full[len(before) : end]
        begin = _common(asked, full)
        end = self._end(example, full, begin)
        labels[begin:end] = full[begin:end]
        return Encoded(full[:end], labels[:end], example)

    def _end(self, example: Example, ids: list[int], begin: int) -> int:
        """Return the position after the last end-of-turn token of the answer that begins at `begin`."""
        for position in range(len(ids) - 1, begin - 1, -1):
            if ids[position] in self._end_ids:
                return position + 1
        raise FtarenaError(
            f"{example.file}:{example.line}: the chat template of {self._name} does not end an answer with "
            "a token that the model stops at, so it would learn never to stop",
            "use the tokenizer that belongs to the model, or a model whose template ends each turn",
        )

    def _tokenise(self, pieces: Sequence["_Piece"]) -> list[list[int]]:
        texts = []
        for piece in pieces:
            try:
                texts.append(
                    self._tokenizer.apply_chat_template(
                        [{"role": turn.role, "content": turn.content} for turn in piece.turns],
                        tokenize=False,
                        add_generation_prompt=piece.asks,
                    )
                )
            except TemplateError as error:
                place = f"{piece.example.file}:{piece.example.line}"
                raise FtarenaError(
                    f"{place}: the chat template of {self._name} refuses this: {error}"
                ) from error
        # The template writes the special tokens itself; adding them again would double the first one.
        ids: list[list[int]] = self._tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids


@dataclass(frozen=True)
class _Piece:
    """A conversation to render: either asking for an answer, or ending in one."""

    example: Example
    turns: tuple[Turn, ...]
    asks: bool


def _pieces(example: Example) -> list[_Piece]:
    turns = (*example.prompt, *example.completion)
    learned = (
        [index for index, turn in enumerate(turns) if turn.role == "assistant"]
        if example.shape == "messages"
        else [len(turns) - 1]
    )
    pieces = []
    for index in learned:
        pieces += [
            _Piece(example, turns[:index], asks=True),
            _Piece(example, turns[: index + 1], asks=False),
        ]
    return pieces


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two sequences share at their beginning."""
    for position, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return position
    return min(len(first), len(second))
