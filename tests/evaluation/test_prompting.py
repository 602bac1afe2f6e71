"""The base with a good prompt is made from the run's own data."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation.prompting import MOST_CHARACTERS, SHOTS, prompted_base
from ftarena.serving.contestants import Message, Sampling
from ftarena.training.runs import Run


def rows_of(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lesson(question: str, answer: str, system: str = "") -> dict[str, object]:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": [{"role": "system", "content": system}, *turns] if system else turns}


def test_four_typical_examples_and_the_datas_own_system_prompt(
    ended_run: Callable[..., Run], tmp_path: Path
) -> None:
    """What the run was taught is shown to its base: short, of typical length, each another one."""
    rows = [lesson(f"Question {n}?", "x" * (5 * n + 1) + str(n), "Be brief.") for n in range(40)]
    run = ended_run(dataset=rows_of(tmp_path / "lessons.jsonl", rows))
    made = prompted_base(run, Sampling(max_tokens=99))
    assert made.system_prompt == "Be brief." and made.adapter is None and made.sampling.max_tokens == 99
    assert [m.content for m in made.few_shot[::2]] == [f"Question {n}?" for n in range(10, 10 + SHOTS)]
    assert prompted_base(run, Sampling(max_tokens=99)).id == made.id


def test_examples_leave_room_for_the_question(ended_run: Callable[..., Run], tmp_path: Path) -> None:
    """Long examples are fewer."""
    rows = [lesson(f"Question {n}?", f"{n} " + "long " * 250) for n in range(20)]
    run = ended_run(dataset=rows_of(tmp_path / "lessons.jsonl", rows))
    shots = prompted_base(run, Sampling()).few_shot
    assert len(shots) == 4 and sum(len(shot.content) for shot in shots) <= MOST_CHARACTERS


def test_data_that_show_nothing_make_no_prompt(ended_run: Callable[..., Run], tmp_path: Path) -> None:
    """Bare texts have no question to show, and it is said."""
    rows = [{"text": f"some text {n}"} for n in range(40)]
    run = ended_run(dataset=rows_of(tmp_path / "texts.jsonl", rows))
    with pytest.raises(FtarenaError, match="neither a system prompt nor"):
        prompted_base(run, Sampling())


def test_the_same_system_prompt_is_said_once(ended_run: Callable[..., Run], tmp_path: Path) -> None:
    """A held-out question that brings the data's system prompt along is not told it twice."""
    rows = [lesson(f"Question {n}?", f"answer {n}", "Be brief.") for n in range(20)]
    made = prompted_base(ended_run(dataset=rows_of(tmp_path / "lessons.jsonl", rows)), Sampling())
    asked = [Message(role="system", content="Be brief."), Message(role="user", content="Eh?")]
    assert made.messages(asked)[0].content == "Be brief."
    other = [Message(role="system", content="In French."), Message(role="user", content="Eh?")]
    assert made.messages(other)[0].content == "Be brief.\n\nIn French."
