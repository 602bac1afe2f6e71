"""What is asked before an interrupted run goes on: is it the same run on the same data?"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.sets.manifest import sha256_of
from ftarena.errors import FtarenaError
from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.recipes.schema import Recipe
from ftarena.training import jobs
from ftarena.training.checkpoints import newest_whole, read_best, why_torn, write_manifest
from ftarena.training.holding import STARTING, WORKING, hold
from ftarena.training.identity import fingerprint, git_state, versions
from ftarena.training.jobs import lay_down, pause_run, resume_run, start_run, stop_run
from ftarena.training.runs import (
    ADAPTER_WEIGHTS,
    DATA_LOCK,
    ENVIRONMENT,
    RESOLVED_RECIPE,
    STATUS,
    RunState,
    find_run,
    read_run,
)
from ftarena.training.terms import read_terms
from ftarena.training.worker import __main__ as worker
from ftarena.workspace import Workspace

MakeRun = Callable[..., Path]


def write_checkpoint(directory: Path, step: int) -> Path:
    """Leave a checkpoint in a run's folder, as its worker would."""
    folder = directory / f"checkpoint-{step}"
    folder.mkdir()
    (folder / ADAPTER_WEIGHTS).write_bytes(b"weights" * step)
    (folder / "optimizer.pt").write_bytes(b"state")
    write_manifest(folder, step)
    return folder


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """Workers are not started; their command lines and folders are collected."""
    found: list[tuple[list[str], Path]] = []

    def spawn(argv: list[str], *, cwd: Path, **kwargs: object) -> ProcessIdentity:
        found.append((argv, cwd))
        return ProcessIdentity.current()

    monkeypatch.setattr(jobs, "spawn_detached", spawn)
    return found


@pytest.fixture
def interrupted(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that died after step 7, with a whole checkpoint of step 5, as its worker left it."""
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "data.jsonl").write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    recipe = Recipe(
        method="sft", name="mine", model_name_or_path="./model", dataset=["data.jsonl"]
    ).resolved()
    directory = lay_down(recipe, workspace)
    write_checkpoint(directory, 5)
    write_json(
        directory / DATA_LOCK,
        {"train": [{"path": "data.jsonl", "sha256": sha256_of(tmp_path / "data.jsonl")}], "heldout": []},
    )
    write_json(
        directory / ENVIRONMENT,
        {
            "versions": versions(),
            "recipe_sha256": sha256_of(directory / RESOLVED_RECIPE),
            "base_model_fingerprint": fingerprint(model),
            "init_from_sha256": None,
        },
    )
    status = read_json(directory / STATUS)
    write_json(
        directory / STATUS, {**status, "state": "training", "step": 7, "pid": 2**22 + 1, "started": 1.0}
    )
    return directory


def change_status(directory: Path, **values: Any) -> None:
    write_json(directory / STATUS, {**read_json(directory / STATUS), **values})


def test_an_interrupted_run_goes_on_from_its_newest_whole_checkpoint(
    workspace: Workspace,
    interrupted: Path,
    spawned: list[tuple[list[str], Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I log in again, in another folder, and resume: same folder of the run, same paths of the data."""
    run = find_run(workspace, "mine")
    assert (run.state, run.resumable_from) == (RunState.DIED, 5)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = resume_run(run, workspace)
    argv, folder = spawned[0]
    assert argv == [sys.executable, "-P", "-m", "ftarena.training.worker", str(interrupted), "--resume"]
    assert folder == tmp_path
    assert (run.state, run.message) == (RunState.QUEUED, "goes on from step 5")
    with pytest.raises(FtarenaError, match="goes on already: it is queued"):
        resume_run(run, workspace)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("data", "data.jsonl has changed"),
        ("no data", "data.jsonl is gone"),
        ("model", r"the model \./model has changed"),
        ("no model", r"the model \./model is gone"),
        ("recipe", "recipe.resolved.yaml has changed"),
        ("no lock", "data.lock.json is missing"),
    ],
)
def test_another_run_under_the_old_name_is_refused(
    workspace: Workspace,
    interrupted: Path,
    spawned: list[tuple[list[str], Path]],
    tmp_path: Path,
    harm: str,
    said: str,
) -> None:
    """Something it depends on is not what it was: I read what, and --force does not help."""
    data, model = tmp_path / "data.jsonl", tmp_path / "model" / "model.safetensors"
    if harm == "data":
        data.write_text(data.read_text() * 2)
    elif harm == "no data":
        data.unlink()
    elif harm == "model":
        model.write_bytes(b"weighty")
    elif harm == "no model":
        (tmp_path / "model").rename(tmp_path / "gone")
    elif harm == "recipe":
        with (interrupted / RESOLVED_RECIPE).open("a") as file:
            file.write("# edited\n")
    else:
        (interrupted / DATA_LOCK).unlink()
    before = (interrupted / STATUS).read_bytes()
    with pytest.raises(FtarenaError, match=f"it would not be the same run: {said}"):
        resume_run(find_run(workspace, "mine"), workspace, force=True)
    assert not spawned and (interrupted / STATUS).read_bytes() == before


