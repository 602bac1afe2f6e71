"""One run from its recipe to its adapter: the order of things, each done by a module of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import datasets
import transformers

from ftarena.errors import FtarenaError
from ftarena.processes import write_json
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.training.checkpoints import read_best
from ftarena.training.data import RunData, load_data, write_dropped
from ftarena.training.models import prepare_model
from ftarena.training.resuming import check_same_data
from ftarena.training.runs import ADAPTER_WEIGHTS, DATA_LOCK, DROPPED, MODEL_WEIGHTS, RunState
from ftarena.training.trackers import need_trackers
from ftarena.training.worker import artifacts
from ftarena.training.worker.callback import RunCallback
from ftarena.training.worker.checkpoints import (
    Checkpoints,
    read_run_state,
    whole_checkpoint,
    written_aside,
)
from ftarena.training.worker.encoding import encode_run
from ftarena.training.worker.guarding.general import encode_general
from ftarena.training.worker.job import Job
from ftarena.training.worker.loading import end_tokens, load_base, load_tokenizer, tune, unservable
from ftarena.training.worker.machine import machine_for
from ftarena.training.worker.measuring import Measuring, mean_chosen_tokens
from ftarena.training.worker.randomness import be_deterministic
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag
from ftarena.training.worker.surroundings import save_environment
from ftarena.training.worker.tokens import chat_tokenizer
from ftarena.training.worker.trainers import build_trainer
from ftarena.training.worker.watchdog import Watchdog


def train(
    directory: Path, recipe: Recipe, reporter: Reporter, stop: StopFlag, *, resume: bool = False
) -> RunState:
    """Do what the recipe says and leave the result in the run's folder.

    Args:
        directory: The run's folder.
        recipe: Resolved recipe; `init_from` is a folder.
        reporter: Where everything is told.
        stop: Set when someone asks to stop or to pause.
        resume: Go on from the newest whole checkpoint instead of beginning.

    Returns:
        `FINISHED`, or `STOPPED` where it ended early on request; what was learned is saved in both cases. Or
        `PAUSED`, with a checkpoint only.

    Raises:
        FtarenaError: The recipe and the data or the machine do not fit, the loss became nonsense, or the disk
            refuses the last checkpoint.
        StopRequested: Someone asked to stop before the first step.
    """
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    transformers.set_seed(recipe.seed)
    need_trackers(recipe.report_to)
    job = Job(directory, recipe, reporter, stop, machine_for(recipe))
    if job.machine.device == "cpu":
        be_deterministic()
    if resume:
        job.resumed_from = whole_checkpoint(job)
        step = job.resumed_from.step
        reporter.event("resumed", f"goes on from the checkpoint of step {step}", step=step)
        reporter.go_on_from(step)
    data = _load_data(job)

    reporter.doing(RunState.PREPARING, f"loading {recipe.model_name_or_path}")
    base = prepare_model(
        resolve_model(recipe.model_name_or_path), lambda line: reporter.doing(RunState.PREPARING, line)
    )
    tokenizer = load_tokenizer(base)
    if reason := unservable(recipe):
        reporter.event("not-servable", reason)
    model = load_base(base, recipe, job.machine)
    end_ids = end_tokens(model, tokenizer)
    chat = chat_tokenizer(base, tokenizer, end_ids, recipe.model_name_or_path, data.train)
    save_environment(job, base=base, tokenizer=chat, end_ids=end_ids)

    reporter.doing(RunState.PREPARING, f"tokenising {len(data.train) + len(data.heldout)} examples")
    examples = encode_run(job, chat, data)
    general = encode_general(job, chat, data.general)
    write_json(directory / DATA_LOCK, job.lock)

    reporter.doing(RunState.PREPARING, "setting up the trainer")
    model = tune(model, recipe)
    measuring = Measuring(
        job,
        examples.heldout,
        general,
        tokenizer.pad_token_id,
        pairs=examples.heldout_pairs,
        answer_tokens=mean_chosen_tokens(examples.train),
    )
    callback, watchdog = RunCallback(job, measuring), Watchdog(job)
    trainer = callback.trainer = build_trainer(job, model, tokenizer, examples.train, [callback, watchdog])
    parts: dict[str, _Remembers] = {"callback": callback, "watchdog": watchdog, "measuring": measuring}
    _prepare_checkpoints(job, trainer, measuring, parts)
    stop.wait_for_step()
    trainer.train(resume_from_checkpoint=str(job.resumed_from.folder) if job.resumed_from else None)

    done = trainer.state.global_step >= trainer.state.max_steps or bool(measuring.enough)
    if stop.pausing and not stop.requested and not done:
        return RunState.PAUSED
    if not done and not stop.requested:
        raise FtarenaError(
            f"training ended by itself after {trainer.state.global_step} of {trainer.state.max_steps} steps: "
            "the examples do not fill a batch",
            "add examples, or set per_device_train_batch_size or gradient_accumulation_steps lower",
        )
    reporter.doing(RunState.EVALUATING, "saving what was learned")
    with written_aside(directory) as aside:
        artifacts.save_model(aside, trainer.accelerator.unwrap_model(trainer.model), tokenizer, recipe)
    artifacts.save_card(directory, recipe, job.lock, measuring.losses)
    best = read_best(directory)
    if best is not None and best.step in measuring.losses:
        loss = measuring.losses[best.step]
        reporter.event("best", f"best checkpoint: step {best.step}, held-out loss {loss:.3f}", step=best.step)
    return RunState.STOPPED if stop.requested and not done else RunState.FINISHED


class _Remembers(Protocol):
    """Something whose state is saved with each checkpoint."""

    def state(self) -> dict[str, Any]: ...

    def recall(self, state: dict[str, Any]) -> None: ...


def _prepare_checkpoints(
    job: Job, trainer: Any, measuring: Measuring, parts: Mapping[str, _Remembers]
) -> None:
    """Let a trainer save its checkpoints safely, and let everything know again what it knew at the one.

    Args:
        job: The run.
        trainer: Before `train`.
        measuring: Knows the held-out losses.
        parts: By name, what is saved beside the trainer's own state.
    """
    trainer.checkpoints = Checkpoints(
        job,
        losses=lambda: measuring.losses,
        state=lambda: {name: part.state() for name, part in parts.items()},
    )
    trainer.checkpoints.prepare()
    if job.resumed_from is None:
        return
    recalled = read_run_state(job.resumed_from)
    for name, part in parts.items():
        part.recall(recalled["run"][name])
    trainer.recalled = recalled
    for weights in (ADAPTER_WEIGHTS, *MODEL_WEIGHTS):
        # Of a stop before: what the run has learned is in its checkpoint, and again here at the end.
        (job.directory / weights).unlink(missing_ok=True)


def _load_data(job: Job) -> RunData:
    """Read what the recipe names, and tell what was left out and what is replayed."""
    data = load_data(job.recipe)
    job.lock.update(data.lock)
    if job.resumed_from is not None:
        check_same_data(job.directory, data.lock)
    if data.dropped:
        write_dropped(data.dropped, job.directory / DROPPED)
        job.reporter.event(
            "dropped",
            f"{len(data.dropped)} rows cannot be used and were left out: {DROPPED}",
            rows=len(data.dropped),
        )
    if replay := data.lock.get("replay"):
        job.reporter.event(
            "replay", f"{replay['rows']} rows are replay, {replay['share']:.1%} of all", rows=replay["rows"]
        )
    return data
