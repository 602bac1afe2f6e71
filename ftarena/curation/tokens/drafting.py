"""An example as the text that the model reads, and where in it the answers stand, in characters.

The chat template renders everything. An answer begins where the conversation that holds it departs from the
conversation that asks for it; for almost every template that is where the open question ends. What a template
does to a conversation that its owner would not expect is told as a `Trouble`.
"""

import json
from dataclasses import dataclass

from ftarena.curation.examples import Example, Turn, Turns
from ftarena.curation.tokens.chat_template import TemplateRefusal
from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer

_QUOTED = 40


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with an example as tokens."""

    code: str
    """A code of `ftarena.curation.findings`."""

    message: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to tokenise, and what of it is to be learned."""

    text: str
    begin: int
    """Where the last answer begins; it ends with the last token that ends an answer."""

    learned: bool = True
    """Whether the last answer is learned."""

    earlier: tuple[tuple[int, int], ...] = ()
    """Where the earlier answers stand that are learned, each up to and with the text of its end token."""

    rewritten: int = 0
    """Earlier answers that are not learned, since the template shows them otherwise than they were given."""

    troubles: tuple[Trouble, ...] = ()


def draft(example: Example, tokenizer: ChatTokenizer) -> Draft | Trouble:
    """Return the text of an example with one answer, or with all of a text to learn.

    Of a preference pair it is the better answer.

    Returns:
        The draft; or why there can be none.
    """
    if example.kind == "text":
        return _raw(example.completion[0].content, tokenizer)
    drafts = _conversations(example, (example.completion,), tokenizer)
    return drafts if isinstance(drafts, Trouble) else drafts[0]


def draft_pair(example: Example, tokenizer: ChatTokenizer) -> tuple[Draft, Draft] | Trouble:
    """Return the texts of a preference pair: with the chosen answer, and with the rejected one."""
    drafts = _conversations(example, (example.completion, example.rejected), tokenizer)
    return drafts if isinstance(drafts, Trouble) else (drafts[0], drafts[1])


def _raw(text: str, tokenizer: ChatTokenizer) -> Draft:
    """Return a text as it is, begun as the tokenizer begins raw text, and ended once."""
    start = tokenizer.bos_text if tokenizer.adds_bos and not text.startswith(tokenizer.bos_text) else ""
    end = "" if not tokenizer.end_texts or text.endswith(tokenizer.end_texts) else tokenizer.end_texts[0]
    return Draft(f"{start}{text}{end}", len(start))


def _conversations(
    example: Example, answers: tuple[Turns, ...], tokenizer: ChatTokenizer
) -> list[Draft] | Trouble:
    if not example.completion:
        return Trouble("no-answer", "a prompt without an answer: there is nothing to learn")
    if not tokenizer.template:
        return Trouble(
            "no-template",
            f"{tokenizer.name} has no chat template, so it is not known how a conversation is written for it",
        )
    try:
        asked = tokenizer.render(example.prompt, asks=True, tools=example.tools)
        return [_conversation(example, answer, asked, tokenizer) for answer in answers]
    except TemplateRefusal as refusal:
        return Trouble("template", f"the chat template of {tokenizer.name} refuses this: {refusal}")


def _conversation(example: Example, answer: Turns, asked: str, tokenizer: ChatTokenizer) -> Draft:
    """Return one conversation with its answer.

    Raises:
        TemplateRefusal: The template does not take it.
    """
    full = tokenizer.render((*example.prompt, *answer), asks=False, tools=example.tools)
    troubles = []
    begin = _shared(asked, full)
    if begin < len(asked):
        troubles.append(
            Trouble(
                "prompt-not-prefix",
                f"an open question goes on with {_quoted(asked[begin:])}, an answered one with "
                f"{_quoted(full[begin:])}: all from there on is learned",
            )
        )
    if dropped := _dropped(example, answer[-1], full):
        troubles.append(
            Trouble(
                "turn-dropped",
                f"the chat template of {tokenizer.name} leaves out {dropped}, so it does not reach the model",
            )
        )
    earlier, rewritten = _earlier(example, full, tokenizer) if example.learns_every_answer else ((), 0)
    return Draft(full, begin, answer[-1].learned, earlier, rewritten, tuple(troubles))


def _dropped(example: Example, answer: Turn, full: str) -> str:
    """Return what a conversation says and its text does not; empty for nothing.

    Templates trim, and print what a tool said as JSON; earlier thoughts are left out on purpose.
    """
    for turn in (*example.prompt, answer):
        said = turn.content.rpartition("</think>")[2].strip()
        if said not in full and json.dumps(said, ensure_ascii=False)[1:-1] not in full:
            whose = {
                "system": "the system prompt",
                "user": "a message of the user",
                "tool": "a tool's result",
            }
            if turn.role in whose:
                return f"{whose[turn.role]}, {_quoted(said)}"
            if turn is answer:
                return f"the answer, {_quoted(said)}"
        for call in turn.tool_calls:
            if call.name not in full:
                return f"the call of {_quoted(call.name)}"
    if answer.reasoning.strip() not in full:
        return "the reasoning before the answer"
    if example.tools:
        for tool in json.loads(example.tools):
            name = tool.get("function", tool).get("name", "")
            if name not in full:
                return f"the function {_quoted(name)} that is on offer"
    return ""


def _earlier(
    example: Example, full: str, tokenizer: ChatTokenizer
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Return where the answers before the last one stand, and how many the template has rewritten.

    An answer counts where the conversation as it was when it was given, from the open question to its end
    token, is the beginning of the whole one.
    """
    found = []
    rewritten = 0
    for index, turn in enumerate(example.prompt):
        if turn.role != "assistant" or not turn.learned or index == 0:
            continue  # a first turn answers nothing
        try:
            before = tokenizer.render(example.prompt[:index], asks=True, tools=example.tools)
            after = tokenizer.render(example.prompt[: index + 1], asks=False, tools=example.tools)
        except TemplateRefusal:
            rewritten += 1  # it takes the whole, but not the conversation as it was then
            continue
        end = _end(after, full, tokenizer)
        if end > len(before) and full.startswith(before):
            found.append((len(before), end))
        else:
            rewritten += 1
    return tuple(found), rewritten


def _end(after: str, full: str, tokenizer: ChatTokenizer) -> int:
    """Return where the answer at the end of `after` ends in `full`, or 0 where `full` has another one.

    It ends with the last text of an end token; Phi-3 closes the whole with a second one.
    """
    ends = [at + len(text) for text in tokenizer.end_texts if (at := after.rfind(text)) >= 0]
    end = max(ends, default=0)
    while end and not full.startswith(after[:end]):
        kept = next(
            (after[: end - len(text)] for text in tokenizer.end_texts if after.endswith(text, 0, end)), ""
        )
        kept = kept.rstrip()
        end = len(kept) if kept.endswith(tokenizer.end_texts) else 0
    return end


def _quoted(text: str) -> str:
    """Return the beginning of a text in quotes, with all that is not printable escaped."""
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")


def _shared(first: str, second: str) -> int:
    """Return how many characters two texts share at their beginning."""
    if second.startswith(first):
        return len(first)
    low, high = 0, min(len(first), len(second))
    while low < high:  # the first `low` are shared, the first `high + 1` are not
        middle = (low + high + 1) // 2
        if first[:middle] == second[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