def test_other_versions_are_taken_only_where_i_say_so(
    workspace: Workspace, interrupted: Path, spawned: list[tuple[list[str], Path]]
) -> None:
    """After an upgrade the curve may have a step; whether I mind is mine to say."""
    noted = read_json(interrupted / ENVIRONMENT)
    noted["versions"]["torch"] = "1.0"
    write_json(interrupted / ENVIRONMENT, noted)
    run = find_run(workspace, "mine")
    with pytest.raises(FtarenaError, match=r"began with other versions: torch 1\.0 then, .* now") as error:
        resume_run(run, workspace)
    assert "--force" in error.value.hint
    assert resume_run(run, workspace, force=True).state is RunState.QUEUED


def test_a_finished_run_is_not_resumed_but_trained_on_from(workspace: Workspace, interrupted: Path) -> None:
    """I confuse the two once; the message tells them apart."""
    change_status(interrupted, state="finished")
    with pytest.raises(FtarenaError, match="has finished: there is nothing left to resume") as error:
        resume_run(find_run(workspace, "mine"), workspace)
    assert "--init-from" in error.value.hint
    assert find_run(workspace, "mine").resumable_from is None


def test_without_a_whole_checkpoint_there_is_nothing_to_resume(
    workspace: Workspace, interrupted: Path
) -> None:
    """It died before its first checkpoint, or that is torn: start it anew, with this command."""
    (interrupted / "checkpoint-5" / "optimizer.pt").unlink()
    run = find_run(workspace, "mine")
    assert run.resumable_from is None
    with pytest.raises(FtarenaError, match="no whole checkpoint to resume from: it died") as error:
        resume_run(run, workspace)
    assert f"ftarena train {interrupted / RESOLVED_RECIPE}" in error.value.hint


def test_a_busy_device_is_said_with_the_two_ways_to_wait(
    workspace: Workspace, interrupted: Path, make_run: MakeRun, spawned: list[tuple[list[str], Path]]
) -> None:
    """Another run trains: neither a start nor a resume takes its memory away."""
    make_run("other-1-1", state="training", **asdict(ProcessIdentity.current()))
    run = find_run(workspace, "mine")
    recipe = Recipe(method="sft", model_name_or_path="./model", dataset=["data.jsonl"]).resolved()
    for begin in (lambda: resume_run(run, workspace), lambda: start_run(recipe, workspace)):
        with pytest.raises(FtarenaError, match="the device is taken: other-1-1 is not done yet") as error:
            begin()
        assert "--queue" in error.value.hint
    assert "--after other-1-1" in error.value.hint
    assert resume_run(run, workspace, queue=True).state is RunState.QUEUED
    assert read_terms(interrupted).queue


