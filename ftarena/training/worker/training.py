"""One run from its recipe to its adapter: the order of things, each done by a module of its own."""

from pathlib import Path

import datasets
import transformers

from ftarena.processes import write_json
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.training.data import RunData, load_data, write_dropped
from ftarena.training.models import prepare_model
from ftarena.training.runs import DATA_LOCK, DROPPED, RunState
from ftarena.training.worker import artifacts
from ftarena.training.worker.callback import RunCallback
from ftarena.training.worker.encoding import encode_run
from ftarena.training.worker.guarding.general import encode_general
from ftarena.training.worker.job import Job
from ftarena.training.worker.loading import end_tokens, load_base, load_tokenizer, tune
from ftarena.training.worker.machine import machine_for
from ftarena.training.worker.measuring import Measuring
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag
from ftarena.training.worker.tokens import chat_tokenizer
from ftarena.training.worker.trainers import build_trainer
from ftarena.training.worker.watchdog import Watchdog


def train(directory: Path, recipe: Recipe, reporter: Reporter, stop: StopFlag) -> RunState:
    """Do what the recipe says and leave the result in the run's folder.

    Args:
        directory: The run's folder.
        recipe: Resolved recipe; `init_from` is a folder.
        reporter: Where everything is told.
        stop: Set when someone asks to stop.

    Returns:
        `FINISHED`, or `STOPPED` where it ended early on request; the adapter is saved in both cases.

    Raises:
        FtarenaError: The recipe and the data or the machine do not fit, or the loss became nonsense.
        StopRequested: Someone asked to stop before the first step.
    """
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    transformers.set_seed(recipe.seed)
    job = Job(directory, recipe, reporter, stop, machine_for(recipe))
    data = _load_data(job)

    reporter.doing(RunState.PREPARING, f"loading {recipe.model_name_or_path}")
    base = prepare_model(
        resolve_model(recipe.model_name_or_path), lambda line: reporter.doing(RunState.PREPARING, line)
    )
    tokenizer = load_tokenizer(base)
    model = load_base(base, recipe, job.machine)
    end_ids = end_tokens(model, tokenizer)
    chat = chat_tokenizer(base, tokenizer, end_ids, recipe.model_name_or_path, data.train)
    artifacts.save_environment(directory, base=base, machine=job.machine, tokenizer=chat, end_ids=end_ids)

    reporter.doing(RunState.PREPARING, f"tokenising {len(data.train) + len(data.heldout)} examples")
    examples = encode_run(job, chat, data)
    general = encode_general(job, chat, data.general)
    write_json(directory / DATA_LOCK, job.lock)

    reporter.doing(RunState.PREPARING, "setting up the trainer")
    model = tune(model, recipe)
    measuring = Measuring(job, examples.heldout, general, tokenizer.pad_token_id)
    trainer = build_trainer(
        job, model, tokenizer, examples.train, [RunCallback(job, measuring), Watchdog(job)]
    )
    stop.wait_for_step()
    trainer.train()

    reporter.doing(RunState.EVALUATING, "saving what was learned")
    artifacts.save_model(directory, trainer.accelerator.unwrap_model(trainer.model), tokenizer, recipe)
    artifacts.save_card(directory, recipe, job.lock, measuring.losses)
    best = artifacts.link_best(directory, measuring.losses)
    if best is not None:
        reporter.event(
            "best", f"best checkpoint: step {best}, held-out loss {measuring.losses[best]:.3f}", step=best
        )
    done_early = trainer.state.global_step < trainer.state.max_steps
    return RunState.STOPPED if stop.requested and done_early else RunState.FINISHED


def _load_data(job: Job) -> RunData:
    """Read what the recipe names, and tell what was left out and what is replayed."""
    data = load_data(job.recipe)
    job.lock.update(data.lock)
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
