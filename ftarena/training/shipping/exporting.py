"""What a run learned as a folder that transformers, vLLM and Ollama load: merged, or the adapter alone.

The folder is made aside and renamed when it is whole and was found to say what the run's adapter says. What
goes into it besides the weights is chosen here; the weights are written by a process of its own
(`ftarena.training.worker.merging`), since a front end loads no torch.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from ftarena import __version__
from ftarena.errors import FtarenaError, UsageError, from_os_error
from ftarena.hardware import disk_free
from ftarena.processes import read_json, write_json
from ftarena.recipes.models import resolve_model
from ftarena.text import shorten, size
from ftarena.training.checkpoints import checkpoints_of, why_torn
from ftarena.training.errands import run_errand
from ftarena.training.jobs import worker_environment
from ftarena.training.models import prepare_model
from ftarena.training.runs import ADAPTER_WEIGHTS, Run
from ftarena.training.shipping.files import ENVIRONMENT, copy_small, copy_weights, write_adapter
from ftarena.training.shipping.model_card import CardFacts, write_card
from ftarena.training.shipping.wholeness import check_whole

RECORD = "ftarena-export.json"
"""Written last: from which run and how. Only a folder that holds it is ever replaced."""

Form = Literal["merged", "adapter", "model"]
"""A model with an adapter merged into it, an adapter alone, or a model that was trained whole."""

_DTYPES = ("as-base", "float32", "bfloat16")

LARGEST_SCALE = 2.0
"""As far as `runs scale` goes: further from the base nothing was ever seen to help."""

_SPARE = 1.05  # what a file system needs besides the bytes themselves


@dataclass(frozen=True)
class Source:
    """The weights of a run that are shipped."""

    run: Run
    folder: Path
    """The run's folder, or one of its checkpoints."""

    is_adapter: bool
    step: int | None
    """Of a checkpoint; None for what the run ended with."""


