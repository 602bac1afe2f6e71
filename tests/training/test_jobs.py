"""Starting and stopping, as far as no model is needed."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError, UsageError
from ftarena.processes import ProcessIdentity
from ftarena.recipes.schema import Recipe
from ftarena.training import jobs
from ftarena.training.jobs import start_run, stop_run, worker_environment
from ftarena.training.runs import ADAPTER_WEIGHTS, RunState, find_run, read_run
from ftarena.workspace import Workspace

MakeRun = Callable[..., Path]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """A small valid recipe."""
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    return Recipe(
        method="sft", name="mine", model_name_or_path="demo:smollm2", dataset=[str(data)]
    ).resolved()


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Workers are not started; what would be is collected."""
    started: list[list[str]] = []

    def spawn(argv: list[str], **kwargs: object) -> ProcessIdentity:
        started.append(argv)
        return ProcessIdentity.current()

    monkeypatch.setattr(jobs, "spawn_detached", spawn)
    return started


def test_a_started_run_is_there_at_once(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]]
) -> None:
    """I see the run in the list before its worker has said a word; recipes are kept beside it."""
    run = start_run(recipe, workspace)
    assert run == find_run(workspace, "mine")
    assert (run.state, run.name, run.base_model, run.method) == (
        RunState.QUEUED,
        "mine",
        "demo:smollm2",
        "sft",
    )
    assert no_worker == [[sys.executable, "-P", "-m", "ftarena.training.worker", str(run.directory)]]
    assert (run.directory / "recipe.resolved.yaml").is_file() and (run.directory / "recipe.yaml").is_file()
    assert run.directory.stat().st_mode & 0o077 == 0


def test_my_own_files_are_not_taken_for_pythons(
    workspace: Workspace,
    recipe: Recipe,
    no_worker: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A `random.py` in the folder I train in does not end the worker before it has said a word."""
    (tmp_path / "random.py").write_text("raise SystemExit('taken for the standard library')")
    monkeypatch.chdir(tmp_path)
    start_run(recipe, workspace)
    [*argv, _] = no_worker[0]  # without a folder it only says what it is
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "the detached process that trains one run" in done.stdout


def test_two_runs_in_one_second_have_two_folders(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]]
) -> None:
    """A script that starts several runs loses none."""
    ids = {start_run(recipe, workspace, queue=True).id for _ in range(3)}
    assert len(ids) == 3


def test_a_recipe_file_is_kept_as_it_was_written(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]], tmp_path: Path
) -> None:
    """My comments are still in the run's copy."""
    file = tmp_path / "mine.yaml"
    file.write_text("# why I did this\nmethod: sft\n")
    run = start_run(recipe, workspace, file)
    assert (run.directory / "recipe.yaml").read_text() == file.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": ["nowhere.jsonl"]}, "there is no file nowhere.jsonl"),
        ({"method": "dpo"}, "data.jsonl:1: a row of shape completion"),
        ({"eval_dataset": ["nowhere.jsonl"]}, "there is no file nowhere.jsonl"),
        ({"model_name_or_path": "./nowhere"}, "no model is called"),
        ({"init_from": "nobody"}, "there is no run 'nobody'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]], change: dict[str, object], said: str
) -> None:
    """A typing error is an error in my terminal, not a failed run found in the morning."""
    with pytest.raises(FtarenaError, match=said):
        start_run(recipe.model_copy(update=change), workspace)
    assert not no_worker and not workspace.runs.exists()


def test_going_on_from_a_run_uses_its_adapter(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]], make_run: MakeRun
) -> None:
    """`init_from: sft` is the newest run of that name; the resolved recipe says which folder that was."""
    folder = make_run("sft-1-1", state="finished", base_model="demo:smollm2")
    start = recipe.model_copy(update={"init_from": "sft"})
    with pytest.raises(FtarenaError, match="has no adapter to start from: it has finished"):
        start_run(start, workspace)
    (folder / ADAPTER_WEIGHTS).write_bytes(b"")
    run = start_run(start, workspace)
    assert f"init_from: {folder}" in (run.directory / "recipe.resolved.yaml").read_text()


def test_an_adapter_of_another_base_is_refused(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]], make_run: MakeRun
) -> None:
    """An adapter on the wrong base trains without complaint and is worthless; both names are said."""
    folder = make_run("sft-1-1", state="finished", base_model="other/model")
    (folder / ADAPTER_WEIGHTS).write_bytes(b"")
    with pytest.raises(FtarenaError, match=r"adapter of other/model, but model_name_or_path is demo:smollm2"):
        start_run(recipe.model_copy(update={"init_from": "sft"}), workspace)


def test_a_full_disk_is_noticed_first(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that cannot save is not started."""
    monkeypatch.setattr(jobs.hardware, "disk_free", lambda path: 10_000_000)
    with pytest.raises(FtarenaError, match="only 10 MB are free"):
        start_run(recipe, workspace)


def test_stopping_what_has_ended_changes_nothing(make_run: MakeRun) -> None:
    """A second stop is harmless."""
    run = read_run(make_run("a-1-1", state="finished", message="fine", updated_at=3))
    assert stop_run(run) == run


def test_a_worker_that_does_not_answer_is_killed(make_run: MakeRun) -> None:
    """A worker that hangs in a library goes away when I say stop."""
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", deaf], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()  # it is deaf from here on
    run = read_run(make_run("a-1-1", state="training", step=2, **asdict(ProcessIdentity.of(child.pid))))
    run = stop_run(run, timeout_s=0.2)
    assert run.state is RunState.STOPPED and "killed" in run.message
    child.communicate()


def test_workers_do_not_spin_at_barriers() -> None:
    """Training beside other work keeps its speed, and nobody phones home."""
    environment = worker_environment()
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (99999.0, "eval_split is 99,999, but dataset has 1 row: none would be left to train on"),
        (0.9, "eval_split is 0.9, and dataset has 1 row: none would be left to train on"),
        (
            0.1,
            "eval_split is 0.1, and dataset has 1 row: nothing would be held out",
        ),
    ],
)
def test_a_split_with_an_empty_side_starts_nothing(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]], split: float, said: str
) -> None:
    """Holding out more rows than there are is said before a worker is started, with both numbers."""
    with pytest.raises(UsageError) as error:
        start_run(recipe.model_copy(update={"eval_split": split}), workspace)
    assert error.value.message == said
    assert not no_worker and not workspace.runs.exists()


def test_the_card_is_emptied_for_a_run_that_is_listed_already(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]]
) -> None:
    """Another window that looks meanwhile sees a queued run, and leaves the card to it."""
    seen: list[tuple[RunState, int]] = []

    def make_room() -> None:
        seen.append((find_run(workspace, "mine").state, len(no_worker)))

    start_run(recipe, workspace, make_room=make_room)
    assert seen == [(RunState.QUEUED, 0)]
    assert len(no_worker) == 1


def test_a_card_that_cannot_be_emptied_fails_the_run_with_its_reason(
    workspace: Workspace, recipe: Recipe, no_worker: list[list[str]]
) -> None:
    """No run stays queued for ever because an engine did not answer."""

    def make_room() -> None:
        raise FtarenaError("the engine did not answer", "ftarena engine stop")

    with pytest.raises(FtarenaError, match="the engine did not answer"):
        start_run(recipe, workspace, make_room=make_room)
    run = find_run(workspace, "mine")
    assert run.state is RunState.FAILED
    assert "did not answer" in run.message
    assert not no_worker
