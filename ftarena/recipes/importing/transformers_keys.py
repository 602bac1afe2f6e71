"""Keys that LLaMA-Factory and axolotl hand on to transformers, and that so mean the same in both."""

from collections.abc import Callable
from typing import Any, get_args

from ftarena.recipes.choices import OPTIMISERS, TRACKERS
from ftarena.recipes.importing.translation import Lost, Translation
from ftarena.recipes.schema import Recipe

CountRows = Callable[[dict[str, Any]], int | None]
"""Tells how many examples a recipe trains on; None where that is not known here."""

LAUNCHER = Lost(
    "spreads the run over several GPUs or machines",
    "a run has one GPU here; multiply gradient_accumulation_steps by the number of theirs",
)
UPLOAD = Lost(
    "uploads to a hub", "nothing is uploaded; ftarena export model RUN -o DIR, then upload that folder"
)
_EXTRA_TOKENS = Lost(
    "adds tokens and so resizes the embeddings",
    "vLLM cannot serve an adapter with new tokens; write what they stand for in the model's own tokens",
)

SAME = (
    *("learning_rate", "weight_decay", "max_grad_norm", "seed", "max_steps"),
    *("logging_steps", "save_total_limit", "per_device_eval_batch_size"),
    *("gradient_accumulation_steps", "num_train_epochs", "gradient_checkpointing", "torch_compile"),
    *("lora_alpha", "lora_dropout", "lora_r", "attn_implementation", "early_stopping_threshold"),
)
"""Keys whose values are carried as they are."""

NEEDLESS: dict[str, str] = {
    "output_dir": "runs lie in .ftarena/runs/NAME-TIME",
    "overwrite_output_dir": "every run has a folder of its own",
    "logging_dir": "figures lie in the run's own folder",
    "plot_loss": "every run has its charts: ftarena runs watch RUN",
    "do_train": "training is what a recipe is for",
    "do_eval": "held-out loss is measured wherever there are held-out rows",
    "ddp_timeout": "there are no other processes to wait for",
    "ddp_find_unused_parameters": "there are no other processes to wait for",
    "ddp_timeout_seconds": "there are no other processes to wait for",
    "local_rank": "there are no other processes",
    "preprocessing_num_workers": "one process with a batched tokenizer reads the data",
    "dataset_processes": "one process with a batched tokenizer reads the data",
    "dataset_num_proc": "one process with a batched tokenizer reads the data",
    "dataloader_num_workers": "the examples are tokenised before the first step",
    "dataloader_pin_memory": "the examples are tokenised before the first step",
    "dataloader_prefetch_factor": "the examples are tokenised before the first step",
    "dataloader_persistent_workers": "the examples are tokenised before the first step",
    "remove_unused_columns": "columns that nothing is learned from are left alone",
    "tf32": "only products in float32 would change",
    "gradient_checkpointing_kwargs": "checkpoints are never re-entrant, which is what adapters need",
    "use_reentrant_gc": "checkpoints are never re-entrant, which is what adapters need",
    "load_best_model_at_end": "the best checkpoint by held-out loss is always kept: best/",
    "metric_for_best_model": "the best checkpoint is the one with the lowest held-out loss",
    "greater_is_better": "the best checkpoint is the one with the lowest held-out loss",
    "save_safetensors": "weights are always safetensors",
    "include_num_input_tokens_seen": "tokens and tokens a second are always counted",
    "include_tokens_per_second": "tokens and tokens a second are always counted",
    "log_level": "the log of a run has everything: ftarena runs logs RUN",
    "disable_tqdm": "progress is shown by ftarena runs watch RUN",
    "low_cpu_mem_usage": "weights are always read piece by piece",
    "cache_dir": "the hub's own cache is used",
    "strict": "unknown keys are always refused",
    "debug": "ftarena check and --dry-run show what a run would do",
}

