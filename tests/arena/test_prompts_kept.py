"""Questions for battles: added once, in categories, nearly the same left out, known to runs marked."""

import json
from pathlib import Path

import pytest

from ftarena.arena import add_contestant
from ftarena.arena.questions.alike import twins_of
from ftarena.arena.questions.categories import categories_of
from ftarena.arena.questions.prompts import (
    PromptsReport,
    add_asked,
    add_chatted,
    add_prompts_from_examples,
    asked_in,
    categorise,
    general_prompts,
)
from ftarena.arena.questions.trained import TrainedOn, find_trained, note_trained
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant
from ftarena.store import Selection, Store

CYCLE = "Please tell me how the water cycle works in a small mountain valley"
LOGS = "Show me the last hundred lines that the container named api wrote to its log today"


def lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_categories_add_up(store: Store, tmp_path: Path) -> None:
    """A file added twice with other categories is there once, in both."""
    file = lines(
        tmp_path / "q.jsonl", [{"prompt": "why?", "topic": "short"}, {"prompt": "how?", "topic": ["a", "b"]}]
    )
    assert add_prompts_from_examples(store, file, "file", category_key="topic") == PromptsReport(2, 0)
    assert add_prompts_from_examples(store, file, "file", category="mine") == PromptsReport(0, 2)
    why, how = store.prompt_ids()
    assert categories_of(store) == {why: {"short", "mine"}, how: {"a", "b", "mine"}}
    more = asked_in(lines(tmp_path / "m.jsonl", [{"prompt": "how?"}, {"prompt": "who?"}]), "late")
    assert categorise(store, more) == (1, 1)
    assert "late" in categories_of(store)[how]
    with pytest.raises(FtarenaError, match=r"no line of .* has a text under 'theme'"):
        asked_in(file, category_key="theme")


def test_nearly_the_same_is_left_out(store: Store) -> None:
    """The same question with other punctuation, or with one word added, is not asked twice unless wanted."""
    first = [one for one in general_prompts() if one.reference][:3]
    assert add_asked(store, first, "general", near=False) == PromptsReport(3, 0)
    again = [type(one)((("user", one.turns[0][1].upper() + " !"),), None) for one in first]
    assert add_asked(store, again, "file", near=False) == PromptsReport(0, 0, 3)
    assert add_asked(store, again, "file") == PromptsReport(3, 0)


def test_what_near_means() -> None:
    """80 % of the sequences of five words, under the same system prompt."""
    longer = f"{CYCLE} where it often rains in spring and hardly ever snows"
    found = twins_of(
        [
            [("user", longer)],
            [("user", longer + " please")],
            [("system", "Be brief."), ("user", longer)],
            [("user", "Why?")],
            [("user", "why")],
            [("user", "What is the capital of Italy?")],
            [("user", "What is the capital of Spain?")],
        ]
    )
    assert found == {1: 0, 4: 3}


def test_what_was_chatted_can_be_drawn(store: Store) -> None:
    """Questions of chats stay out of battles until I let them in; nothing of them is changed."""
    store.add_prompts([([("user", "hello there")], None)], "chat")
    store.add_prompts([([("user", "gone apart")], None)], "chat-apart")
    assert store.prompt_ids() == []
    assert add_chatted(store) == PromptsReport(1, 0)
    assert add_chatted(store) == PromptsReport(0, 1)
    assert [row.source for row in store.prompts()] == ["chat"]
    with pytest.raises(FtarenaError, match="means something else"):
        add_asked(store, general_prompts()[:1], "chat")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that was trained on two rows, and the run that it began from on one more."""
    data = lines(
        tmp_path / "train.jsonl",
        [
            {"prompt": "WHY is the sky blue", "completion": "Air."},
            {"prompt": f"Well then. {LOGS} and nothing else", "completion": "docker logs"},
        ],
    )
    older = lines(tmp_path / "older.jsonl", [{"prompt": "Who are you?", "completion": "Me."}])
    recipe = "method: sft\nmodel_name_or_path: demo:smollm2\n"
    for name, file, more in (
        ("first", older, ""),
        ("second", data, f"init_from: {tmp_path / 'first'}\n"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "recipe.resolved.yaml").write_text(f"{recipe}dataset: ['{file}']\n{more}")
    return tmp_path / "second"


QUESTIONS = ["Why is the sky blue?", LOGS, "who are you", "What else is there?"]


def test_what_a_run_was_trained_on(store: Store, run: Path) -> None:
    """The same question, most of its words in a row, and what the run before it was trained on."""
    store.add_prompts([([("user", text)], None) for text in QUESTIONS], "file")
    prompts = store.prompts()
    assert [find_trained(run, prompts).get(row.id) for row in prompts] == ["same", "near", "same", None]


def test_trained_prompts_are_noted_once(store: Store, run: Path) -> None:
    """They are looked for again only where prompts are new, and their votes can be left out."""
    store.register_run("second", name="s", method="sft", base_model="demo:smollm2", directory=str(run))
    row = add_contestant(store, "s", Contestant(model="demo:smollm2", adapter="second"))
    base = add_contestant(store, "base", Contestant(model="demo:smollm2"))
    ids = store.add_prompts([([("user", text)], None) for text in QUESTIONS], "file")
    assert note_trained(store) == [TrainedOn("second", 2, 1)]
    train = run.parent / "train.jsonl"
    held = train.read_text()
    train.unlink()
    assert note_trained(store) == [TrainedOn("second", 2, 1)]  # known already
    store.add_prompts([([("user", "One more?")], None)], "file")
    [found] = note_trained(store)
    assert "train.jsonl" in found.problem
    train.write_text(held)
    assert note_trained(store) == [TrainedOn("second", 2, 1)]
    for prompt_id in ids:
        answers = [(one.id, store.add_answer(one.id, prompt_id, one.name)) for one in (row, base)]
        battle = store.ballots.add_battle("ana", prompt_id=prompt_id, left=answers[0], right=answers[1])
        store.ballots.add_event(battle, "ana", "vote", outcome="left", elapsed_ms=1)
    assert len(store.standing_votes()) == 4
    assert [vote.prompt for vote in store.standing_votes(Selection(trained=False))] == ids[3:]


def test_changed_data_are_not_taken_for_what_they_were(store: Store, run: Path) -> None:
    """A file that was edited since says nothing about the run; that is told, not guessed."""
    lock = {"train": [{"path": str(run.parent / "train.jsonl"), "sha256": "0" * 64, "rows": 2, "used": 2}]}
    (run / "data.lock.json").write_text(json.dumps(lock))
    store.add_prompts([([("user", QUESTIONS[0])], None)], "file")
    with pytest.raises(FtarenaError, match="has changed since second was trained on it"):
        find_trained(run, store.prompts())
