"""The mask view: every token of an example, and whether it is learned, for people to look at."""

from dataclasses import dataclass

from ftarena.curation.examples import Example
from ftarena.curation.findings import CODES
from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
from ftarena.curation.tokens.marking import Marking, mark
from ftarena.errors import FtarenaError


@dataclass(frozen=True, slots=True)
class MaskedToken:
    """One token as it is shown."""

    id: int

    text: str
    """The characters it stands for, as they are: foreign text, to be cleaned where it is shown. Empty for a
    further token of a character that the token before it shows."""

    trained: bool
    """Whether it is learned."""

    special: bool
    """Whether it is no text but a sign to the model."""


@dataclass(frozen=True, slots=True)
class MaskView:
    """One text as tokens: what training sees of it and what it learns."""

    tokens: tuple[MaskedToken, ...]

    trained: int
    """How many tokens are learned, where nothing is cut."""

    cut_at: int | None
    """Position of the first token that `max_length` cuts off; None where it cuts nothing."""

    notes: tuple[str, ...]
    """What is to be said about it, in sentences without a full stop."""


def mask_views(
    example: Example, tokenizer: ChatTokenizer, max_length: int | None = None
) -> list[tuple[str, MaskView]]:
    """Return what training sees of an example and what it learns.

    Args:
        example: With an answer, or a text.
        tokenizer: The model's.
        max_length: Where training cuts; None for nowhere.

    Returns:
        Titled views: one, or for a preference pair `chosen` and `rejected`.

    Raises:
        FtarenaError: There is nothing to learn, or the template refuses the conversation.
    """
    (marked,) = mark([example], tokenizer)
    if marked.refusal is not None:
        raise FtarenaError(
            f"{example.file}:{example.line}: {marked.refusal.message}", CODES[marked.refusal.code].remedy
        )
    titles = {"preference": ("chosen", "rejected"), "text": ("text",)}.get(example.kind, ("conversation",))
    return [
        (title, _view(marking, tokenizer, max_length))
        for title, marking in zip(titles, marked.markings, strict=True)
    ]


def _view(marking: Marking, tokenizer: ChatTokenizer, max_length: int | None) -> MaskView:
    learned = {at for begin, end in marking.spans for at in range(begin, end)}
    tokens = []
    shown = 0  # characters before this one have been shown
    for at, (token, (begin, end)) in enumerate(zip(marking.ids, marking.encoding.offsets, strict=False)):
        special = token in tokenizer.special_ids
        text = marking.text[max(begin, shown) : end]
        if not text and begin == end:
            text = tokenizer.token_text(token)  # of no character, such as a word's beginning put in front
        shown = max(shown, end)
        tokens.append(MaskedToken(token, text, at in learned, special))
    cut_at = max_length if max_length is not None and len(tokens) > max_length else None
    return MaskView(tuple(tokens), marking.trained, cut_at, tuple(_notes(marking, tokenizer, cut_at)))


def _notes(marking: Marking, tokenizer: ChatTokenizer, cut_at: int | None) -> list[str]:
    notes = [trouble.message for trouble in marking.troubles]
    if marking.spans and (last := marking.ids[marking.spans[-1][1] - 1]) in tokenizer.end_ids:
        notes.append(f"the last token learned is {tokenizer.token_text(last)}, which ends an answer")
    if cut_at is not None:
        left = marking.trained_within(cut_at)
        notes.append(
            f"max_length {cut_at:,} cuts off {len(marking.ids) - cut_at:,} tokens, and leaves {left:,} of "
            f"{marking.trained:,} to learn"
        )
    return notes
