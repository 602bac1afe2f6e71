"""`ftarena eval`: one command from a finished run to a table with a good prompt in it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ftarena.arena.contestants import find_or_add
from ftarena.cli.main import app
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.eval import Wish, evaluate
from ftarena.serving.contestants import Contestant
from ftarena.store import Store
from ftarena.training.runs import Run
from ftarena.workspace import Workspace

Said = Callable[[dict[str, Any]], None]


def ran(project: Workspace, *, show: bool = False, as_json: bool = False, **wish: Any) -> tuple[int, str]:
    out = io.StringIO()
    code = evaluate(project, project.database, Wish(**wish), show=show, as_json=as_json, out=out)
    return code, out.getvalue()


def quiz(tmp_path: Path) -> str:
    path = tmp_path / "quiz.jsonl"
    rows = [{"prompt": f"Q{n}?", "reference": f"a{n}"} for n in range(8)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_from_a_run_to_a_table(
    project: Workspace,
    ended_run: Callable[..., Run],
    tmp_path: Path,
    answers: Said,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Base, run and the base with a good prompt take the same quiz; a second time nobody is asked."""
    run = ended_run()
    answers({"base": {"*": ["no", "stop"]}, run.id: {f"Q{n}?": [f"a{n}", "stop"] for n in range(8)}})
    code, text = ran(project, tasks=(quiz(tmp_path),), limit=4)
    assert code == 0
    assert "held-out loss: nats per answer token, lower is better, 4 items" in text
    assert "quiz.jsonl: exact, share right, 4 items" in text
    assert "lesson  100.0 %  +100.0 points (" in text and "): better" in text
    assert "lesson against prompt: +100.0 points" in text
    said = capsys.readouterr().err
    assert "Made prompt:" in said and "4 training examples" in said

    there = tmp_path / "answers.jsonl"
    ran(project, tasks=(quiz(tmp_path),), limit=4, no_loss=True, answers=there)
    first, *_ = rows = [json.loads(line) for line in there.read_text().splitlines()]
    assert len(rows) == 4 and set(first["answers"]) == {"base", "lesson", "prompt"}
    assert first["answers"]["lesson"] == {"score": 1.0, "answer": f" {first['reference']}", "note": None}

    code, shown = ran(project, show=True)
    assert code == 0 and "quiz.jsonl: exact" in shown and "prompt" in shown
    code, told = ran(project, tasks=(quiz(tmp_path),), limit=4, as_json=True)
    report = json.loads(told)
    assert code == 0 and report["asked"] == 0 and report["baseline"] == "base"
    assert [row["contestant"] for row in report["tasks"][-1]["contestants"]] == ["base", "lesson", "prompt"]
    assert [one["contestant"] for one in report["beside"]] == ["base", "lesson", "prompt"]
    assert list(report["against_prompt"]) == ["prompt"]

    with Store.open(project.database) as store:
        made = store.contestant("prompt")
        assert made is not None and made.hidden, "nobody asked for a third contestant in battles"


def test_a_prompt_of_the_users_own_stands_in_its_place(
    project: Workspace, ended_run: Callable[..., Run], bare_model: Path, tmp_path: Path
) -> None:
    """Whoever wrote a better prompt sees that one beside the run, and no other is made."""
    ended_run()
    with Store.open(project.database) as store:
        find_or_add(store, Contestant(model=str(bare_model), system_prompt="Be brief."), "brief")
    _, text = ran(project, tasks=(quiz(tmp_path),), limit=2, no_loss=True)
    assert "against brief:" in text
    with Store.open(project.database) as store:
        assert store.contestant("prompt") is None


def test_items_that_nobody_could_be_scored_on_are_named(
    project: Workspace, ended_run: Callable[..., Run], tmp_path: Path
) -> None:
    """My scorer fails on the third question: I'm told the line of the file to look at."""
    ended_run()
    mine = tmp_path / "mine.py"
    mine.write_text("def score(prompt, answer, reference):\n    return 1 / (prompt != 'Q2?')\n")
    _, text = ran(project, tasks=(quiz(tmp_path),), scorer=mine, allow_code=True, no_loss=True)
    assert "Nobody has a score on 1 item: " in text and "quiz.jsonl:3." in text
    assert "mean of your scorer's scores, 7 items" in text and "(on 7 of 8 items; 1 without a score)" in text


def test_who_is_measured_and_against_whom_can_be_said(
    project: Workspace, ended_run: Callable[..., Run], tmp_path: Path
) -> None:
    """Only these, without prompt and losses, the run as the baseline."""
    ended_run()
    code, text = ran(
        project,
        tasks=(quiz(tmp_path),),
        limit=2,
        no_loss=True,
        no_prompt=True,
        contestants=("base",),
        baseline="lesson",
    )
    assert code == 0 and "loss" not in text and "prompt" not in text
    assert "Differences are to lesson" in text


def test_what_cannot_be_is_said_before_anybody_is_asked(project: Workspace, tmp_path: Path) -> None:
    """Nobody there, no such file, code without leave: one message each."""
    with pytest.raises(FtarenaError, match="nobody to measure"):
        ran(project, tasks=(quiz(tmp_path),))
    with pytest.raises(FtarenaError, match="no file"):
        ran(project, tasks=(str(tmp_path / "none.jsonl"),))
    with pytest.raises(UsageError, match="is code"):
        ran(project, scorer=tmp_path / "mine.py")
    with pytest.raises(FtarenaError, match="no folder"):
        ran(project, answers=tmp_path / "none" / "answers.jsonl")


def test_before_anything_was_measured(project: Workspace, ended_run: Callable[..., Run]) -> None:
    """--show says that there is nothing yet, and what to do."""
    ended_run()
    with Store.open(project.database):
        pass
    assert ran(project, show=True) == (0, "Nothing was measured yet: ftarena eval\n")


def test_the_command_names_its_options() -> None:
    """The help says what can be measured and how code is allowed."""
    told = CliRunner().invoke(app, ["eval", "--help"]).output
    assert "--allow-code" in told and "--no-prompt" in told and "builtin:general" in told
