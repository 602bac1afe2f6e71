"""Answers made ahead: pairs early, nothing lost, nothing twice."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ftarena.arena import Arena, add_contestant
from ftarena.arena.questions.prompts import PromptsReport, add_prompts_from_examples
from ftarena.arena.questions.queue import AnswerQueue
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.serving.protocol import Completion, EngineGone, RequestRefused
from ftarena.store import ContestantRow, PromptRow, Store

from .conftest import contestant


class Engine:
    """Answers with what it was asked; can refuse, die and wait for a crowd on command."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.refuses: set[str] = set()
        self.dies_after: int | None = None
        self.crowd = 1
        self._crowded = asyncio.Event()

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return a whole answer."""
        question = messages[-1].content
        self.asked.append((question, str(sampling.seed)))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once >= self.crowd:
            self._crowded.set()
        await self._crowded.wait()
        self.at_once -= 1
        if question in self.refuses:
            raise RequestRefused("too long for the context", "shorten it", 400)
        if self.dies_after is not None and len(self.asked) > self.dies_after:
            raise EngineGone("the engine went away while answering", "ftarena engine logs")
        return Completion(f"{sampling.seed} on {question}", "stop", 5, 9, 0.1, 0.5)

    async def client_for(self, _: Contestant) -> "Engine":
        return self


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def asked(store: Store) -> Store:
    """Two contestants, five prompts, no answers."""
    for number, name in enumerate(("base", "sft")):
        add_contestant(store, name, contestant(number))
    store.add_prompts([([("user", f"question {number}")], None) for number in range(5)], "heldout")
    return store


async def test_all_answers_are_made_and_kept(asked: Store, engine: Engine) -> None:
    """Every contestant answers every prompt once; lengths and times are kept; then there is nothing to do."""
    queue = AnswerQueue(asked)
    seen: list[tuple[PromptRow, ContestantRow]] = []
    assert await queue.fill(engine.client_for, on_answer=lambda *made: seen.append(made)) == 10
    assert len(seen) == 10
    assert queue.missing() == []
    assert await queue.fill(engine.client_for) == 0
    assert len(engine.asked) == 10
    answer = asked.answer(next(iter(asked.first_answers().values()))[0])
    assert answer is not None
    assert (answer.n_tokens, answer.finish_reason, answer.ttft_s, answer.elapsed_s) == (5, "stop", 0.1, 0.5)
    assert Arena(asked, labeler="ana").progress().ready == 5


async def test_pairs_are_complete_early(asked: Store, engine: Engine) -> None:
    """After two answers there is a battle, after four there are two."""
    queue = AnswerQueue(asked)
    for battles in (1, 2, 3):
        assert await queue.fill(engine.client_for, limit=2) == 2
        assert queue.ready() == battles
        assert Arena(asked, labeler="ana").progress().ready == battles


async def test_a_newcomer_first_completes_what_is_there(asked: Store, engine: Engine) -> None:
    """What lacks least is made first: one answer, one more battle."""
    await AnswerQueue(asked).fill(engine.client_for, limit=4)
    add_contestant(asked, "dpo", contestant(2))
    missing = AnswerQueue(asked).missing()
    assert [row.name for _, row in missing[:2]] == ["dpo", "dpo"]
    assert len(missing) == 2 + 9


def test_the_order_is_shuffled_but_repeatable(asked: Store) -> None:
    """The same seed gives the same order, another one another; neither is that of the file."""
    orders = [
        [prompt.turns[0].content for prompt, _ in AnswerQueue(asked, seed=seed).missing()]
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    first = {AnswerQueue(asked, seed=seed).missing()[0][1].name for seed in range(20)}
    assert first == {"base", "sft"}  # who answers first tells nothing


async def test_only_so_many_are_asked_at_once(asked: Store, engine: Engine) -> None:
    """A small machine is not asked everything at once."""
    engine.crowd = 3  # nobody is answered before three have asked
    await AnswerQueue(asked).fill(engine.client_for, concurrency=3)
    assert engine.most_at_once == 3


async def test_an_engine_that_dies_loses_nothing_that_was_made(asked: Store, engine: Engine) -> None:
    """When the engine goes away I am told so; what was answered is kept, and the rest is made later."""
    engine.dies_after = 4
    queue = AnswerQueue(asked)
    with pytest.raises(EngineGone):
        await queue.fill(engine.client_for, concurrency=1)
    assert len(queue.missing()) == 6
    engine.dies_after = None
    assert await queue.fill(engine.client_for) == 6


async def test_a_refused_prompt_does_not_stop_the_others(asked: Store, engine: Engine) -> None:
    """A question too long for the model is left out and remembered; the others are answered."""
    engine.refuses = {"question 3"}
    queue = AnswerQueue(asked)
    assert await queue.fill(engine.client_for) == 8
    assert {entry.prompt.turns[0].content for entry in queue.refused} == {"question 3"}
    assert queue.missing() == []
    assert await queue.fill(engine.client_for) == 0


async def test_when_everything_is_refused_it_is_said(asked: Store, engine: Engine) -> None:
    """If nobody can answer anything, I learn why instead of waiting."""
    engine.refuses = {f"question {number}" for number in range(5)}
    with pytest.raises(RequestRefused, match="too long"):
        await AnswerQueue(asked).fill(engine.client_for)


async def test_a_contestant_without_its_adapter_is_left_out(asked: Store, engine: Engine) -> None:
    """An adapter that was deleted does not keep the others from answering; alone, it is an error."""
    add_contestant(asked, "gone", Contestant(model="demo:smollm2", adapter="sft-0"))

    async def client_for(which: Contestant) -> Engine:
        if which.adapter:
            raise FtarenaError("the adapter sft-0 is not there", "train it again")
        return engine

    queue = AnswerQueue(asked)
    assert await queue.fill(client_for) == 10
    with pytest.raises(FtarenaError, match="sft-0"):
        await queue.fill(client_for)


async def test_stopping_stops_at_once(asked: Store, engine: Engine) -> None:
    """Leaving while answers are being made leaves no task behind, and nothing half written."""
    started = asyncio.Event()

    async def never(*_: object) -> Completion:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    engine.complete = never  # type: ignore[method-assign, assignment]  # an engine that never answers
    task = asyncio.create_task(AnswerQueue(asked).fill(engine.client_for))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert asked.first_answers() == {}


async def test_two_front_ends_do_not_make_the_same_twice(asked: Store, engine: Engine) -> None:
    """What another window has answered meanwhile is not asked again."""
    queues = [AnswerQueue(asked), AnswerQueue(asked)]

    def other_window(prompt: PromptRow, row: ContestantRow) -> None:
        for one, who in queues[1].missing():
            asked.add_answer(who.id, one.id, "made in the other window")

    assert await queues[0].fill(engine.client_for, concurrency=1, on_answer=other_window) == 1
    assert len(engine.asked) == 1


async def test_the_system_prompt_is_sent(store: Store, engine: Engine) -> None:
    """A contestant with a system prompt is asked with it; the stored prompt stays without."""
    sent: list[Sequence[Message]] = []
    complete = engine.complete

    async def spy(model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        sent.append(messages)
        assert model == "base"
        return await complete(model, messages, sampling)

    engine.complete = spy  # type: ignore[method-assign]  # the same, listened to
    add_contestant(store, "polite", Contestant(model="demo:smollm2", system_prompt="Be polite."))
    store.add_prompts([([("user", "hi")], None)], "heldout")
    await AnswerQueue(store).fill(engine.client_for)
    assert [message.role for message in sent[0]] == ["system", "user"]
    assert [turn.role for turn in store.prompts()[0].turns] == ["user"]


def test_prompts_from_a_file(store: Store, tmp_path: Path) -> None:
    """Questions come as text or as turns, with or without a reference; the same ones twice are there once."""
    file = tmp_path / "heldout.jsonl"
    file.write_text(
        '\ufeff{"prompt": "why?", "reference": "because"}\n\n'
        '{"prompt": [{"role": "system", "content": "Hm."}, {"role": "user", "content": "how?"}], "id": 7}\n'
        '{"prompt": "why?"}\n'
    )
    assert add_prompts_from_examples(store, file) == PromptsReport(2, 1)
    assert add_prompts_from_examples(store, file) == PromptsReport(0, 3)
    first, second = store.prompts()
    assert (first.reference, first.source) == ("because", "heldout")
    assert [turn.role for turn in second.turns] == ["system", "user"]


def test_the_prompts_of_any_file_can_be_asked(store: Store, tmp_path: Path) -> None:
    """Answers of other kinds beside a prompt, and a reference that is null, do no harm."""
    file = tmp_path / "pairs.jsonl"
    file.write_text(
        '{"prompt": "one?", "chosen": "a", "rejected": "b"}\n'
        '{"prompt": "two?", "chosen": "a", "reference": "r"}\n'
        '{"prompt": "three?", "completion": "a", "reference": null}\n'
    )
    assert add_prompts_from_examples(store, file) == PromptsReport(3, 0)
    assert [prompt.reference for prompt in store.prompts()] == [None, "r", None]
    file.write_text("")
    assert add_prompts_from_examples(store, file) == PromptsReport(0, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "broken JSON"),
        ("[]", "expected an object, found a list"),
        ('{"question": "why?"}', "prompt is missing (found: question)"),
        ('{"prompt": 3}', "prompt must be text or a list of messages, found a number"),
        ('{"prompt": []}', "prompt is an empty list"),
        ('{"prompt": [{"role": "human", "content": "why?"}]}', "prompt[0].role is 'human'"),
        ('{"prompt": [{"role": "user", "content": null}]}', "prompt[0].content must be text, found null"),
        ('{"prompt": [{"role": "assistant", "content": "so"}]}', "prompt ends with a turn of the assistant"),
        ('{"prompt": "  "}', "prompt is empty"),
        (
            '{"prompt": "why?", "reference": 3}',
            "reference must be text or a list of messages, found a number",
        ),
    ],
)
def test_a_bad_line_of_prompts_is_named(store: Store, tmp_path: Path, line: str, words: str) -> None:
    """A mistake is shown with file and line, and none of the file is added."""
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "fine"}\n' + line + "\n")
    with pytest.raises(FtarenaError) as caught:
        add_prompts_from_examples(store, file)
    assert caught.value.message.startswith(f"{file}:2:")
    assert words in caught.value.message
    assert store.prompts() == []
    with pytest.raises(FtarenaError, match="there is no file"):
        add_prompts_from_examples(store, tmp_path / "none.jsonl")