LOST: dict[str, Lost] = {
    "trust_remote_code": Lost(
        "runs code that comes with the model",
        "nothing to do if transformers knows the model; else use another",
    ),
    "deepspeed": LAUNCHER,
    "fsdp": LAUNCHER,
    "fsdp_config": LAUNCHER,
    "fsdp_version": LAUNCHER,
    "accelerator_config": LAUNCHER,
    "hub_model_id": UPLOAD,
    "hub_strategy": UPLOAD,
    "hub_token": UPLOAD,
    "hub_private_repo": UPLOAD,
    "push_to_hub": UPLOAD,
    "add_tokens": _EXTRA_TOKENS,
    "add_special_tokens": _EXTRA_TOKENS,
    "resize_vocab": _EXTRA_TOKENS,
    "tokens": _EXTRA_TOKENS,
    "added_tokens_overrides": _EXTRA_TOKENS,
    "resize_token_embeddings_to_32x": _EXTRA_TOKENS,
    "neftune_noise_alpha": Lost("adds noise to the embeddings", "leave it out; more data help more"),
    "adam_beta1": Lost("sets AdamW's beta 1", "0.9 is used"),
    "adam_beta2": Lost("sets AdamW's beta 2", "0.999 is used"),
    "adam_epsilon": Lost("sets AdamW's epsilon", "1e-8 is used"),
    "optim_args": Lost("passes options to the optimiser", "its defaults are used"),
    "lr_scheduler_kwargs": Lost("shapes the schedule", "the schedule's defaults are used"),
    "group_by_length": Lost(
        "puts examples of like length into one batch", "packing: true (sft) wastes no padding at all"
    ),
    "data_seed": Lost("orders the data by a seed of its own", "seed decides that as well"),
    "save_only_model": Lost(
        "saves checkpoints that cannot be resumed", "checkpoints are whole; save_total_limit bounds them"
    ),
    "resume_from_checkpoint": Lost(
        "goes on from a checkpoint", "ftarena runs resume RUN; a new run from an old adapter: init_from"
    ),
    "auto_resume_from_checkpoints": Lost(
        "goes on from a checkpoint", "ftarena runs resume RUN; a new run from an old adapter: init_from"
    ),
    "loraplus_lr_ratio": Lost("gives the adapter's B a higher learning rate", "one learning rate is used"),
    "loraplus_lr_embedding": Lost("gives embeddings their own learning rate", "one learning rate is used"),
}

KNOWN = {*SAME, *NEEDLESS, *LOST}

SCHEDULES: tuple[str, ...] = get_args(Recipe.model_fields["lr_scheduler_type"].annotation)

