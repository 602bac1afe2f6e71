"""An adapter at part of its strength: the same weights, a smaller `lora_alpha`.

A LoRA adapter adds alpha / r · B A to each weight (alpha / √r with rank stabilisation), so scaling alpha is
interpolating between the base (0) and the tuned model (1), weight by weight. Less of an adapter often keeps
most of what was learned and little of what was forgotten (WiSE-FT, arXiv 2109.01903).
"""

import os
import shutil
import time
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.processes import read_json, write_json
from ftarena.training.runs import (
    ADAPTER_WEIGHTS,
    DATA_LOCK,
    RECIPE,
    RESOLVED_RECIPE,
    STATUS,
    Run,
    RunState,
    read_run,
)
from ftarena.workspace import Workspace, make_private

CONFIG = "adapter_config.json"

_OF_THE_RUN = (RECIPE, RESOLVED_RECIPE, DATA_LOCK, "environment.json")


def check_scalable(run: Run) -> Path:
    """Return the folder of a run's adapter, which can be scaled.

    Raises:
        FtarenaError: There is none, or it is more than a product of two matrices.
    """
    if run.model is not None:
        raise FtarenaError(
            f"{run.id} trained the whole model, and only adapters can be scaled",
            "train an adapter: tuning: lora",
        )
    if run.adapter is None:
        raise FtarenaError(
            f"{run.id} has left no adapter: it is {run.state}", f"see why: ftarena runs logs {run.id}"
        )
    config = read_json(run.adapter / CONFIG)
    if config.get("use_dora"):
        raise FtarenaError(
            f"{run.id} is a DoRA adapter: its magnitudes replace those of the base, "
            "so part of it is no model between the two",
            "train it with tuning: lora",
        )
    if config.get("modules_to_save"):
        names = ", ".join(map(str, config["modules_to_save"]))
        raise FtarenaError(
            f"{run.id} carries whole trained layers ({names}), which scaling alpha would leave as they are",
            "train it without modules_to_save",
        )
    return run.adapter


def scaled_config(config: dict[str, Any], scale: float) -> dict[str, Any]:
    """Return an adapter's configuration at part of its strength.

    Args:
        config: `adapter_config.json`.
        scale: 1 leaves it as it is, 0 would be the base.
    """
    patterns = {name: alpha * scale for name, alpha in (config.get("alpha_pattern") or {}).items()}
    scaled = config["lora_alpha"] * scale
    whole = int(scaled) if float(scaled).is_integer() else scaled
    return {**config, "lora_alpha": whole, "alpha_pattern": patterns}


def write_scaled(adapter: Path, scale: float, folder: Path) -> Path:
    """Write an adapter at part of its strength into a new folder, and return it; the weights are shared.

    Args:
        adapter: Folder of the adapter.
        scale: How much of it, above 0.
        folder: What to make; anything there is replaced.

    Raises:
        FtarenaError: The disk refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    make_private(folder)
    for file in adapter.iterdir():
        ours = file.name.startswith("tokenizer") or file.suffix == ".jinja" or file.name == ADAPTER_WEIGHTS
        if file.is_file() and (ours or file.name in ("special_tokens_map.json", "vocab.json", "merges.txt")):
            _share(file, folder / file.name)
    write_json(folder / CONFIG, scaled_config(read_json(adapter / CONFIG), scale))
    return folder


def keep_scaled(run: Run, workspace: Workspace, scale: float) -> Run:
    """Make a finished run of its own of an adapter at part of its strength.

    It is listed, shown, compared and shipped like any other; `made_from` in its `status.json` says whence.

    Args:
        run: Whose adapter.
        workspace: Its workspace.
        scale: How much of it, above 0 and below or above 1.

    Raises:
        FtarenaError: The adapter cannot be scaled, or the disk refuses.
    """
    adapter = check_scalable(run)
    name = f"{run.name}-x{scale:g}"
    folder = workspace.runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while folder.exists():
        number += 1
        folder = folder.with_name(f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{number}")
    aside = workspace.runs / f".{folder.name}.{os.getpid()}"
    write_scaled(adapter, scale, aside)
    for file in _OF_THE_RUN:
        if (run.directory / file).is_file():
            shutil.copyfile(run.directory / file, aside / file)
    now = time.time()
    status = {
        key: value
        for key, value in read_json(run.directory / STATUS).items()
        if key in ("method", "tuning", "base_model", "step", "total_steps")
    }
    write_json(
        aside / STATUS,
        {
            **status,
            "state": RunState.FINISHED,
            "name": name,
            "message": f"{run.id} at {scale:g} of its adapter",
            "made_from": {"run": run.id, "scale": scale},
            "started_at": now,
            "ended_at": now,
            "updated_at": now,
        },
    )
    aside.replace(folder)
    return read_run(folder)


def _share(source: Path, target: Path) -> None:
    """Link a file that is never written again; copy it where the disk has no hard links."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