@dataclass(frozen=True)
class Export:
    """A folder that was made."""

    folder: Path
    form: Form
    bytes: int
    seconds: float
    step: int | None
    figures: dict[str, Any] = field(default_factory=dict)
    """What `merging` said: `tensors`, `changed`, `peak_bytes`, and `agreement` where it was compared."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "folder": str(self.folder),
            "form": self.form,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 1),
            "checkpoint": self.step,
            **self.figures,
        }


def weights_of(run: Run, checkpoint: str | None = None) -> Source:
    """Return what can be shipped of a run.

    Args:
        run: The run.
        checkpoint: A step, or `best`; `None` is what it ended with.

    Raises:
        UsageError: There is no such checkpoint.
        FtarenaError: The run makes no model that answers, has not ended, or left nothing.
    """
    if run.method == "reward":
        raise FtarenaError(
            f"{run.id} is a reward model: it scores answers and gives none, so it cannot be shipped as one",
            f"transformers loads it as it lies, as a sequence classifier: {run.directory}",
        )
    if checkpoint is not None:
        folder = _checkpoint(run, checkpoint)
        return Source(run, folder, (folder / ADAPTER_WEIGHTS).is_file(), _step(folder))
    if run.adapter is not None:
        return Source(run, run.adapter, True, None)
    if run.model is not None:
        return Source(run, run.model, False, None)
    if not run.state.ended:
        raise FtarenaError(
            f"the run {run.id} has not ended: it is {run.state}", "wait for it, or name a --checkpoint"
        )
    steps = ", ".join(str(_step(folder)) for folder in _checkpoints(run))
    raise FtarenaError(
        f"the run {run.id} left no model: it is {run.state}"
        + (f" ({shorten(run.message, 120)})" if run.message else ""),
        f"its checkpoints can be shipped: --checkpoint {steps}" if steps else f"ftarena runs show {run.id}",
    )


def export_model(
    run: Run,
    target: Path,
    *,
    adapter_only: bool = False,
    checkpoint: str | None = None,
    scale: float = 1.0,
    dtype: str = "as-base",
    verify: bool = True,
    force: bool = False,
    arena: Sequence[str] = (),
    on_progress: Callable[[str], None] = lambda line: None,
) -> Export:
    """Make a folder of what a run learned.

    Args:
        run: The run.
        target: The folder to make.
        adapter_only: The adapter as it is, not merged.
        checkpoint: A step, or `best`; `None` is what the run ended with.
        scale: Factor on what an adapter learned, above 0: 1 is all of it, 2 the most.
        dtype: How weights are stored: `float32`, `bfloat16`, or `as-base`, which for a run that trained whole
            weights is as it saved them.
        verify: Whether a merged model is compared with its adapter before it is called done.
        force: Whether an export that lies there may be replaced.
        arena: Lines for the model card about what people voted.
        on_progress: Called with one line for a human at each step.

    Returns:
        What was made.

    Raises:
        UsageError: Options exclude each other, or the target cannot be used.
        FtarenaError: There is nothing to ship, the disk or the memory is too small, or the result is not what
            the run learned; nothing is left then.
    """
    started = time.monotonic()
    source = weights_of(run, checkpoint)
    _check(source, adapter_only=adapter_only, scale=scale, dtype=dtype)
    target = target.expanduser().absolute()
    form: Form = "model" if not source.is_adapter else "adapter" if adapter_only else "merged"
    try:
        _check_target(target, run, force)
        _check_weights(source)
        base = base_of(run, on_progress) if source.is_adapter else source.folder
        if form == "merged":
            check_whole(base, f"the base model {shorten(run.base_model, 60)}", "fetch it again")
        _check_room(target, source, base, form, dtype)
        with _aside(target) as half:
            copy_small(
                run,
                (run.directory, source.folder, base),
                base,
                half,
                target.name,
                None if form == "adapter" else dtype,
            )
            if form == "adapter":
                figures: dict[str, Any] = {}
                write_adapter(run, source.folder, half, scale)
            elif form == "model" and dtype == "as-base":
                figures = {}
                copy_weights(source.folder, half)
            else:
                figures = _write_model(source, base, half, scale, dtype, verify, on_progress)
            agreement = figures.get("agreement")
            facts = CardFacts(
                name=target.name,
                form=form,
                step=source.step,
                scale=scale,
                dtype=dtype,
                base_folder=base if source.is_adapter else None,
                agreement=agreement if isinstance(agreement, dict) else None,
                arena=tuple(arena),
            )
            write_card(half, run, facts)
            record = {"run": run.id, "checkpoint": source.step, "form": form, "scale": scale, "dtype": dtype}
            write_json(half / RECORD, {**record, "ftarena": __version__, **figures})
    except OSError as error:
        raise _refused(error, target) from error
    total = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    return Export(target, form, total, time.monotonic() - started, source.step, figures)


def base_of(run: Run, on_progress: Callable[[str], None] = lambda line: None) -> Path:
    """Return the folder of the model that a run's adapter sits on, as published: never in 4 bits.

    Raises:
        FtarenaError: It is not on this machine any more, and cannot be fetched.
    """
    used = read_json(run.directory / ENVIRONMENT).get("base_model_path")
    if isinstance(used, str) and (Path(used) / "config.json").is_file():
        return Path(used)
    return prepare_model(resolve_model(run.base_model), on_progress)


def _check(source: Source, *, adapter_only: bool, scale: float, dtype: str) -> None:
    if dtype not in _DTYPES:
        raise UsageError(
            f"weights cannot be stored as {shorten(dtype, 30)!r}", f"--dtype {', '.join(_DTYPES)}"
        )
    if not 0 < scale <= LARGEST_SCALE:
        raise UsageError(
            f"--scale {scale:g} is no factor above 0 and at most {LARGEST_SCALE:g}",
            "1 is all of what was learned, 0.5 half of it",
        )
    if not source.is_adapter:
        if adapter_only:
            raise UsageError(
                f"{source.run.id} trained whole weights ({source.run.tuning}), so there is no adapter",
                "leave --adapter out",
            )
        if scale != 1:
            raise UsageError(
                "--scale weakens an adapter, and this run trained whole weights",
                "take an earlier checkpoint instead: --checkpoint STEP",
            )
    elif scale != 1 and read_json(source.folder / "adapter_config.json").get("use_dora"):
        raise UsageError(
            "--scale cannot weaken a DoRA adapter: the magnitudes that it learned are no factor",
            "take an earlier checkpoint instead: --checkpoint STEP",
        )
    if adapter_only and dtype != "as-base":
        raise UsageError(
            "--dtype is about merged weights, and --adapter merges none", "leave one of them out"
        )


def _check_target(target: Path, run: Run, force: bool) -> None:
    if target.is_relative_to(run.directory.absolute()):
        raise UsageError(f"{target} lies in the run's own folder", "choose a folder elsewhere with -o")
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir() or target.is_symlink():
        raise UsageError(f"{target} is there already and is no folder", "choose another name with -o")
    if not any(target.iterdir()):
        return
    if not (target / RECORD).is_file():
        raise UsageError(
            f"{target} is there already and holds something else than an export",
            "choose another name with -o",
        )
    if not force:
        raise UsageError(
            f"{target} is there already", "replace it with --force, or choose another name with -o"
        )


def _check_weights(source: Source) -> None:
    """Make sure that what is shipped is whole: a crash or a full disk may have cut it."""
    run = source.run
    others = [str(one.step) for one in checkpoints_of(run.directory) if not why_torn(one)]
    hint = (
        f"use --checkpoint {' or '.join(others)}"
        if others
        else f"no checkpoint of it is whole either; train it again: ftarena runs show {run.id}"
    )
    what = "adapter" if source.is_adapter else "model"
    where = f" at step {source.step}" if source.step is not None else ""
    check_whole(source.folder, f"the {what} of {run.id}{where}", hint)


def _check_room(target: Path, source: Source, base: Path, form: Form, dtype: str) -> None:
    """Make sure that a folder fits onto the disk of its target, as far as that is known before.

    Weights that are only linked take nothing. How much other number formats take, `merging` knows.
    """
    small = sum(file.stat().st_size for file in base.glob("*.json") if not file.name.endswith(".index.json"))
    weights = list((base if form == "merged" else source.folder).glob("*model*.safetensors"))
    if dtype != "as-base" or (form != "merged" and weights and _same_disk(weights[0], target)):
        weights = []
    needed = (small + sum(file.stat().st_size for file in weights)) * _SPARE
    free = disk_free(target.parent)
    if free < needed:
        raise FtarenaError(
            f"{target} takes {size(needed)} and {size(free)} are free on its disk",
            f"free some space, or choose another folder with -o: df -h {_nearest(target)}",
        )


def _same_disk(file: Path, target: Path) -> bool:
    return file.stat().st_dev == _nearest(target).stat().st_dev


def _nearest(target: Path) -> Path:
    """Return the nearest folder above a target that is there."""
    return next(folder for folder in target.parents if folder.exists())


def _refused(error: OSError, target: Path) -> FtarenaError:
    """Say what the system refused, of the target: a copy that fails names the file that was read."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        said = from_os_error(OSError(error.errno, error.strerror, str(target)))
    else:
        said = from_os_error(error, str(target))
    return said or FtarenaError(
        f"{target} cannot be made: {error.strerror or error}", "choose another folder with -o"
    )


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """Make a folder beside the target that takes its place at the end; whatever goes wrong, it is removed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(
            f"{_nearest(target)} is no folder, so nothing can be made in it", "choose another folder with -o"
        ) from None
    stem = f".{target.name}.half-"
    for other in target.parent.glob(f"{stem}*"):  # of an export that was killed
        pid = other.name.removeprefix(stem)
        if not (pid.isdecimal() and psutil.pid_exists(int(pid))):
            shutil.rmtree(other, ignore_errors=True)
    half = target.parent / f"{stem}{os.getpid()}"
    half.mkdir(mode=0o700)
    try:
        yield half
        half.chmod(0o755)
        old = target.parent / f".{target.name}.old-{os.getpid()}"
        if target.exists():
            target.replace(old)
        half.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _write_model(
    source: Source,
    base: Path,
    half: Path,
    scale: float,
    dtype: str,
    verify: bool,
    on_progress: Callable[[str], None],
) -> dict[str, Any]:
    words = ["--base", str(base), "--target", str(half), "--dtype", dtype, "--scale", repr(scale)]
    if source.is_adapter:
        words += ["--adapter", str(source.folder)]
    if verify:
        words += ["--verify"]
    return run_errand(
        "ftarena.training.worker.merging",
        words,
        on_progress,
        "the model could not be written",
        worker_environment(),
    )


def _checkpoint(run: Run, wanted: str) -> Path:
    folder = run.directory / ("best" if wanted == "best" else f"checkpoint-{wanted}")
    if (folder / ADAPTER_WEIGHTS).is_file() or any(folder.glob("model*.safetensors")):
        return folder.resolve()
    steps = ", ".join(str(_step(other)) for other in _checkpoints(run))
    raise UsageError(
        f"the run {run.id} has no checkpoint {shorten(wanted, 20)!r}",
        f"there are: {steps}" if steps else "it kept none; leave --checkpoint out",
    )


def _checkpoints(run: Run) -> list[Path]:
    found = [folder for folder in run.directory.glob("checkpoint-*") if _step(folder) is not None]
    return sorted(found, key=lambda folder: _step(folder) or 0)


def _step(folder: Path) -> int | None:
    number = folder.name.removeprefix("checkpoint-")
    return int(number) if number.isdecimal() else None