_ADAM = {"adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8}


def batch(said: Translation, key: str) -> None:
    """Carry the size of a batch; KTO compares the answers within one, so it needs two."""
    size, portions = as_float(said.get(key)), as_float(said.get("gradient_accumulation_steps", 1)) or 1
    if size is None:
        return
    if size > 1 or said.values.get("method") != "kto":
        said.carry(key, "per_device_train_batch_size", said.get(key))
        return
    said.carry(key, "per_device_train_batch_size", 2, "not 1: KTO compares the answers within a batch")
    if portions >= 2:
        half = int(portions // 2)
        said.carry(
            "gradient_accumulation_steps", "gradient_accumulation_steps", half, "half, since the batch is two"
        )


def targets(said: Translation, key: str, names: list[Any]) -> None:
    """Carry the layers that get an adapter, but for the head and the embeddings."""
    kept = [name for name in names if str(name).rpartition(".")[2] not in ("lm_head", "embed_tokens", "wte")]
    if kept == names:
        said.carry(key, "lora_target_modules", names)
        return
    said.values["lora_target_modules"] = kept or ["all-linear"]
    said.lose(
        key,
        "adapts the head or the embeddings as well; the other layers are carried over",
        "vLLM could not serve them; leave them out",
    )


def optimiser(said: Translation, key: str) -> None:
    """Carry the optimiser, where transformers has it."""
    given = said.get(key)
    if given is None:
        return
    if given in OPTIMISERS:
        said.carry(key, "optim", given)
    else:
        said.lose(key, f"the optimiser {given}, which transformers does not have", "adamw_torch is used")


def schedule(said: Translation, key: str) -> None:
    """Carry how the learning rate falls, where we have that schedule."""
    given = said.get(key)
    if given is None:
        return
    if given in SCHEDULES:
        said.carry(key, "lr_scheduler_type", given)
    else:
        said.lose(key, f"the schedule {given}", f"linear is used; there are {', '.join(SCHEDULES)}")


def warmup(said: Translation) -> None:
    """Carry the warm-up; where both a share and steps are given, the steps count, as in transformers."""
    steps = as_float(said.get("warmup_steps"))
    if steps is not None and 0 < steps < 1:  # transformers 5 takes a share there as well
        said.carry("warmup_steps", "warmup_ratio", steps)
    elif steps:
        said.carry("warmup_steps", "warmup_steps", int(steps))
    elif steps == 0:
        said.needless("warmup_steps", "none")
    if steps:
        said.drop({"warmup_ratio": "warmup_steps counts"})
    elif said.get("warmup_ratio") is not None:
        said.carry("warmup_ratio", "warmup_ratio", said.get("warmup_ratio"))


def precision(said: Translation) -> None:
    """Carry bf16; float16 is not done here."""
    bf16 = said.get("bf16", said.get("bfloat16"))
    for key in ("bf16", "bfloat16"):
        given = said.get(key)
        if given == "auto":
            said.needless(key, "the worker uses bf16 where the machine can, as auto does")
        elif given is not None:
            said.carry(key, "bf16", given is not False)
    if said.get("pure_bf16") is True and _all_learn(said):
        said.carry("pure_bf16", "pure_bf16", True)
    said.drop({"pure_bf16": "off, or an adapter learns, which is in float32 itself"})
    for key in ("fp16", "float16"):
        if said.get(key) in (None, False):
            said.drop({key: "float16 is never used"})
        elif bf16:
            said.needless(key, "bf16 is asked for as well")
        else:
            said.lose(key, "computes in float16", "bf16 is used where the GPU can, float32 elsewhere")


def _all_learn(said: Translation) -> bool:
    """Return whether weights of the base learn, not an adapter."""
    tuning = str(said.values.get("tuning", "lora"))
    return tuning == "full" or tuning.startswith("last-")


def adam(said: Translation) -> None:
    """Settle AdamW's figures that are what is used anyway."""
    for key, usual in _ADAM.items():
        if said.open(key) and as_float(said.get(key)) == usual:
            said.needless(key, "what is used anyway")


def report_to(said: Translation, key: str = "report_to") -> None:
    """Carry which trackers are told."""
    given = said.get(key)
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list):
        return
    known = [name for name in names if name in (*TRACKERS, "all", "none")]
    if known == names:
        said.carry(key, "report_to", known)
    else:
        said.lose(key, f"tells {', '.join(map(str, names))}", f"known are {', '.join(TRACKERS)}")


def run_name(said: Translation, key: str) -> None:
    """Carry the run's name, with what a folder cannot be called taken out."""
    given = said.get(key)
    if given is not None:
        plain = "".join(
            sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in str(given)
        )
        said.carry(key, "name", plain.lstrip("._-")[:64] or "run")


def interval(said: Translation, key: str, name: str, rows: int | None) -> None:
    """Carry a number of steps, or a share of all steps where their number is known.

    Args:
        said: The translation.
        key: The foreign key.
        name: Ours.
        rows: Examples an epoch. None: not known.
    """
    value = as_float(said.get(key))
    if value is None:
        return
    if value >= 1:
        said.carry(key, name, int(value))
    elif value > 0:
        epochs = as_float(said.values.get("num_train_epochs")) or 1.0
        total = steps_an_epoch(said, rows)
        if total is None:
            said.lose(
                key,
                f"every {value:g} of all steps, and their number is not known here",
                f"set {name} to steps",
            )
        else:
            said.carry(key, name, max(round(total * epochs * value), 1))
    else:
        said.needless(key, "off")


def steps_an_epoch(said: Translation, rows: int | None) -> int | None:
    """Return the optimiser steps of an epoch, where its examples are counted and not packed."""
    if rows is None or said.values.get("packing"):
        return None
    batch = as_float(said.values.get("per_device_train_batch_size"))
    portions = as_float(said.values.get("gradient_accumulation_steps"))
    if not batch or not portions:
        return None
    return max(int(-(-rows // (batch * portions))), 1)


def as_float(value: Any) -> float | None:
    """Return a number, also where YAML read it as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
