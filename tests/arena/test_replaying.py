"""Replay that the base model answers itself."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ftarena.arena.replay import own_replay
from ftarena.arena.replay.own_replay import with_own_replay
from ftarena.arena.replay.replaying import PROMPTS, Drawn, Order, draw, load_prompts, prompts_file
from ftarena.curation.builtin import general_questions
from ftarena.curation.reading import load_examples
from ftarena.curation.sets.manifest import read_manifest, sha256_of
from ftarena.errors import FtarenaError, UsageError
from ftarena.recipes.load import load_recipe
from ftarena.recipes.schema import Recipe
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.protocol import Completion, EngineGone
from ftarena.training.data import load_data
from ftarena.training.jobs import lay_down
from ftarena.workspace import Workspace


class Base:
    """Stands in for an engine: answers with the question and the seed, and cuts off what it is told to."""

    def __init__(self, *, cut: Sequence[str] = (), gone_after: int | None = None) -> None:
        self.cut = cut
        self.gone_after = gone_after
        self.asked: list[int] = []

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        assert model == "base" and sampling.seed is not None
        if self.gone_after is not None and len(self.asked) >= self.gone_after:
            raise EngineGone("the engine went away")
        self.asked.append(sampling.seed)
        question = messages[-1].content
        reason = "length" if question in self.cut else "stop"
        return Completion(f" {question} / {sampling.seed}", reason, 5, 5, 0.1, 0.1)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"q{n}"}) + "\n" for n in range(10)))
    return file


def drawn(base: Base, prompts: Path, out: Path, count: int = 10) -> Drawn:
    return asyncio.run(draw(base, Order("m", prompts, count), out))


def test_each_prompt_is_answered_before_one_is_asked_again(prompts: Path, tmp_path: Path) -> None:
    """Ten prompts, twenty-five rows: each prompt twice, five a third time, drawn anew each time."""
    out = tmp_path / "replay.jsonl"
    assert drawn(Base(), prompts, out, 25) == Drawn(out, 25, 0, 0)
    rows = [example.prompt[0].content for example in load_examples(out, "sft")]
    assert sorted(rows[:10]) == sorted(rows[10:20]) == sorted(f"q{n}" for n in range(10))
    texts = out.read_text().splitlines()
    assert len(set(texts)) == 25


def test_the_same_order_gives_the_same_rows(prompts: Path, tmp_path: Path) -> None:
    """What is drawn depends on the order alone, not on which answer came first."""
    drawn(Base(), prompts, tmp_path / "a.jsonl")
    drawn(Base(), prompts, tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_cut_answers_are_left_out_counted_and_replaced(prompts: Path, tmp_path: Path) -> None:
    """An answer that ran into the limit would teach not to stop; another one is drawn in its place."""
    base = Base(cut=["q1", "q2"])
    result = drawn(base, prompts, tmp_path / "r.jsonl")
    assert result.rows == 10 and result.cut >= 2 and len(base.asked) == 10 + result.cut
    asked = [example.prompt[0].content for example in load_examples(tmp_path / "r.jsonl")]
    assert not {"q1", "q2"} & set(asked)


def test_a_model_that_never_stops_is_not_asked_for_ever(prompts: Path, tmp_path: Path) -> None:
    """If every answer is cut I am told so, after twice the number that I wanted."""
    base = Base(cut=[f"q{n}" for n in range(10)])
    with pytest.raises(FtarenaError, match="none of 20 answers of m could be kept: 20 ran into the limit"):
        drawn(base, prompts, tmp_path / "r.jsonl")
    assert not (tmp_path / "r.jsonl").exists()


def test_what_was_interrupted_goes_on(prompts: Path, tmp_path: Path) -> None:
    """The engine was stopped half-way: the command again asks only what is missing."""
    out, whole = tmp_path / "r.jsonl", tmp_path / "whole.jsonl"
    with pytest.raises(EngineGone):
        drawn(Base(gone_after=4), prompts, out)
    assert not out.exists()
    draft = tmp_path / ".r.jsonl.part"
    with draft.open("a") as file:
        file.write('{"number": 9, "mess')  # killed while writing a line
    again = Base()
    drawn(again, prompts, out)
    assert len(again.asked) == 6
    drawn(Base(), prompts, whole)
    assert out.read_bytes() == whole.read_bytes()
    assert not draft.exists()


def test_another_order_does_not_go_on_with_a_draft(prompts: Path, tmp_path: Path) -> None:
    """I changed the number of rows meanwhile: nothing of the other order is mixed in."""
    with pytest.raises(EngineGone):
        drawn(Base(gone_after=4), prompts, tmp_path / "r.jsonl")
    again = Base()
    drawn(again, prompts, tmp_path / "r.jsonl", 11)
    assert len(again.asked) == 11


def test_where_rows_come_from_is_beside_them(prompts: Path, tmp_path: Path) -> None:
    """Next year I can still see which model said this, to which prompts, and how it was sampled."""
    drawn(Base(cut=["q1"]), prompts, tmp_path / "r.jsonl")
    manifest = read_manifest(tmp_path / "r.jsonl")
    assert manifest["answered_by"] == "m" and manifest["sampling"]["temperature"] == 1.0
    assert manifest["output"] == {"path": "r.jsonl", "sha256": sha256_of(tmp_path / "r.jsonl"), "rows": 10}
    assert manifest["prompts"]["sha256"] == sha256_of(prompts)
    assert manifest["left_out"]["cut"] >= 1


def test_any_file_of_examples_holds_prompts(tmp_path: Path) -> None:
    """I take the questions of a training file; its answers are not looked at, each question counts once."""
    file = tmp_path / "train.jsonl"
    rows: list[object] = []
    for answer in "abc":
        said = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": answer}]
        rows += [{"messages": said}, {"prompt": "How?", "chosen": answer, "rejected": "z"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert load_prompts(file) == [
        (Message(role="user", content="Why?"),),
        (Message(role="user", content="How?"),),
    ]
    (tmp_path / "text.jsonl").write_text('{"text": "just text"}\n')
    with pytest.raises(FtarenaError, match="holds no prompt"):
        load_prompts(tmp_path / "text.jsonl")


def test_the_prompts_that_come_along_are_not_those_that_measure() -> None:
    """What is replayed is never what forgetting is measured on."""
    ours = {prompt[-1].content for prompt in load_prompts(prompts_file(PROMPTS))}
    assert len(ours) == 100
    assert not ours & {question.prompt for question in general_questions()}


def recipe(tmp_path: Path, replay: str, **keys: str) -> Recipe:
    train = tmp_path / "train.jsonl"
    train.write_text("".join(json.dumps({"prompt": f"t{n}", "completion": "x"}) + "\n" for n in range(95)))
    (tmp_path / "model").mkdir(exist_ok=True)
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"0")
    given = {"method": "sft", "model_name_or_path": str(tmp_path / "model"), "dataset": str(train)}
    return load_recipe(None, {**given, "replay_dataset": replay, "general_dataset": "[]", **keys})


def test_self_in_a_recipe_becomes_a_file(
    tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`replay_dataset: self:PROMPTS` is drawn once, and the run names the rows that it really saw."""
    base = Base()

    def ask(_: Recipe, order: Order, out: Path, *__: object) -> None:
        asyncio.run(draw(base, order, out))

    monkeypatch.setattr(own_replay, "_ask_engine", ask)
    workspace = Workspace(tmp_path / ".ftarena").ensure()
    given = recipe(tmp_path, f"self:{prompts}")
    assert load_data(given).lock.get("replay") is None
    with pytest.raises(FtarenaError, match="has not been drawn"):
        lay_down(given, workspace)
    first = with_own_replay(given, workspace, lambda: None, lambda _: None)
    (named,) = first.replay_dataset
    data = load_data(first)
    assert data.lock["replay"]["rows"] == 5 and len(data.train) == 100
    assert data.lock["train"][-1]["path"] == named
    assert lay_down(first, workspace).is_dir()
    assert with_own_replay(given, workspace, lambda: None, lambda _: None) == first
    assert len(base.asked) == 5


