"""From conversations to token ids, with exactly the tokens of the answers marked as to be learned.

What training takes. The mask is that of `marking`, and an example that would teach nonsense is refused by its
line: one that the template does not take, one that never ends, one of which nothing is learned.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ftarena.curation.examples import Example
from ftarena.curation.findings import CODES
from ftarena.curation.tokens.chat_template import TemplateRefusal
from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
from ftarena.curation.tokens.marking import Marked, mark
from ftarena.errors import FtarenaError

IGNORED = -100
"""The label of a token that is not learned, as torch's cross-entropy has it."""

_BATCH = 512

_REFUSED = {code.name for code in CODES.values() if code.severity == "error"} | {"new-tokens"}
# A token without an embedding is only a warning in a check, but ends a training in an index error.


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example for supervised training."""

    input_ids: list[int]
    labels: list[int]
    """As long as `input_ids`; the token itself where it is learned, else -100."""

    example: Example

    @property
    def trained(self) -> int:
        """How many tokens are learned."""
        return len(self.labels) - self.labels.count(IGNORED)

    def cut(self, limit: int) -> "Encoded | None":
        """Return its first `limit` tokens, or None where nothing of them would be learned."""
        short = Encoded(self.input_ids[:limit], self.labels[:limit], self.example)
        return short if short.trained else None


@dataclass(frozen=True, slots=True)
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

    def cut(self, limit: int) -> "EncodedPair | None":
        """Return it with `limit` tokens at most, or None where its answers would not differ in them."""
        room = max(limit - len(self.prompt_ids), 0)
        chosen, rejected = self.chosen_ids[:room], self.rejected_ids[:room]
        return EncodedPair(self.prompt_ids, chosen, rejected, self.example) if chosen != rejected else None


@dataclass(frozen=True, slots=True)
class EncodedLabelled:
    """One answer that is labelled good or bad."""

    prompt_ids: list[int]
    answer_ids: list[int]
    label: bool
    """Whether the answer is a good one."""

    example: Example

    @property
    def length(self) -> int:
        """Tokens of the question and its answer."""
        return len(self.prompt_ids) + len(self.answer_ids)

    def cut(self, limit: int) -> "EncodedLabelled | None":
        """Return it with `limit` tokens at most, or None where nothing of the answer would be left."""
        short = self.answer_ids[: max(limit - len(self.prompt_ids), 0)]
        return EncodedLabelled(self.prompt_ids, short, self.label, self.example) if short else None


@dataclass(frozen=True, slots=True)
class EncodedQuestion:
    """One question as the model reads it, up to where its answer begins."""

    text: str
    prompt_ids: list[int]
    reference: str | None
    """The answer that the file gives, to hold sampled ones against."""

    example: Example


class ChatEncoder:
    """Encodes examples with a model's template and tokenizer.

    Args:
        tokenizer: The model's.
    """

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self._tokenizer = tokenizer
        self.noticed: Counter[str] = Counter()
        """How many of the examples had something that does not stop training, by code."""

    def encode(
        self, examples: Sequence[Example], on_progress: Callable[[int], None] | None = None
    ) -> Iterator[Encoded]:
        """Yield each example with its labels.

        Of whole conversations every turn of the assistant is learned, where the template shows earlier turns
        as they were answered; of the other shapes the one answer is, of a text all of it.

        Args:
            examples: Of a preference pair the chosen answer counts.
            on_progress: Is told how many are done.

        Raises:
            FtarenaError: The template refuses a conversation, or does not end an answer, or nothing of the
                example is to be learned.
        """
        for start in range(0, len(examples), _BATCH):
            chunk = examples[start : start + _BATCH]
            for marked in mark(chunk, self._tokenizer, pairs=False):
                self._admit(marked)
                (marking,) = marked.markings
                labels = [IGNORED] * len(marking.ids)
                for begin, end in marking.spans:
                    labels[begin:end] = marking.ids[begin:end]
                yield Encoded(marking.ids, labels, marked.example)
            if on_progress:
                on_progress(start + len(chunk))

    def encode_pairs(self, examples: Sequence[Example]) -> Iterator[EncodedPair]:
        """Yield each preference pair: one prompt and two answers, each up to its end-of-turn token.

        Raises:
            FtarenaError: As for `encode`.
        """
        for start in range(0, len(examples), _BATCH):
            for marked in mark(examples[start : start + _BATCH], self._tokenizer):
                self._admit(marked)
                chosen, rejected = marked.markings
                begin = chosen.begin
                yield EncodedPair(
                    chosen.ids[:begin], chosen.ids[begin:], rejected.ids[begin:], marked.example
                )

    def encode_labelled(self, examples: Sequence[Example]) -> Iterator[EncodedLabelled]:
        """Yield each question with its labelled answer, up to its end-of-turn token.

        Args:
            examples: Of the shape `kto`.

        Raises:
            FtarenaError: As for `encode`.
        """
        for start in range(0, len(examples), _BATCH):
            for marked in mark(examples[start : start + _BATCH], self._tokenizer, pairs=False):
                self._admit(marked)
                (marking,) = marked.markings
                begin = marking.begin
                yield EncodedLabelled(
                    marking.ids[:begin], marking.ids[begin:], bool(marked.example.label), marked.example
                )

    def encode_questions(self, examples: Sequence[Example]) -> Iterator[EncodedQuestion]:
        """Yield each question as a model is asked it; an answer that stands beside it is the reference.

        Raises:
            FtarenaError: The model has no chat template, or it refuses a question.
        """
        if not self._tokenizer.template:
            raise FtarenaError(
                f"{self._tokenizer.name} has no chat template, so it is not known how it is asked",
                CODES["no-template"].remedy,
            )
        for start in range(0, len(examples), _BATCH):
            chunk = examples[start : start + _BATCH]
            texts = [self._asked(example) for example in chunk]
            for example, text, encoding in zip(chunk, texts, self._tokenizer.tokenise(texts), strict=True):
                reference = example.completion[-1].content if example.completion else None
                yield EncodedQuestion(text, encoding.ids, reference, example)

    def _asked(self, example: Example) -> str:
        """Return the text that ends where the answer begins.

        Raises:
            FtarenaError: The template refuses the question.
        """
        try:
            return self._tokenizer.render(example.prompt, asks=True, tools=example.tools)
        except TemplateRefusal as refusal:
            raise FtarenaError(
                f"{example.file}:{example.line}: the chat template of {self._tokenizer.name} refuses this: "
                f"{refusal}",
                CODES["template"].remedy,
            ) from refusal

    def _admit(self, marked: Marked) -> None:
        """Count what was noticed about an example.

        Raises:
            FtarenaError: It cannot be trained on.
        """
        for trouble in marked.troubles:
            if trouble.code in _REFUSED:
                place = f"{marked.example.file}:{marked.example.line}"
                raise FtarenaError(f"{place}: {trouble.message}", CODES[trouble.code].remedy)
            self.noticed[trouble.code] += 1
