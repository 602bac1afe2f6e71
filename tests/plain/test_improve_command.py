"""`ftarena improve` and `ftarena generations` on the command line."""

import json
import os
from pathlib import Path

import pytest
from made_runs import make_run
from typer.testing import CliRunner

from ftarena.arena import Arena
from ftarena.arena.lineup import enlist
from ftarena.cli.main import app
from ftarena.processes import write_json
from ftarena.store import Store
from ftarena.training.runs import RESOLVED_RECIPE, Run, read_run
from ftarena.workspace import Workspace

QUESTIONS = [f"What does option -{letter} of ls do?" for letter in "abcdefghijkl"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Workspace:
    """A project with a finished run of the tiny model, its base, and twelve votes for shorter answers."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path / ".ftarena").ensure()
    folder = make_run(workspace, "first", "finished", base_model=str(tiny_model))
    (folder / RESOLVED_RECIPE).write_text("method: sft\nmax_length: 256\nlora_r: 8\ngeneral_dataset: []\n")
    with Store.open(workspace.database) as store:
        enlist(store, read_run(folder))
        for number, prompt in enumerate(
            store.add_prompts([([("user", text)], None) for text in QUESTIONS], "heldout")
        ):
            for which, row in enumerate(store.contestants()):
                store.add_answer(row.id, prompt, f"It lists {number}" + " more" * which, n_tokens=4)
        arena = Arena(store, labeler="ana")
        while (battle := arena.next()) is not None:
            shorter = "left" if len(battle.left) < len(battle.right) else "right"
            arena.vote(battle.id, shorter, elapsed_ms=500)
    return workspace


def ftarena(*arguments: str, **more: str) -> tuple[int, str, str]:
    """Run a command; return exit code, standard output, standard error."""
    done = CliRunner().invoke(app, list(arguments), **more)
    error = f"{done.exception}" if done.exception and not isinstance(done.exception, SystemExit) else ""
    return done.exit_code, done.stdout, done.stderr + error


def test_the_plan_says_what_it_would_learn(project: Workspace) -> None:
    """I look first: pairs, doubt, check, time and memory; nothing is started."""
    code, out, _ = ftarena("improve", "--plan")
    assert code == 0, out
    for words in (
        "12 pairs from 12 votes of 1 labeler",
        "label_smoothing 0: how far labelers agree is not known",
    ):
        assert words in out
    assert "first-2: dpo from votes" in out and "steps" in out and "in all" in out
    assert len(list(project.runs.iterdir())) == 1


def test_the_plan_as_json(project: Workspace) -> None:
    """A script reads the same as one object."""
    code, out, _ = ftarena("improve", "--plan", "--json", "--learning-rate", "1e-5")
    told = json.loads(out)
    assert code == 0 and told["pairs"] == 12 and told["votes"] == 12 and told["plan"]["fits"]
    assert told["smoothing"]["origin"] == "none"
    recipe = (Path(told["folder"]) / "recipe.yaml").read_text()
    assert "init_from" in recipe and "# " in recipe


def test_no_terminal_to_ask_on(project: Workspace) -> None:
    """In a pipe it does not start by itself: I have to say --yes."""
    code, _, said = ftarena("improve")
    assert code != 0 and "there is nobody to ask" in said
    assert len(list(project.runs.iterdir())) == 1


def test_yes_starts_it(project: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --yes the run is begun from the parent, and its id is the last word on standard output."""
    begun: list[str] = []

    def start(recipe: object, workspace: Workspace, recipe_file: Path, **_: object) -> Run:
        begun.append(recipe_file.read_text())
        folder = make_run(workspace, f"first-{1 + len(begun)}", "training", method="dpo")
        return read_run(folder)

    monkeypatch.setattr("ftarena.arena.improving.starting.start_training", start)
    code, out, said = ftarena("improve", "first", "--yes", "--agreement", "0.5", "--margin", "1")
    assert code == 0, said
    assert out.splitlines()[-1].startswith("first-2-") and "ftarena runs watch" in said
    assert len(begun) == 1 and "loss_type: [sigmoid, sft]" in begun[0]
    [folder] = [path for path in project.runs.iterdir() if path.name.startswith("first-2-")]
    record = json.loads((folder / "improve.json").read_text())
    assert (
        record["votes"] == 12 and record["filter"]["agreement"] == 0.5 and len(record["votes_sha256"]) == 64
    )
    assert str(project.root) not in (folder / "improve.json").read_text()
    code, out, _ = ftarena("improve", "first", "--json", "--yes", "--margin", "1")
    assert code == 0 and json.loads(out)["run"].startswith("first-3-")


def test_votes_like_coin_flips(project: Workspace) -> None:
    """Two of us agree on half of the battles: improve says that this teaches nothing, and does not start."""
    with Store.open(project.database) as store:
        arena, turn = Arena(store, labeler="ben"), 0
        while (battle := arena.next()) is not None:
            shorter = (len(battle.left) < len(battle.right)) == (turn % 2 == 0)
            arena.vote(battle.id, "left" if shorter else "right", elapsed_ms=500)
            turn += 1
    code, out, _ = ftarena("improve", "--plan", "--force")
    words = " ".join(out.split())
    assert code == 0 and "warning: labelers agree no more than by chance (50 % of 12 decisions)" in words
    assert "these votes teach nothing yet; get more" in words and "ftarena score also compares ties" in words
    code, _, said = ftarena("improve", "--yes", "--method", "kto")
    assert code != 0 and "no more than by chance" in said and "--force" in said
    assert len(list(project.runs.iterdir())) == 1


def test_what_is_doubtful_about_the_parent(project: Workspace) -> None:
    """The page tells that the parent forgot, and who else is as good by the votes."""
    [run] = [read_run(folder) for folder in project.runs.iterdir()]
    forgot = {"name": "forgetting", "verdict": "alarm", "words": "general loss +0.31: it forgot"}
    write_json(run.directory / "guards.json", {"guards": [forgot]})
    with Store.open(project.database) as store:
        arena, turn = Arena(store, labeler="ben"), 0
        while (battle := arena.next()) is not None:  # mostly the other way round: nobody is better
            shorter = (len(battle.left) < len(battle.right)) == (turn % 4 == 0)
            arena.vote(battle.id, "left" if shorter else "right", elapsed_ms=500)
            turn += 1
    code, out, _ = ftarena("improve", "--plan", "--force")
    words = " ".join(out.split())
    assert code == 0 and "its guards: general loss +0.31: it forgot" in words
    assert "tied with base: the votes do not tell them apart" in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--method", "ppo"), "cannot be learned from by 'ppo'"),
        (("--lerning-rate", "1"), "did you mean learning_rate"),
        (("nobody",), "there is no run 'nobody'"),
        (("--category", "poems"), "no pair to learn from"),
        (("--margin", "2"), "ahead by too few votes"),
    ],
)
def test_what_cannot_be_is_one_line(project: Workspace, arguments: tuple[str, ...], words: str) -> None:
    """A wrong word is said with what would be right; nothing is written but the draft."""
    code, _, said = ftarena("improve", "--plan", *arguments)
    assert code != 0 and words in said


