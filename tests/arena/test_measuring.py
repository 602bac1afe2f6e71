"""How likely contestants find each other's answers: asked once, behind the answers, of one engine only."""

from collections.abc import Sequence

import pytest

from ftarena.arena import add_contestant, write_settings
from ftarena.arena.questions.differing import differing
from ftarena.arena.questions.measuring import Measuring
from ftarena.arena.questions.queue import AnswerQueue
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.serving.protocol import Completion, ContextExceeded, TokenLogprob
from ftarena.store import Store


class Engine:
    """Finds an answer the less likely the further its last letter is from the reader's own."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.silent = False

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        self.done.append("answer")
        return Completion(f"{messages[-1].content} says {model[-1]}", "stop", 5, 9, 0.1, 0.5)

    async def render(self, messages: Sequence[Message], add_generation_prompt: bool = True) -> list[int]:
        text = "".join(f"<{message.content}>\n" for message in messages)
        return [ord(letter) for letter in text + ("<" if add_generation_prompt else "")]

    async def detokenize(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))

    async def prompt_logprobs(self, model: str, text_or_ids: str | Sequence[int]) -> list[TokenLogprob]:
        self.done.append("measure")
        if self.silent:
            raise FtarenaError("no log-probabilities here", "")
        text = "".join(map(chr, text_or_ids)) if not isinstance(text_or_ids, str) else text_or_ids
        if "long" in text:
            raise ContextExceeded("too long")
        apart = abs(ord(text[-2]) - ord(model[-1]))
        return [TokenLogprob(ord(letter), -float(apart)) for letter in text]

    async def client_for(self, _: Contestant) -> "Engine":
        return self


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def asked(store: Store) -> Store:
    """A base model and an adapter of it on one engine, a stranger on another server; two prompts."""
    add_contestant(store, "base", Contestant(model="demo:smollm2"))
    add_contestant(store, "sft", Contestant(model="demo:smollm2", adapter="run-h"))
    add_contestant(store, "far", Contestant(model="x", endpoint="http://localhost:1/v1"))
    store.add_prompts([([("user", text)], None) for text in ("why", "how")], "file")
    return store


async def test_measured_behind_the_answers(asked: Store, engine: Engine) -> None:
    """Answers come first, and only where the sampler asks for it; four numbers a prompt, none twice."""
    await AnswerQueue(asked).fill(engine.client_for)
    assert set(engine.done) == {"answer"}
    write_settings(asked, {"sampler": "informative"})
    queue = AnswerQueue(asked)
    assert queue.has_work()
    await queue.fill(engine.client_for)
    assert engine.done.count("measure") == 8
    assert not queue.has_work()
    ids = {row.name: row.id for row in asked.contestants()}
    pair = (min(ids["base"], ids["sft"]), max(ids["base"], ids["sft"]))
    # e and h are three letters apart: three nats a token each way.
    assert differing(asked, pair) == pytest.approx(dict.fromkeys(asked.prompt_ids(), 6.0))
    assert differing(asked, (min(ids["base"], ids["far"]), max(ids["base"], ids["far"]))) == {}


async def test_no_log_probabilities_stop_no_vote(asked: Store, engine: Engine) -> None:
    """A server that cannot tell them is asked once; answers are made all the same."""
    write_settings(asked, {"sampler": "informative"})
    engine.silent = True
    queue = AnswerQueue(asked)
    assert await queue.fill(engine.client_for) == 6
    assert str(queue.unmeasured) == "no log-probabilities here"
    assert engine.done.count("measure") == 1
    assert not queue.has_work()


async def test_what_is_too_long_is_passed_over(asked: Store, engine: Engine) -> None:
    """One answer that does not fit holds up no other."""
    asked.add_prompts([([("user", "long")], None)], "file")
    await AnswerQueue(asked).fill(engine.client_for)
    measuring = Measuring(asked)
    assert len(measuring.missing()) == 12
    assert await measuring.fill(engine.client_for, limit=3) <= 3
    while measuring.missing():
        await measuring.fill(engine.client_for)
    assert asked.rows("SELECT count(*) FROM answer_logprobs") == [(8,)]
