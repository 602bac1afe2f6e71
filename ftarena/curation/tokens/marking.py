"""The loss mask: which tokens of an example are learned. The only place that decides it.

A text is tokenised once, as a whole, and the places of the answers are carried over from characters to
tokens: a token belongs to an answer if it holds one of its characters. The token that ends the answer is
learned with it; what a template writes after that (a line break, say) is cut off.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ftarena.curation.examples import Example
from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
from ftarena.curation.tokens.drafting import Draft, Trouble, draft, draft_pair

if TYPE_CHECKING:
    from tokenizers import Encoding

Span = tuple[int, int]
"""Tokens from the first position up to, and without, the second."""


@dataclass(frozen=True, slots=True)
class Marking:
    """One text as tokens, and which of them are learned."""

    text: str
    encoding: "Encoding"
    """All tokens of the text, also those after the end of the last answer."""

    ids: list[int]
    """The tokens that training sees: up to and with the end of the last answer."""

    begin: int
    """Position of the first token of the last answer."""

    spans: tuple[Span, ...]
    """What is learned, in order, without overlaps."""

    rewritten: int
    """Earlier answers that are not learned, since the template shows them otherwise than they were given."""

    troubles: tuple[Trouble, ...]

    @property
    def trained(self) -> int:
        """How many tokens are learned."""
        return sum(end - begin for begin, end in self.spans)

    def trained_within(self, limit: int) -> int:
        """How many tokens are learned where only the first `limit` are kept."""
        return sum(max(min(end, limit) - begin, 0) for begin, end in self.spans)


@dataclass(frozen=True, slots=True)
class Marked:
    """An example with its mask, or with the reason why it has none."""

    example: Example
    markings: tuple[Marking, ...]
    """One; for a preference pair two, chosen and rejected, which begin at the same token; none where
    `refusal` says why."""

    refusal: Trouble | None = None

    @property
    def troubles(self) -> list[Trouble]:
        """What is wrong with it, each code once."""
        found = [self.refusal] if self.refusal else [one for each in self.markings for one in each.troubles]
        return list({trouble.code: trouble for trouble in reversed(found)}.values())[::-1]

    @property
    def length(self) -> int:
        """Tokens of the longest of its texts."""
        return max((len(marking.ids) for marking in self.markings), default=0)

    def cut_leaves_nothing(self, limit: int) -> bool:
        """Whether nothing can be learned of the first `limit` tokens: no answer, or no difference of two."""
        if len(self.markings) == 2:
            chosen, rejected = self.markings
            return chosen.begin >= limit or chosen.ids[:limit] == rejected.ids[:limit]
        return all(marking.trained_within(limit) == 0 for marking in self.markings)


def mark(examples: Sequence[Example], tokenizer: ChatTokenizer, *, pairs: bool = True) -> list[Marked]:
    """Tokenise examples and mark what is learned of them.

    Args:
        examples: Of any kind; one that is only a question has no mask. All are held in memory at once.
        tokenizer: The model's.
        pairs: Whether a preference pair gives two texts; else only the chosen answer counts.

    Returns:
        In the order of the examples.
    """
    drafts: list[tuple[Draft, ...] | Trouble] = []
    for example in examples:
        if pairs and example.kind == "preference":
            drafts.append(draft_pair(example, tokenizer))
        else:
            one = draft(example, tokenizer)
            drafts.append(one if isinstance(one, Trouble) else (one,))
    texts = [each.text for group in drafts if not isinstance(group, Trouble) for each in group]
    encodings = iter(tokenizer.tokenise(texts))
    marked = []
    for example, group in zip(examples, drafts, strict=True):
        if isinstance(group, Trouble):
            marked.append(Marked(example, (), group))
            continue
        markings = [_mark(each, next(encodings), tokenizer) for each in group]
        marked.append(Marked(example, tuple(markings) if len(markings) == 1 else _begin_alike(*markings)))
    return marked


def _mark(draft: Draft, encoding: "Encoding", tokenizer: ChatTokenizer) -> Marking:
    ids: list[int] = encoding.ids
    troubles = list(draft.troubles)
    begin = _token_at(draft.text, encoding, draft.begin, tokenizer)
    end = next((at + 1 for at in range(len(ids) - 1, begin - 1, -1) if ids[at] in tokenizer.end_ids), None)
    spans = []
    rewritten = draft.rewritten
    for first, last in draft.earlier:
        span = (_token_at(draft.text, encoding, first, tokenizer), _token_of(encoding, last - 1) + 1)
        if span[1] > span[0] and ids[span[1] - 1] in tokenizer.end_ids:
            spans.append(span)
        else:
            rewritten += 1
    if rewritten:
        what = "an earlier answer, which" if rewritten == 1 else f"{rewritten} earlier answers, which"
        troubles.append(
            Trouble(
                "answer-rewritten",
                f"the chat template of {tokenizer.name} rewrites {what} will not be learned",
            )
        )
    if draft.learned:
        spans.append((begin, end or len(ids)))
        if end is None:
            troubles.append(Trouble("no-end", _NO_END.format(tokenizer.name)))
    if not any(begin < end for begin, end in spans):
        troubles.append(Trouble("nothing-trained", "no token of it would be learned"))
    if ids[:2] == [tokenizer.bos_id] * 2:
        troubles.append(Trouble("double-bos", f"it begins with {tokenizer.bos_text} twice"))
    if tokenizer.unembedded and (foreign := [token for token in ids if token in tokenizer.unembedded]):
        troubles.append(
            Trouble(
                "new-tokens",
                f"{tokenizer.unembedded[foreign[0]]!r} is token {foreign[0]}, but {tokenizer.name} has "
                f"only {tokenizer.vocabulary_size} embeddings",
            )
        )
    return Marking(draft.text, encoding, ids[:end], begin, tuple(spans), rewritten, tuple(troubles))


_NO_END = (
    "the chat template of {} does not end an answer with a token that the model stops at, "
    "so it would learn never to stop"
)


def _token_at(text: str, encoding: "Encoding", char: int, tokenizer: ChatTokenizer) -> int:
    """Return the position of the first token that holds the character or, where none does, a later one."""
    token = next(
        (found for at in range(char, len(text)) if (found := encoding.char_to_token(at)) is not None), None
    )
    if token is None:
        return len(encoding)
    # A special token that swallows the blanks after it (`rstrip`) still belongs to who wrote it.
    begin, _ = encoding.token_to_chars(token) or (char, char)
    if begin < char and encoding.ids[token] in tokenizer.special_ids:
        return token + 1
    return token


def _token_of(encoding: "Encoding", char: int) -> int:
    """Return the position of the token that holds the character; -1 for none."""
    found = encoding.char_to_token(char)
    return -1 if found is None else found


def _begin_alike(chosen: Marking, rejected: Marking) -> tuple[Marking, Marking]:
    """Let both answers of a pair begin at the same token, after the very same tokens.

    A token may hold the last character of the prompt and the first of one answer but not of the other.
    """
    begin = min(chosen.begin, rejected.begin)
    if chosen.ids[:begin] != rejected.ids[:begin]:
        begin = _common(chosen.ids, rejected.ids)
    return (
        replace(chosen, begin=begin, spans=((begin, len(chosen.ids)),)),
        replace(rejected, begin=begin, spans=((begin, len(rejected.ids)),)),
    )


def _common(first: Iterable[int], second: Iterable[int]) -> int:
    """Return how many tokens two sequences share at their beginning."""
    position = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        position += 1
    return position
