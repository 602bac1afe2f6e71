"""The texts of an example one by one, each with a name that a message can use."""

from collections.abc import Iterator

from ftarena.curation.examples import Example, Turn


def texts_of(example: Example) -> list[str]:
    """Return every text of an example: what was said, thought, and called with."""
    return [
        text
        for turn in (*example.prompt, *example.completion, *example.rejected)
        for text in (turn.content, turn.reasoning, *(call.arguments for call in turn.tool_calls))
        if text
    ]


def named_texts_of(example: Example) -> Iterator[tuple[str, str]]:
    """Yield every text of an example with where it stands, as in “in the answer”.

    Yields:
        Where (`a turn of the user`, `the rejected answer` …) and the text.
    """
    answer = {"preference": "the chosen answer", "text": "the text"}.get(example.shape, "the answer")
    for turn in example.prompt:
        yield from _texts(
            "the system prompt" if turn.role == "system" else f"a turn of the {turn.role}", turn
        )
    for turn in example.completion:
        yield from _texts(answer, turn)
    for turn in example.rejected:
        yield from _texts("the rejected answer", turn)


def _texts(where: str, turn: Turn) -> Iterator[tuple[str, str]]:
    yield where, turn.content
    if turn.reasoning:
        yield f"the reasoning of {where}", turn.reasoning
    for call in turn.tool_calls:
        yield f"a tool call of {where}", call.arguments


def learned_texts_of(example: Example) -> Iterator[tuple[str, str]]:
    """Yield every answer that is to be learned as a good one, with where it stands, as `named_texts_of` does.

    Not what the file marks as bad or as context: that is there to be unlearned, or only to be read.
    """
    last = {"preference": "the chosen answer", "text": "the text"}.get(example.shape, "the answer")
    if example.label is False:
        return
    if example.learns_every_answer:
        for turn in example.prompt:
            if turn.role == "assistant" and turn.learned:
                yield "an earlier answer", turn.content
    for turn in example.completion:
        if turn.learned:
            yield last, turn.content
