"""The demo's data: `data/demo/*.jsonl`, as a user gets them with a checkout.

It needs nothing of ftarena, so that a broken package never hides broken data.
"""

import difflib
import itertools
import json
import re
import shlex
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).parents[2] / "data" / "demo"
FILES = ("sft", "preferences", "heldout", "general")
TERMINAL = ("sft", "preferences", "heldout")
"""The files about the terminal; `general` is there to notice what is forgotten."""

Row = dict[str, Any]

ANSWER = re.compile(r"```\n(?P<command>[^\n`]+)\n```\n(?P<sentence>[A-Z][a-z]+s [^\n]+\.)")
NEXT_SENTENCE = re.compile(r"[.!?] +[A-Z]")
DESTRUCTIVE = re.compile(
    r"(?<!git )(?<!-)\brm |-delete\b|--delete\b|\bdd\b.* of=/dev/|\bmkfs|\bwipefs\b|\bshred\b|\btruncate\b"
    r"|\buserdel\b|git (reset --hard|clean -f|push --force|restore \w)|\bkill -9|\bSIGKILL\b|\bpkill\b"
    r"|\bfuser -k|\b(chmod|chown|chgrp) -R|\bDROP\b|\bDELETE\b|crontab -r\b|--vacuum|docker .*prune|\bpurge\b"
)
DRY_RUN = re.compile(r"rsync -\w*n")
WARNING = re.compile(
    r"for good|\bfirst\b|\bonly if\b|overwrit|cannot|is lost|are lost|asking|without changing anything", re.I
)