def test_a_run_may_wait_for_the_one_whose_adapter_it_starts_from(
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_run: MakeRun,
    spawned: list[tuple[list[str], Path]],
) -> None:
    """SFT, then DPO on top of it, both started in the evening."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.jsonl").write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    first = make_run(
        "sft-1-1", state="training", base_model="demo:smollm2", **asdict(ProcessIdentity.current())
    )
    recipe = Recipe(
        method="sft", model_name_or_path="demo:smollm2", dataset=["data.jsonl"], init_from="sft"
    ).resolved()
    with pytest.raises(FtarenaError, match="no adapter to start from: it is training") as error:
        start_run(recipe, workspace, queue=True)
    assert error.value.hint == "wait for it: --after sft-1-1"
    run = start_run(recipe, workspace, after="sft")
    assert run.after == "sft-1-1"
    assert f"init_from: {first}" in (run.directory / RESOLVED_RECIPE).read_text()
    write_json(first / STATUS, {"state": "failed", "message": "the GPU's memory is full"})
    with pytest.raises(FtarenaError, match="sft-1-1, which was to finish first, has failed: the GPU"):
        start_run(recipe.model_copy(update={"init_from": None}), workspace, after="sft-1-1")


def test_a_tracker_that_is_not_installed_is_said_before_anything_starts(
    workspace: Workspace, interrupted: Path, spawned: list[tuple[list[str], Path]]
) -> None:
    """`report_to: comet_ml` without the package: an error in my terminal, not after the model has loaded."""
    recipe = Recipe(
        method="sft", model_name_or_path="./model", dataset=["data.jsonl"], report_to=["comet_ml"]
    ).resolved()
    with pytest.raises(FtarenaError, match="report_to names comet_ml, but its package comet_ml is not inst"):
        start_run(recipe, workspace)
    assert not spawned


def test_a_run_is_killed_at_once_when_i_say_now(workspace: Workspace, interrupted: Path) -> None:
    """It hangs in a step that takes an hour: gone, and the checkpoint can be resumed from."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    change_status(interrupted, **asdict(ProcessIdentity.of(child.pid)))
    run = stop_run(read_run(interrupted), now=True)
    assert (run.state, run.resumable_from) == (RunState.STOPPED, 5)
    assert run.message == "killed on request; the checkpoint of step 5 is whole"
    child.communicate(timeout=10)


def test_what_has_not_begun_is_not_paused(workspace: Workspace, make_run: MakeRun) -> None:
    """There is nothing to save yet: I am told how to take it back."""
    directory = make_run("a-1-1", state="queued", **asdict(ProcessIdentity.current()))
    with pytest.raises(FtarenaError, match="has not begun") as error:
        pause_run(read_run(directory))
    assert error.value.hint == "ftarena runs stop a-1-1 takes it back"


