"""`environment.json`: what a result depends on besides recipe and data, for repeating and for resuming it."""

import platform
import time
from pathlib import Path
from typing import Any

from ftarena import hardware
from ftarena.curation.sets.manifest import sha256_of
from ftarena.curation.tokens import ChatTokenizer
from ftarena.processes import read_json, write_json
from ftarena.training.identity import fingerprint, git_state, versions
from ftarena.training.runs import ADAPTER_WEIGHTS, ENVIRONMENT, RESOLVED_RECIPE
from ftarena.training.worker.job import Job


def save_environment(job: Job, *, base: Path, tokenizer: ChatTokenizer, end_ids: frozenset[int]) -> None:
    """Write what the result depends on; of a resumed run add what it goes on with.

    Args:
        job: The run.
        base: The base model's folder.
        tokenizer: Whose template renders the examples.
        end_ids: Tokens at which the loaded model stops when it generates.
    """
    now = {
        "versions": versions(),
        "machine": job.machine.to_json(),
        "platform": platform.platform(),
        "hardware": _hardware(),
        "git": git_state(Path.cwd()),
    }
    path = job.directory / ENVIRONMENT
    if job.resumed_from is not None:
        before = read_json(path)
        again = {"time": time.time(), "step": job.resumed_from.step, **now}
        write_json(path, {**before, "resumed": [*(before.get("resumed") or []), again]})
        if before.get("machine") != now["machine"]:
            job.reporter.event(
                "other-machine",
                "it goes on with another device or number format than before: the curve may have a step here",
            )
        return
    recipe = job.recipe
    write_json(
        path,
        {
            **now,
            "seed": recipe.seed,
            "recipe_sha256": sha256_of(job.directory / RESOLVED_RECIPE),
            "base_model_path": str(base),
            "base_model_fingerprint": fingerprint(base),
            "init_from_sha256": (
                sha256_of(Path(recipe.init_from) / ADAPTER_WEIGHTS) if recipe.init_from else None
            ),
            "chat_template_sha256": tokenizer.template_digest if tokenizer.template else None,
            "end_token_ids": sorted(end_ids),
        },
    )


def _hardware() -> dict[str, Any]:
    return {
        "cores": hardware.usable_cores(),
        "memory_bytes": hardware.memory().total,
        "gpus": [
            {"name": card.name, "memory_mib": card.total_mib, "driver": card.driver}
            for card in hardware.gpus()
        ],
    }
