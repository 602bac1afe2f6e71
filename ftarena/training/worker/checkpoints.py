"""Saving what a run needs to go on, so that a crash at any moment leaves the last whole one usable.

A checkpoint holds what TRL's trainer saves (weights that learn, optimiser, schedule, random state) and, in
`run_state.pt`, what it forgets: the figures collected since the last log, and what ftarena's own callbacks
know. With both the steps after a resume are the very steps that an uninterrupted run would have made.
"""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, set_peft_model_state_dict
from safetensors.torch import load_file
from torch.utils.data import RandomSampler, Sampler

from ftarena.errors import FtarenaError
from ftarena.training.checkpoints import (
    BEST,
    Checkpoint,
    checkpoint_name,
    checkpoints_of,
    newest_whole,
    why_torn,
    write_manifest,
)
from ftarena.training.runs import ADAPTER_WEIGHTS
from ftarena.training.worker.job import Job

RUN_STATE = "run_state.pt"

_ASIDE = ".saving"
_COLLECTED = ("_metrics", "_stored_metrics", "_total_train_tokens", "seen")
# Where TRL's trainers, and ours on top of them, keep figures between two logs, and tokens seen so far.

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Checkpoints:
    """The checkpoints of one run.

    Args:
        job: The run.
        losses: Returns held-out loss by step, from which the best checkpoint is known.
        state: Returns what else is needed to go on; plain values, saved with each checkpoint.
    """

    def __init__(
        self, job: Job, losses: Callable[[], Mapping[int, float]], state: Callable[[], dict[str, Any]]
    ) -> None:
        self._directory = job.directory
        self._keep = job.recipe.save_total_limit
        self._reporter = job.reporter
        self._losses = losses
        self.state = state
        self._best: int | None = None

    def prepare(self) -> None:
        """Remove what a crash left half done."""
        for left in (self._directory / _ASIDE, *self._directory.glob(".gone-*")):
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def saving(self, step: int, *, needed: bool) -> Iterator[Path]:
        """Give a folder to write `checkpoint-<step>` into; it becomes the run's when the block is through.

        Args:
            step: Optimiser steps done.
            needed: Whether a checkpoint that cannot be written ends the run. Otherwise it is told and tried
                again the next time: the older ones are untouched.

        Raises:
            FtarenaError: It was needed and could not be written.
        """
        aside = self._directory / _ASIDE
        shutil.rmtree(aside, ignore_errors=True)
        try:
            aside.mkdir(mode=0o700)
            yield aside
            self._commit(aside / checkpoint_name(step), step)
        except Exception as error:
            shutil.rmtree(aside, ignore_errors=True)
            why = self._why_not_written(error)
            if why is None:
                raise
            older = newest_whole(self._directory)
            kept = f"the one of step {older.step} is whole" if older else "there is no older one"
            self._reporter.event(
                "checkpoint-failed",
                f"the checkpoint of step {step} could not be saved, {why}; {kept}",
                step=step,
            )
            if needed:
                raise FtarenaError(
                    f"the checkpoint of step {step} could not be saved, {why}; {kept}",
                    f"free some space, then: ftarena runs resume {self._directory.name}",
                ) from error
        else:
            shutil.rmtree(aside, ignore_errors=True)
            self._link_best()
            self._remove_old()

    def _commit(self, written: Path, step: int) -> None:
        for path in written.rglob("*"):
            if path.is_file():
                _sync(path)
        write_manifest(written, step)
        _sync(written)
        target = self._directory / written.name
        if target.exists():
            self._discard(target)
        written.rename(target)
        _sync(self._directory)

    def _why_not_written(self, error: Exception) -> str | None:
        """Return why a file could not be written, or None where something else went wrong.

        Neither torch nor safetensors keeps the number of the error: they say it in words.
        """
        text = str(error)
        if getattr(error, "errno", None) in _FULL or any(os.strerror(number) in text for number in _FULL):
            return "the disk is full"
        if isinstance(error, OSError):
            return f"the disk refuses: {error.strerror or error}"
        if type(error).__name__ == "SafetensorError" or "PytorchStreamWriter" in text:
            return f"the disk refuses: {' '.join(text.split())[:150]}"
        return None

    def _link_best(self) -> None:
        """Let `best` point to the checkpoint with the lowest held-out loss."""
        losses = self._losses()
        kept = [one.step for one in checkpoints_of(self._directory) if one.step in losses]
        if not kept:
            return
        best = min(kept, key=lambda step: (losses[step], step))
        link, aside = self._directory / BEST, self._directory / f".{BEST}"
        aside.unlink(missing_ok=True)
        aside.symlink_to(checkpoint_name(best), target_is_directory=True)
        aside.replace(link)
        self._best = best

    def _remove_old(self) -> None:
        for old in checkpoints_of(self._directory)[: -self._keep]:
            if old.step != self._best:
                self._discard(old.folder)

    def _discard(self, folder: Path) -> None:
        """Remove a checkpoint; its name goes first, so that a crash on the way leaves no torn one."""
        gone = folder.with_name(f".gone-{folder.name}")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


