"""The whole loop on a small real model, stage by stage: `make demo`.

Base model → data checked → SFT → DPO on top of it → engine → the first answers. Each stage that is already
done for the same recipe and data is skipped, and a run that is under way is joined rather than started anew,
so the command can be interrupted and repeated at will. What comes after the last stage (the arena, or a
printed report where there is no terminal) is the caller's.
"""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import ftarena
from ftarena.arena.lineup import sync_lineup
from ftarena.arena.questions.queue import AnswerQueue, add_prompts_from_examples
from ftarena.arena.sharing import start_training
from ftarena.curation.check import check_files
from ftarena.errors import FtarenaError
from ftarena.plain.follow import follow
from ftarena.plain.progress import Stage, Stages
from ftarena.processes import read_json, write_json
from ftarena.recipes.load import load_recipe
from ftarena.recipes.models import resolve_model
from ftarena.serving.engine import Engine
from ftarena.serving.pool import EnginePool
from ftarena.store import Store
from ftarena.training.jobs import Run, RunState, find_run
from ftarena.training.models import prepare_model
from ftarena.workspace import Workspace, cache_dir

CHECKOUT = Path(ftarena.__file__).resolve().parent.parent
DATA = CHECKOUT / "data" / "demo"
SFT_RECIPE = CHECKOUT / "configs" / "demo-sft.yaml"
DPO_RECIPE = CHECKOUT / "configs" / "demo-dpo.yaml"
MODEL = "demo:smollm2"


@dataclass(frozen=True)
class Demo:
    """What the stages left: everything the arena or the report needs."""

    workspace: Workspace
    database: Path
    base: Path
    """Folder of the base model."""

    sft: Run
    dpo: Run
    seconds: dict[str, float]
    """What each stage took, by its key."""


def prepare_demo(workspace: Workspace, database: Path) -> Demo:
    """Do what is not done yet, showing it on standard error.

    Raises:
        FtarenaError: A stage failed; the message says which thing, the hint what to do. Repeating the
            command goes on where it stopped.
    """
    _need_checkout()
    workspace.ensure()
    stages = Stages(
        [
            Stage("model", "Base model SmolLM2-135M-Instruct", 30),
            Stage("data", "Demo data", 1),
            Stage("sft", "SFT: answer as a terminal helper", 165),
            Stage("dpo", "DPO: learn what is preferred", 80),
            Stage("engine", "Engine for base and both adapters", 30),
            Stage("answers", "First answers for a blind battle", 16),
        ],
        memory=cache_dir() / "demo-timings.json",
    )
    done = _Done(workspace.root / "demo.json")
    with stages:
        with stages.run("model") as stage:
            base = _base_model(stage)
        with stages.run("data") as stage:
            _check_data(stage)
        with stages.run("sft") as stage:
            sft = _train(stage, workspace, done, "sft", SFT_RECIPE, DATA / "sft.jsonl")
        with stages.run("dpo") as stage:
            dpo = _train(stage, workspace, done, "dpo", DPO_RECIPE, DATA / "preferences.jsonl", parent=sft)
        with stages.run("engine") as stage:
            _engine(stage, workspace, base, sft, dpo)
        with stages.run("answers") as stage:
            _first_answers(stage, workspace, database)
    return Demo(workspace, database, base, sft, dpo, stages.seconds)


def _need_checkout() -> None:
    missing = [path for path in (DATA, SFT_RECIPE, DPO_RECIPE) if not path.exists()]
    if missing:
        raise FtarenaError(
            f"the demo's files are not here: {missing[0]}",
            "clone the repository and run `make demo` in it; an installed package does not carry them",
        )


def _base_model(stage: Stage) -> Path:
    ref = resolve_model(MODEL)
    started = time.monotonic()
    path = prepare_model(ref, lambda line: stage.update(line))
    stage.skipped = time.monotonic() - started < 0.5
    return path


def _check_data(stage: Stage) -> None:
    training = [DATA / "sft.jsonl", DATA / "preferences.jsonl"]
    report = check_files(training, eval_files=[DATA / "heldout.jsonl", DATA / "general.jsonl"])
    errors = [finding for finding in report.findings if finding.severity == "error"]
    if errors:
        first = errors[0]
        raise FtarenaError(
            f"{first.file}:{first.line}: {first.message}"
            + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""),
            f"ftarena check {first.file}",
        )
    stage.update(f"{report.examples} examples, no errors")


class _Done:
    """Which run made which stage, and from what: `demo.json` in the workspace."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, key: str, fingerprint: str) -> str | None:
        """Return the id of the run that was made from exactly this, if any."""
        entry = read_json(self._path).get(key)
        return (
            str(entry["run"]) if isinstance(entry, dict) and entry.get("fingerprint") == fingerprint else None
        )

    def record(self, key: str, fingerprint: str, run: str) -> None:
        """Remember the run of a stage."""
        write_json(self._path, {**read_json(self._path), key: {"fingerprint": fingerprint, "run": run}})


def _train(
    stage: Stage,
    workspace: Workspace,
    done: _Done,
    key: str,
    recipe_file: Path,
    data: Path,
    parent: Run | None = None,
) -> Run:
    """Train one stage, join its run if it is under way, or find it done."""
    fingerprint = hashlib.sha256(
        b"\0".join([recipe_file.read_bytes(), data.read_bytes(), (parent.id if parent else "").encode()])
    ).hexdigest()
    run = _known_run(workspace, done.run(key, fingerprint))
    if run is not None and run.state is RunState.FINISHED:
        stage.skipped = True
        return run
    if run is None or run.state.ended:
        # The exam would take the cores from the next run and from the first answers: the report has it.
        overrides = {"examine": "false"} | ({"init_from": parent.id} if parent else {})
        run = start_training(load_recipe(recipe_file, overrides), workspace, recipe_file)
        done.record(key, fingerprint, run.id)
    return follow(stage, workspace, run)


def _known_run(workspace: Workspace, run_id: str | None) -> Run | None:
    if run_id is None:
        return None
    try:
        return find_run(workspace, run_id)
    except FtarenaError:  # its folder was removed: train again
        return None


def _engine(stage: Stage, workspace: Workspace, base: Path, sft: Run, dpo: Run) -> None:
    engine = Engine(workspace, base)
    started = time.monotonic()
    engine.start()
    engine.wait_ready(
        timeout_s=900,
        on_progress=lambda status: stage.update(status.message, fraction=status.progress, eta_s=status.eta_s),
    )
    for run in (sft, dpo):
        stage.update(f"loading the adapter {run.id}")
        engine.ensure_adapter(run.id, run.directory)
    stage.skipped = time.monotonic() - started < 2


def _first_answers(stage: Stage, workspace: Workspace, database: Path) -> None:
    """Answer one prompt with every contestant: enough for the first battle, the arena makes the rest."""
    with Store.open(database) as store:
        add_prompts_from_examples(store, DATA / "heldout.jsonl", source="heldout")
        sync_lineup(store, workspace)
        queue = AnswerQueue(store)
        stage.skipped = queue.ready() > 0
        if stage.skipped:
            return
        total = queue.contestants

        async def answer() -> None:
            pool = EnginePool(workspace)
            made = 0

            def count(*_: object) -> None:
                nonlocal made
                made += 1
                stage.update(f"answer {made} of {total}", fraction=made / total)

            try:
                await queue.fill(pool.client_for, limit=total, on_answer=count)
            finally:
                await pool.aclose()

        asyncio.run(answer())
