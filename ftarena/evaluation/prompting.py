"""The contestant that fine-tuning has to beat: the base with a good prompt made of the same data.

Its prompt is the data's own system prompt, where most rows have one, and a few training examples. Whoever
prompts better adds that with `ftarena contestants add`; it then stands in this one's place.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

from ftarena.curation.examples import Example
from ftarena.errors import FtarenaError
from ftarena.recipes.load import load_recipe
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.training.data import load_data
from ftarena.training.runs import RESOLVED_RECIPE, Run

SHOTS = 4
"""Examples that are shown."""

MOST_CHARACTERS = 3000
"""Of all examples together: about 800 tokens, so that question and answer fit into 2,048 beside them."""


def prompted_base(run: Run, sampling: Sampling) -> Contestant:
    """Return a run's base, prompted with what the run was taught.

    The examples are the shortest of those with an answer of typical length (between the quartiles), each with
    another question and another answer. The same data give the same contestant.

    Args:
        run: One whose data are still there.
        sampling: How its tokens are drawn in chats and battles.

    Raises:
        FtarenaError: The run's data are gone, or have neither a system prompt nor an example to show.
    """
    path = run.directory / RESOLVED_RECIPE
    if not path.is_file():
        raise FtarenaError(f"the run {run.id} has no {RESOLVED_RECIPE}", "it cannot be said what it learned")
    data = load_data(load_recipe(path))
    # What is replayed was answered by the base or is meant to be known: it is at the end, and not the lesson.
    learned = data.train[: len(data.train) - data.lock.get("replay", {}).get("rows", 0)]
    system, shots = _system_prompt(learned), _shots(learned)
    if not system and not shots:
        raise FtarenaError(
            f"the data of {run.id} have neither a system prompt nor a short question and answer to show",
            "add a prompted base yourself: ftarena contestants add prompt --model MODEL --system …",
        )
    return Contestant(
        model=run.base_model, system_prompt=system or None, few_shot=tuple(shots), sampling=sampling
    )


def _system_prompt(examples: Sequence[Example]) -> str:
    """Return the system prompt that at least half of the rows begin with, or an empty text."""
    said = Counter(row.prompt[0].content for row in examples if row.prompt and row.prompt[0].role == "system")
    text, count = next(iter(said.most_common(1)), ("", 0))
    return text if 2 * count >= len(examples) else ""


def _shots(examples: Sequence[Example]) -> list[Message]:
    pairs = [pair for pair in map(_pair, examples) if pair is not None]
    lengths = sorted(len(answer) for _, answer in pairs)
    low, high = (lengths[len(lengths) // 4], lengths[3 * len(lengths) // 4]) if lengths else (0, 0)
    typical = [pair for pair in pairs if low <= len(pair[1]) <= high]
    typical.sort(key=lambda pair: (len(pair[0]) + len(pair[1]), _digest(pair)))
    shown: list[Message] = []
    left = MOST_CHARACTERS
    seen: set[str] = set()
    for question, answer in typical:
        if len(shown) == 2 * SHOTS or len(question) + len(answer) > left:
            break
        if question in seen or answer in seen:
            continue
        seen |= {question, answer}
        left -= len(question) + len(answer)
        shown += [Message(role="user", content=question), Message(role="assistant", content=answer)]
    return shown


def _pair(row: Example) -> tuple[str, str] | None:
    """Return question and answer of a row that is one turn of each, with a good answer and no tools."""
    asked = [turn for turn in row.prompt if turn.role != "system"]
    if row.tools or row.label is False or len(asked) != 1 or asked[0].role != "user":
        return None
    answer = "".join(turn.content for turn in row.completion)
    if not asked[0].content.strip() or not answer.strip() or any(turn.tool_calls for turn in row.completion):
        return None
    return asked[0].content, answer


def _digest(pair: tuple[str, str]) -> str:
    return hashlib.sha256(repr(pair).encode()).hexdigest()