def read(name: str) -> list[Row]:
    lines = (DEMO / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


ROWS = {name: read(name) for name in FILES}


def question(row: Row) -> str:
    turns = row["messages"] if "messages" in row else row["prompt"]
    assert turns[0]["role"] == "user"
    text = turns[0]["content"]
    assert isinstance(text, str)
    return text


def answer(row: Row) -> str:
    if "messages" in row:
        text = row["messages"][1]["content"]
    elif "chosen" in row:
        text = row["chosen"][0]["content"]
    else:
        text = row["reference"]
    assert isinstance(text, str)
    return text


def rejected(row: Row) -> str:
    text = row["rejected"][0]["content"]
    assert isinstance(text, str)
    return text


def command(row: Row) -> str:
    match = ANSWER.fullmatch(answer(row))
    assert match, answer(row)
    return match["command"]


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


def terminal_answers() -> Iterator[tuple[str, str]]:
    """Command and sentence of every good answer about the terminal."""
    for row in itertools.chain.from_iterable(ROWS[name] for name in TERMINAL):
        yield command(row), answer(row).rpartition("\n")[2]


def texts() -> Iterator[str]:
    for name in FILES:
        for row in ROWS[name]:
            yield question(row)
            yield answer(row)
            if "rejected" in row:
                yield rejected(row)


@pytest.mark.parametrize(
    ("name", "at_least"), [("sft", 320), ("preferences", 160), ("heldout", 64), ("general", 64)]
)
def test_there_is_enough_of_each(name: str, at_least: int) -> None:
    """The demo has enough examples to train on, to compare with and to test with."""
    assert len(ROWS[name]) >= at_least


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_one_object_a_line_and_nothing_else(name: str) -> None:
    """I can read the files line by line with any tool."""
    raw = (DEMO / f"{name}.jsonl").read_bytes()
    assert raw.endswith(b"}\n")
    assert b"\n\n" not in raw
    assert b"\r" not in raw


def test_training_rows_are_one_question_and_one_answer() -> None:
    """Every training example is a conversation of two turns, without a system prompt."""
    for row in ROWS["sft"]:
        assert set(row) == {"messages"}
        assert [set(turn) for turn in row["messages"]] == [{"role", "content"}] * 2
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"]


def test_preference_rows_have_a_better_and_a_worse_answer() -> None:
    """Every pair is a question, a better and a worse answer, in TRL's conversational form."""
    for row in ROWS["preferences"]:
        assert set(row) == {"prompt", "chosen", "rejected"}
        assert [turn["role"] for turn in row["prompt"]] == ["user"]
        for side in ("chosen", "rejected"):
            assert [turn["role"] for turn in row[side]] == ["assistant"]


@pytest.mark.parametrize("name", ["heldout", "general"])
def test_evaluation_rows_have_a_prompt_and_a_reference(name: str) -> None:
    """Every question that is kept from training comes with a good answer."""
    for row in ROWS[name]:
        assert set(row) == {"prompt", "reference"}
        assert [turn["role"] for turn in row["prompt"]] == ["user"]


def test_every_good_answer_has_the_style_to_learn() -> None:
    """One command in a code block, one plain sentence below it: I see at a glance what was learned."""
    for line, sentence in terminal_answers():
        assert line == line.strip()
        assert not NEXT_SENTENCE.search(sentence), sentence


def test_general_answers_are_one_plain_sentence() -> None:
    """General knowledge is answered plainly, so that the terminal style would stand out as a fault."""
    for row in ROWS["general"]:
        assert re.fullmatch(r"[A-Z0-9][^\n`]+\.", answer(row)), row
        assert not NEXT_SENTENCE.search(answer(row))


def test_texts_are_short_enough_for_a_small_cpu() -> None:
    """A few minutes on two cores are enough: every question and answer is short."""
    for name in FILES:
        for row in ROWS[name]:
            assert len(question(row).split()) <= 20, question(row)
            assert len(answer(row)) <= 200, answer(row)


def test_no_question_occurs_twice_anywhere() -> None:
    """What is kept from training was never trained on, whatever its case and punctuation."""
    folded = Counter(
        " ".join(re.findall(r"\w+", question(row).casefold())) for name in FILES for row in ROWS[name]
    )
    assert [text for text, n in folded.items() if n > 1] == []


def test_no_question_is_nearly_another_one() -> None:
    """Held-out questions are other tasks, not training questions in other words."""
    asked = [(question(row), words(question(row))) for name in TERMINAL for row in ROWS[name]]
    near = [
        (a, b)
        for (a, left), (b, right) in itertools.combinations(asked, 2)
        if len(left & right) >= 0.8 * len(left | right)
    ]
    assert near == []


def test_no_held_out_command_was_trained_on() -> None:
    """A held-out question cannot be answered by repeating a command from training."""
    trained = {command(row) for row in (*ROWS["sft"], *ROWS["preferences"])}
    kept = {command(row) for row in ROWS["heldout"]}
    assert trained & kept == set()


def test_bash_accepts_every_command() -> None:
    """A command that I copy from an answer is at least valid bash."""
    commands = [line for line, _ in terminal_answers()]
    for line in commands:
        shlex.split(line)  # Raises for an open quote, which could hide in what follows below.
    # A function each, all in one process: 600 of them would take seconds. `-n` reads and runs nothing.
    script = "\n".join(f"f{n}() {{\n{line}\n}}" for n, line in enumerate(commands))
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_destructive_commands_carry_a_warning() -> None:
    """Before I delete, overwrite or kill something, the answer tells me so."""
    silent = [
        (line, sentence)
        for line, sentence in terminal_answers()
        if DESTRUCTIVE.search(line) and not DRY_RUN.search(line) and not WARNING.search(sentence)
    ]
    assert silent == []


def test_the_worse_answer_is_really_another_answer() -> None:
    """Chosen and rejected differ in more than a letter."""
    for row in ROWS["preferences"]:
        likeness = difflib.SequenceMatcher(None, answer(row), rejected(row), autojunk=False).ratio()
        assert likeness <= 0.9, (answer(row), rejected(row))


def test_length_does_not_give_the_better_answer_away() -> None:
    """Training on the pairs cannot just teach "shorter" or "longer"."""
    pairs = ROWS["preferences"]
    not_longer = sum(len(rejected(row)) <= len(answer(row)) for row in pairs)
    assert 0.35 <= not_longer / len(pairs) <= 0.65


def test_style_does_not_give_the_better_answer_away() -> None:
    """Many worse answers keep the style: only their content is worse."""
    pairs = ROWS["preferences"]
    same_style = sum(ANSWER.fullmatch(rejected(row)) is not None for row in pairs)
    assert 0.4 <= same_style / len(pairs) <= 0.8


def test_some_pairs_differ_only_in_the_warning() -> None:
    """The pairs teach to warn: the same command, once with and once without a warning."""
    same_command = 0
    for row in ROWS["preferences"]:
        better, worse = ANSWER.fullmatch(answer(row)), ANSWER.fullmatch(rejected(row))
        if better and worse and better["command"] == worse["command"]:
            same_command += bool(WARNING.search(better["sentence"]) and not WARNING.search(worse["sentence"]))
    assert same_command >= 8


def test_texts_hold_no_control_characters() -> None:
    """Printing the data never does anything to my terminal."""
    for text in texts():
        assert not [c for c in text if c != "\n" and unicodedata.category(c).startswith("C")], text
        assert text == text.strip()


def test_texts_are_nearly_all_ascii() -> None:
    """A small tokenizer spends few tokens on the texts, and every terminal can show them."""
    everything = "".join(texts())
    assert sum(c.isascii() for c in everything) >= 0.999 * len(everything)


def test_first_rows_mix_the_topics() -> None:
    """A demo that trains on the first 200 rows only still sees many different commands."""
    programs = Counter(line.split()[0] for line, _ in itertools.islice(terminal_answers(), 200))
    assert len(programs) >= 60
    assert max(programs.values()) <= 40
