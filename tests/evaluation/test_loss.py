"""Held-out loss: over the answer's tokens and the end of its turn, nothing else."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation.examples import Example, load_examples
from ftarena.evaluation.loss import heldout_loss
from ftarena.serving.contestants import Message
from ftarena.serving.protocol import ContextExceeded, EngineGone, TokenLogprob

OPEN, CLOSE, NEWLINE = 1, 2, 10


class Templated:
    """A client with the template `<open>role\\ntext<close>\\n` over bytes, and a made-up model.

    The log-probability of a token is minus its position, so that a sum tells which positions were counted.
    """

    def __init__(self, context: int = 1000, tail: Sequence[int] = (CLOSE, NEWLINE)) -> None:
        self.context = context
        self.tail = list(tail)
        self.asked: list[list[int]] = []
        self.fail: Exception | None = None

    async def render(self, messages: Sequence[Message], add_generation_prompt: bool = True) -> list[int]:
        ids: list[int] = []
        for message in messages:
            ids += [OPEN, *message.role.encode(), NEWLINE, *message.content.encode(), *self.tail]
        return [*ids, OPEN, *b"assistant", NEWLINE] if add_generation_prompt else ids

    async def detokenize(self, ids: Sequence[int]) -> str:
        return "".join({OPEN: "<open>", CLOSE: "<close>"}.get(token, chr(token)) for token in ids)

    async def prompt_logprobs(self, model: str, text_or_ids: str | Sequence[int]) -> list[TokenLogprob]:
        if self.fail is not None:
            raise self.fail
        assert not isinstance(text_or_ids, str)
        self.asked.append(list(text_or_ids))
        if len(text_or_ids) > self.context:
            raise ContextExceeded("too long")
        return [TokenLogprob(t, -float(i) if i else None) for i, t in enumerate(text_or_ids)]


def example(question: str, answer: str) -> Example:
    return Example(prompt=question, reference=answer)


async def test_only_the_answer_and_its_end_are_counted() -> None:
    """The question costs nothing, the end of the turn counts, the line break behind it does not."""
    client = Templated()
    report = await heldout_loss(client, "base", [example("Why?", "So.")])
    (asked,) = client.asked
    assert asked[-4:] == [*b"So.", CLOSE]
    start = len(asked) - 4
    assert report.n_tokens == 4
    assert report.mean_loss == sum(range(start, start + 4)) / 4
    assert report.per_example == (report.mean_loss,)
    assert math.isclose(math.log(report.perplexity), report.mean_loss)


@pytest.mark.parametrize("tail", [(CLOSE,), (CLOSE, NEWLINE, NEWLINE), (NEWLINE, CLOSE), ()])
async def test_other_templates(tail: tuple[int, ...]) -> None:
    """A template may write nothing after the turn, much, or a line break before its end, or have no end."""
    client = Templated(tail=tail)
    report = await heldout_loss(client, "base", [example("Why?", "So.")])
    expected = {(CLOSE,): 4, (CLOSE, NEWLINE, NEWLINE): 4, (NEWLINE, CLOSE): 5, (): 3}
    assert report.n_tokens == expected[tail]


async def test_all_tokens_weigh_the_same() -> None:
    """A long answer weighs by its tokens, as in training."""
    client = Templated()
    report = await heldout_loss(client, "base", [example("a", "x"), example("b", "y" * 50)])
    per_token = [loss for loss in report.per_example if loss is not None]
    weighed = (
        sum(loss * count for loss, count in zip(per_token, report.tokens, strict=True)) / report.n_tokens
    )
    assert math.isclose(report.mean_loss, weighed)
    assert report.tokens == (2, 51)


async def test_too_long_examples_are_counted_not_hidden() -> None:
    """An example that the engine cannot read is left out, and the report says how many were."""
    seen: list[tuple[int, int]] = []
    report = await heldout_loss(
        Templated(context=60),
        "base",
        [example("a", "x"), example("b" * 100, "y")],
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert (report.n_examples, report.too_long) == (1, 1)
    assert report.per_example[1] is None
    assert report.tokens[1] == 0
    assert seen == [(1, 2), (2, 2)]


async def test_nothing_fits() -> None:
    """If no example fits I am told, instead of getting a number from nothing."""
    with pytest.raises(FtarenaError, match="no example fits"):
        await heldout_loss(Templated(context=5), "base", [example("a", "x")])
    with pytest.raises(FtarenaError, match="nothing to measure"):
        await heldout_loss(Templated(), "base", [])


async def test_the_engine_goes_away() -> None:
    """If the engine dies half-way, the measurement ends with its error at once."""
    client = Templated()
    client.fail = EngineGone("gone")
    with pytest.raises(EngineGone):
        await heldout_loss(client, "base", [example("a", "x")] * 20)


def test_examples_are_read(tmp_path: Path) -> None:
    """Prompts may be conversations or plain text; empty lines and other keys do no harm."""
    file = tmp_path / "e.jsonl"
    file.write_text(
        '\ufeff{"prompt": "Why?", "reference": "So.", "topic": "x"}\n\n'
        '{"prompt": [{"role": "user", "content": "W"}], "reference": "S"}\n',
        encoding="utf-8",
    )
    first, second = load_examples(file)
    assert (first.prompt[0].content, second.reference) == ("Why?", "S")
    file.write_text(file.read_text(encoding="utf-8") + "{\n", encoding="utf-8")
    assert load_examples(file, limit=2) == [first, second]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "broken JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "expected an object"),
        (b'{"prompt": "x"}', "reference is missing (found: prompt)"),
        (b'{"prompt": "x", "reference": null}', "reference is missing (found: prompt)"),
        (b'{"prompt": "x", "completion": "y"}', "reference is missing (found: prompt, completion)"),
        (b'{"prompt": "x", "reference": ""}', "reference is empty"),
        (b'{"prompt": [], "reference": "x"}', "prompt is an empty list"),
        (b'{"prompt": [{"role": "assistant", "content": "x"}], "reference": "x"}', "expected the user's"),
        (b'{"prompt": [{"role": "robot", "content": "x"}], "reference": "x"}', "prompt[0].role"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    """A mistake in the file is file, line and field, not a traceback."""
    file = tmp_path / "e.jsonl"
    file.write_bytes(b'{"prompt": "x", "reference": "y"}\n' + line + b"\n")
    with pytest.raises(FtarenaError) as caught:
        load_examples(file)
    assert caught.value.message.startswith(f"{file}:2:")
    assert message in caught.value.message


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    """A missing or an empty file is one clear line."""
    with pytest.raises(FtarenaError, match="there is no file"):
        load_examples(tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(FtarenaError, match="holds no examples"):
        load_examples(tmp_path / "empty")
