"""The loss mask by its definition, slowly: every beginning of a conversation is tokenised and compared.

An answer's tokens are those by which the conversation with it differs from the one that asks for it. The
program tokenises once and looks at characters instead; this is what it must agree with.
"""

from collections.abc import Sequence

from ftarena.curation.examples import Example, Turns
from ftarena.curation.tokens import IGNORED, ChatTokenizer


def labels_by_prefixes(example: Example, tokenizer: ChatTokenizer) -> tuple[list[int], list[int]]:
    """Return `input_ids` and `labels` of an example, whose template ends every answer."""
    turns = (*example.prompt, *example.completion)
    answers = [index for index, turn in enumerate(turns) if turn.role == "assistant"]
    learned = answers if example.learns_every_answer else answers[-1:]
    full = _ids(tokenizer, turns, asks=False)
    labels = [IGNORED] * len(full)
    end = 0
    for index in learned:
        before = _ids(tokenizer, turns[:index], asks=True)
        after = _ids(tokenizer, turns[: index + 1], asks=False)
        begin = _common(before, after)
        end = max(at for at in range(begin, len(after)) if after[at] in tokenizer.end_ids) + 1
        is_last = index == len(turns) - 1
        if is_last or (_common(before, full) == len(before) and _common(after, full) >= end):
            labels[begin:end] = full[begin:end]
    return full[:end], labels[:end]


def _ids(tokenizer: ChatTokenizer, turns: Turns, *, asks: bool) -> list[int]:
    return list(tokenizer.tokenise([tokenizer.render(turns, asks=asks)])[0].ids)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    shared = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        shared += 1
    return shared