def test_a_pause_that_takes_long_is_told(workspace: Workspace, make_run: MakeRun) -> None:
    """The step takes minutes: I get my prompt back, and it pauses all the same."""
    script = (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print(); "
        "signal.sigwait([signal.SIGUSR1]); print('asked'); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "\n"
    directory = make_run("a-1-1", state="training", message="step 3 of 9")
    change_status(directory, **asdict(ProcessIdentity.of(child.pid)))
    with pytest.raises(FtarenaError, match=r"still busy after 0 s \(step 3 of 9\); it pauses after its step"):
        pause_run(read_run(directory), timeout_s=0.1)
    assert child.stdout.readline() == "asked\n"
    child.communicate()


def test_checkpoints_are_judged_by_what_is_in_them(tmp_path: Path) -> None:
    """The newest whole one counts, `best` is followed, and a torn one says what is wrong with it."""
    for step in (2, 10, 4):
        write_checkpoint(tmp_path, step)
    (tmp_path / "best").symlink_to("checkpoint-4")
    newest, best = newest_whole(tmp_path), read_best(tmp_path)
    assert newest is not None and newest.step == 10
    assert best is not None and best.step == 4
    (tmp_path / "checkpoint-10" / ADAPTER_WEIGHTS).write_bytes(b"")
    assert why_torn(newest) == f"{ADAPTER_WEIGHTS} has 0 bytes, not 70"
    assert newest_whole(tmp_path) == best
    os.truncate(tmp_path / "checkpoint-4" / "manifest.json", 10)
    assert "manifest.json is missing or broken" in why_torn(best)
    assert newest_whole(tmp_path / "nowhere") is None


def test_a_model_is_known_by_its_first_and_last_megabyte(tmp_path: Path) -> None:
    """Another fine-tuning of the same shape is told apart without reading 15 GB."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"x" * 3_000_000)
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "notes.txt").write_text("mine")
    assert fingerprint(tmp_path) == before
    with file.open("r+b") as opened:
        opened.seek(2_999_999)
        opened.write(b"y")
    assert fingerprint(tmp_path) != before


def test_the_state_of_my_code_is_noted(tmp_path: Path) -> None:
    """Which commit a run was started at, and whether I had changed something since; nothing outside git."""
    assert git_state(tmp_path) is None
    mine = ["git", "-C", str(tmp_path), "-c", "user.name=me", "-c", "user.email=me@example.org"]
    (tmp_path / "a.py").write_text("1")
    for arguments in (["init", "-q"], ["add", "a.py"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*mine, *arguments], check=True)
    state = git_state(tmp_path)
    assert state is not None and len(state["commit"]) == 40 and state["dirty"] is False
    (tmp_path / "a.py").write_text("2")
    assert git_state(tmp_path) == {**state, "dirty": True}


def test_a_run_that_is_about_to_resume_is_not_taken_for_dead(interrupted: Path) -> None:
    """Between my command and the worker's first word the run reads as queued, though it began yesterday."""
    change_status(interrupted, state="queued", pid=None, started=None, started_at=1.0, asked_at=time.time())
    assert read_run(interrupted).state is RunState.QUEUED


def test_of_two_resumes_at_once_one_goes_on(
    workspace: Workspace, interrupted: Path, spawned: list[tuple[list[str], Path]]
) -> None:
    """My script and I resume the same run in the same second: one worker starts, the other writes nothing."""
    run = find_run(workspace, "mine")
    before = {path.name: path.read_bytes() for path in interrupted.iterdir() if path.is_file()}
    with hold(interrupted, STARTING):
        with pytest.raises(FtarenaError, match="is being resumed by another process"):
            resume_run(run, workspace)
        (interrupted / STARTING).unlink()
        after = {path.name: path.read_bytes() for path in interrupted.iterdir() if path.is_file()}
    assert not spawned and after == before

    began = threading.Barrier(2)
    refused: list[str] = []

    def resume() -> None:
        began.wait()
        try:
            resume_run(run, workspace)
        except FtarenaError as error:
            refused.append(error.message)

    both = [threading.Thread(target=resume) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(spawned) == 1 and len(refused) == 1, refused


def test_a_second_worker_in_the_same_folder_writes_nothing(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever starts a worker by hand beside another: it ends, and the status stays the first one's."""
    change_status(interrupted, state="training")
    before = (interrupted / STATUS).read_bytes()
    monkeypatch.setattr(worker, "LINGERING_S", 0.0)
    with hold(interrupted, WORKING):
        assert worker.main([str(interrupted), "--resume"]) == 1
    assert "another process trains" in capsys.readouterr().out
    assert (interrupted / STATUS).read_bytes() == before
    change_status(interrupted, state="finished")
    assert worker.main([str(interrupted), "--resume"]) == 1, "a finished run was done again"
    assert "has finished while this process waited" in capsys.readouterr().out


def test_the_step_that_is_promised_is_the_one_it_goes_on_from(
    workspace: Workspace, interrupted: Path, spawned: list[tuple[list[str], Path]]
) -> None:
    """A byte of the newest checkpoint is flipped: I read the older step at once, not later in the log."""
    newer = write_checkpoint(interrupted, 6)
    (newer / "optimizer.pt").write_bytes(b"stale")
    assert resume_run(find_run(workspace, "mine"), workspace).message == "goes on from step 5"


def test_a_resume_while_another_run_trains_names_what_resume_can_do(
    workspace: Workspace, interrupted: Path, spawned: list[tuple[list[str], Path]], make_run: MakeRun
) -> None:
    """The hint does not name `--after`, which resume has not; queued, it says when it goes on."""
    mine = ProcessIdentity.current()
    make_run("other-1-1", state="training", pid=mine.pid, started=mine.started)
    run = find_run(workspace, "mine")
    with pytest.raises(FtarenaError, match="the device is taken: other-1-1") as refused:
        resume_run(run, workspace)
    assert refused.value.hint == "wait for your turn: --queue"
    made: list[str] = []
    run = resume_run(
        run, workspace, queue=True, make_room=lambda: made.append("now"), beforehand=[["make", "room"]]
    )
    assert run.message == "goes on from step 5 when its turn comes"
    assert not made, "the engines were sent to sleep long before its turn"
    assert read_terms(interrupted).beforehand == (("make", "room"),)