def test_self_may_say_how_many(tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`self:PROMPTS#7` draws seven rows, whatever the ratio would ask for."""
    orders: list[Order] = []
    monkeypatch.setattr(own_replay, "_ask_engine", lambda _, order, *__: orders.append(order))
    workspace = Workspace(tmp_path / ".ftarena").ensure()
    with_own_replay(recipe(tmp_path, f"self:{prompts}#7"), workspace, lambda: None, lambda _: None)
    with_own_replay(recipe(tmp_path, "self", replay_ratio="0.5"), workspace, lambda: None, lambda _: None)
    assert [(order.count, order.prompts.name) for order in orders] == [
        (7, "prompts.jsonl"),
        (95, "replay.jsonl"),
    ]


def test_prompts_that_are_nowhere_are_said_before_anything_starts(tmp_path: Path) -> None:
    """A typing error in the name of the prompts is an error of the recipe."""
    with pytest.raises(UsageError, match=r"there is no file nowhere\.jsonl"):
        recipe(tmp_path, "self:nowhere.jsonl")


def test_a_method_that_learns_no_answers_cannot_replay_them(tmp_path: Path) -> None:
    """DPO trains on pairs; I am told instead of getting a broken mix."""
    given = recipe(tmp_path, "self").model_copy(update={"method": "dpo"})
    with pytest.raises(UsageError, match="dpo does not train on answers"):
        with_own_replay(given, Workspace(tmp_path / ".ftarena"), lambda: None, lambda _: None)