class SafeCheckpoints:
    """Mixed into a trainer of TRL, before it: saves and resumes through `Checkpoints`."""

    checkpoints: Checkpoints | None = None
    """Set before training; without it the trainer saves as TRL does."""

    recalled: dict[str, Any] | None = None
    """The `run_state.pt` of the checkpoint to resume from, until it is used."""

    _saving_into: Path | None = None
    _order: "EpochOrder | None" = None

    def _save_checkpoint(self: Any, model: Any, trial: Any) -> None:
        if self.checkpoints is None:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]  # of the trainer it is mixed into
            return
        step = self.state.global_step
        with self.checkpoints.saving(step, needed=bool(self.control.should_training_stop)) as aside:
            self._saving_into = aside
            try:
                super()._save_checkpoint(model, trial)  # type: ignore[misc]  # as above
            finally:
                self._saving_into = None
            torch.save(
                {"trainer": self._collected(), "run": self.checkpoints.state()},
                aside / checkpoint_name(step) / RUN_STATE,
            )

    def _get_output_dir(self: Any, trial: Any) -> str:
        if self._saving_into is not None:
            return str(self._saving_into)
        return str(super()._get_output_dir(trial))  # type: ignore[misc]  # as above

    def _save(self: Any, output_dir: str | None = None, state_dict: Any = None) -> None:
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        if not isinstance(model, PeftModel) or self._saving_into is None or output_dir is None:
            super()._save(output_dir, state_dict)  # type: ignore[misc]  # as above
            return
        # transformers would save the frozen reference as well, and on resuming load nothing but that one.
        model.save_pretrained(output_dir, selected_adapters=["default"])
        if self.processing_class is not None:
            self.processing_class.save_pretrained(output_dir)

    def _load_from_checkpoint(self: Any, resume_from_checkpoint: str, model: Any = None) -> None:
        target = self.accelerator.unwrap_model(model or self.model, keep_torch_compile=False)
        if not isinstance(target, PeftModel):
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]  # as above
            return
        # Only what learns is replaced: the reference was copied from the model at the start of the run.
        weights = load_file(Path(resume_from_checkpoint) / ADAPTER_WEIGHTS)
        result = set_peft_model_state_dict(target, weights, adapter_name="default")
        if result.unexpected_keys:
            raise FtarenaError(
                f"the adapter in {resume_from_checkpoint} does not fit the model: {result.unexpected_keys[0]}"
            )

    def _get_train_sampler(self: Any, *args: Any, **kwargs: Any) -> Any:
        sampler = super()._get_train_sampler(*args, **kwargs)  # type: ignore[misc]  # as above
        if not hasattr(sampler, "generator") and not isinstance(sampler, RandomSampler):
            return sampler  # in the order of the data
        self._order = EpochOrder(sampler, self.args.seed)
        return self._order

    def _run_epoch(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._order is not None:
            self._order.epoch = kwargs["epoch"]
        if self.recalled is not None:
            self._recall(self.recalled["trainer"])
            self.recalled = None
        return super()._run_epoch(*args, **kwargs)  # type: ignore[misc]  # as above

    def _collected(self: Any) -> dict[str, Any]:
        return {
            "loss": float(self._tr_loss),
            "loss_total": self._total_loss_scalar,
            "logged": self._globalstep_last_logged,
            **{
                name: _plain(value) for name in _COLLECTED if (value := getattr(self, name, None)) is not None
            },
        }

    def _recall(self: Any, collected: dict[str, Any]) -> None:
        self._tr_loss.fill_(collected.pop("loss"))
        self._total_loss_scalar = collected.pop("loss_total")
        self._globalstep_last_logged = collected.pop("logged")
        for name, value in collected.items():
            if not isinstance(value, dict):
                setattr(self, name, value)
                continue
            for mode, figures in value.items():
                getattr(self, name)[mode].clear()
                getattr(self, name)[mode].update(figures)


class EpochOrder(Sampler[int]):  # type: ignore[misc]  # torch is not followed by mypy
    """The order of the examples in an epoch, which depends on the seed and the epoch and on nothing else.

    transformers draws it from the global random state, so a run that is resumed in its second epoch would see
    other examples than the one that was interrupted.

    Args:
        sampler: Draws from its attribute `generator`.
        seed: Of the run.
    """

    def __init__(self, sampler: Any, seed: int) -> None:
        self._sampler = sampler
        self._seed = seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator()
        generator.manual_seed((self._seed + 1_000_003 * self.epoch) % 2**63)
        self._sampler.generator = generator
        return iter(self._sampler)

    def __len__(self) -> int:
        return len(self._sampler)


def whole_checkpoint(job: Job) -> Checkpoint:
    """Return the newest whole checkpoint of a run that is resumed, and tell which are torn.

    Raises:
        FtarenaError: None is whole.
    """
    for checkpoint in reversed(checkpoints_of(job.directory)):
        why = why_torn(checkpoint, thorough=True)
        if not why:
            return checkpoint
        job.reporter.event(
            "torn-checkpoint",
            f"{checkpoint.folder.name} is torn and was skipped: {why}",
            step=checkpoint.step,
        )
        # Out of the way of the next look, but kept for whoever wants to know.
        checkpoint.folder.rename(checkpoint.folder.with_name(f"torn-{checkpoint.folder.name}"))
    raise FtarenaError(
        f"{job.directory.name} has no whole checkpoint", "start it anew from its recipe.resolved.yaml"
    )


def read_run_state(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what `run_state.pt` of a checkpoint holds."""
    state: dict[str, Any] = torch.load(checkpoint.folder / RUN_STATE, map_location="cpu", weights_only=True)
    return state


@contextmanager
def written_aside(directory: Path) -> Iterator[Path]:
    """Give a folder for the files of a result; when all are there, each moves to the run's own as one step.

    Args:
        directory: The run's folder.
    """
    aside = directory / _ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    try:
        yield aside
        for path in aside.iterdir():
            if path.is_file():
                _sync(path)
        for path in sorted(aside.iterdir()):
            path.replace(directory / path.name)
        _sync(directory)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(value: Any) -> Any:
    """Return collected figures as plain dictionaries and lists, which load without running code."""
    if isinstance(value, defaultdict | dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    return value.item() if hasattr(value, "item") else value