def test_without_votes_or_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder I am told what comes first."""
    monkeypatch.chdir(tmp_path)
    code, _, said = ftarena("improve")
    assert code != 0 and "there are no votes yet" in said
    assert not (tmp_path / ".ftarena" / "arena.db").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_arena(project: Workspace) -> None:
    """A database that cannot be written is refused before anything is made."""
    project.database.chmod(0o400)
    project.root.chmod(0o500)
    try:
        code, _, said = ftarena("improve", "--yes")
    finally:
        project.root.chmod(0o700)
    assert code != 0 and "cannot be written" in said


def test_generations_are_a_tree(project: Workspace) -> None:
    """Who descends from whom, which votes made it, and what it gained: as text and as JSON."""
    [parent] = project.runs.iterdir()
    child = make_run(project, "first-2", "finished", method="dpo", base_model="demo:smollm2")
    write_json(
        child / "improve.json",
        {
            "parent": parent.name, "method": "dpo", "votes": 31, "pairs": 30, "labelers": 2,
            "votes_sha256": "0" * 64,
            "smoothing": {"value": 0.1, "agreement": 0.82, "origin": "labelers"},
        },
    )  # fmt: skip
    code, out, _ = ftarena("generations")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("first-") and any(line.startswith("    first-2-") for line in lines)
    assert "30 pairs from 31 votes of 2 labelers; agreement 82 %" in out
    assert "not compared with its parent yet" in out and "held out 2.900 → " in out
    code, out, _ = ftarena("generations", "--json")
    told = json.loads(out)
    assert [one["depth"] for one in told] == [0, 1] and told[1]["made_of"]["label_smoothing"] == 0.1


def test_broken_records_are_no_trouble(project: Workspace) -> None:
    """A record that names itself, or is no JSON, is shown as what it is: a run without a parent."""
    one = make_run(project, "odd", "finished")
    (one / "improve.json").write_text(json.dumps({"parent": one.name, "votes": -3, "smoothing": 7}))
    other = make_run(project, "torn", "failed")
    (other / "improve.json").write_text('{"parent": ')
    code, out, _ = ftarena("generations", "--json")
    assert code == 0 and [one["parent"] for one in json.loads(out)] == [None, None, None]
