"""Axolotl's recipes (version 0.13: `utils/schemas/config.py`)."""

from collections.abc import Mapping
from typing import Any

from ftarena.recipes.data_entries import DataEntry, of_axolotl
from ftarena.recipes.importing import axolotl_keys as keys
from ftarena.recipes.importing import transformers_keys as shared
from ftarena.recipes.importing.chats import brings_template, settle_template
from ftarena.recipes.importing.translation import Translation
from ftarena.text import shorten


def translate(said: Translation, *, rows: shared.CountRows) -> None:
    """Take a recipe of axolotl over.

    Args:
        said: Its lines; what becomes of them is written there.
        rows: Counts the examples of the new recipe.
    """
    said.rename(keys.NAMES)
    _method(said)
    _tuning(said)
    _data(said)
    checkpointing = said.get("gradient_checkpointing")
    if isinstance(checkpointing, str):
        said.carry("gradient_checkpointing", "gradient_checkpointing", True)
    shared.batch(said, "micro_batch_size")
    said.rename({key: key for key in shared.SAME})
    for name, value in keys.DEFAULTS.items():
        said.assume(name, value)
    _schedule(said, rows)
    _speed(said)
    _trackers(said)
    _too_long(said)
    _tokens(said)
    settle_template(said, "chat_template")
    shared.adam(said)
    said.drop(shared.NEEDLESS | keys.NEEDLESS)
    said.drop({key: keys.KERNELS for key in said.given if key.startswith("liger_")})
    said.forsake(shared.LOST | keys.LOST)
    said.finish({*keys.NAMES, *keys.NEEDLESS, *keys.LOST, *keys.MARKS} | shared.KNOWN)


def _method(said: Translation) -> None:
    kind = said.get("rl")
    if said.get("reward_model") is True:
        said.carry("reward_model", "method", "reward")
    elif kind is None:
        said.values["method"] = "sft"
    elif method := keys.METHODS.get(str(kind)):
        said.carry("rl", "method", method)
    else:
        known = ", ".join(name for name, ours in keys.METHODS.items() if ours)
        said.lose("rl", f"{kind} is no method here", f"there are {known}")
        return
    said.drop({"reward_model": "off", "rl": "a reward model learns from pairs"})
    method = said.values["method"]
    if beta := keys.BETAS.get(method):
        said.carry(beta, "beta", said.get(beta, 2.0 if method == "simpo" else 0.1))
    if method == "dpo":
        _dpo_loss(said)
    if method == "simpo":
        said.rename({"simpo_gamma": "simpo_gamma"})
        if said.get("cpo_alpha"):
            said.lose("cpo_alpha", "adds an SFT term to SimPO", "method: cpo has one")
    if method == "kto":
        for key, name in (
            ("kto_desirable_weight", "desirable_weight"),
            ("kto_undesirable_weight", "undesirable_weight"),
        ):
            said.carry(key, name, said.get(key, 1.0))
    if method == "grpo":
        _grpo(said)
    unused = f"{method} does not have it"
    figures = (
        "rl_beta",
        "orpo_alpha",
        "cpo_alpha",
        "simpo_gamma",
        "kto_desirable_weight",
        "kto_undesirable_weight",
    )
    said.drop(dict.fromkeys((*figures, "rpo_alpha", "dpo_label_smoothing", "dpo_loss_type", "trl"), unused))


def _dpo_loss(said: Translation) -> None:
    weight = shared.as_float(said.get("rpo_alpha")) or 0.0
    said.values["loss_type"] = ["sigmoid", "sft"] if weight else ["sigmoid"]
    if weight:
        said.values["loss_weights"] = [1.0, weight]
        said.becomes("rpo_alpha", f"loss_weights: [1.0, {weight:g}], the second of the SFT term")
    else:
        said.notes["loss_type"] = f"{keys.TOOL}'s default; add sft to keep the chosen answers likely"
    given = said.get("dpo_loss_type")
    if given is not None:
        said.carry("dpo_loss_type", "loss_type", given if isinstance(given, list) else [given])
    if said.get("dpo_label_smoothing"):
        said.lose(
            "dpo_label_smoothing",
            "takes a share of the pairs for labelled the wrong way round, with the sigmoid loss",
            "loss_type: robust and label_smoothing, which is unbiased",
        )


def _grpo(said: Translation) -> None:
    options = said.get("trl")
    if not isinstance(options, Mapping):
        return
    carried = [
        name
        for name in ("beta", "num_generations", "max_completion_length", "temperature")
        if name in options
    ]
    said.values |= {name: options[name] for name in carried}
    left = ", ".join(shorten(str(name), 30) for name in options if name not in carried)
    if left:
        said.lose(
            "trl",
            f"{', '.join(carried) or 'nothing of it'} is carried over; not {left}",
            "reward functions: put them into one Python file (reward_file), name them in reward_funcs",
        )
    else:
        said.becomes("trl", ", ".join(carried))


def _tuning(said: Translation) -> None:
    adapter, four = said.get("adapter"), said.get("load_in_4bit") is True
    if adapter is None or adapter == "none":
        said.carry("adapter", "tuning", "full", "" if adapter else "no adapter is named")
    elif adapter not in ("lora", "qlora"):
        said.lose("adapter", f"tunes by {adapter}", "tuning: lora is used")
        said.values["tuning"] = "lora"
    else:
        said.carry("adapter", "tuning", "qlora" if adapter == "qlora" or four else "lora")
    tuning = said.values["tuning"]
    if tuning == "full":
        said.drop(
            dict.fromkeys(
                ("lora_r", "lora_alpha", "lora_dropout", "lora_target_linear", "lora_target_modules"),
                "no adapter learns",
            )
        )
    else:
        for key, name in (("peft_use_dora", "dora"), ("peft_use_rslora", "rslora")):
            if said.get(key) is True:
                if said.values["tuning"] == "lora":
                    said.values["tuning"] = name
                    said.becomes(key, f"tuning: {name}")
                else:
                    said.lose(key, f"{name} together with another kind of adapter", "tuning is one of them")
        _targets(said)
        said.rename({"lora_model_dir": "init_from"})
    said.drop({"peft_use_dora": "off", "peft_use_rslora": "off"})
    if tuning == "qlora":
        said.becomes("load_in_4bit", "tuning: qlora")
        said.drop({"load_in_8bit": "off, or 4 bits count"})
    elif four:
        said.lose(
            "load_in_4bit", "loads the base in 4 bits", "tuning: qlora trains an adapter on such a base"
        )
    said.drop({"load_in_4bit": "off"})


def _targets(said: Translation) -> None:
    if said.get("lora_target_linear") is True:
        said.carry("lora_target_linear", "lora_target_modules", ["all-linear"])
        said.drop({"lora_target_modules": "all linear layers get an adapter"})
    given = said.get("lora_target_modules")
    if not said.open("lora_target_modules") or given is None:
        said.drop({"lora_target_linear": "off"})
        return
    shared.targets(said, "lora_target_modules", given if isinstance(given, list) else [given])
    said.drop({"lora_target_linear": "off"})


def _data(said: Translation) -> None:
    for key, name in (("datasets", "dataset"), ("test_datasets", "eval_dataset")):
        entries = said.get(key)
        if not isinstance(entries, list):
            continue
        unread: list[str] = []
        kept = [_entry(entry, unread) for entry in entries]
        if unread:
            said.values[name] = kept
            said.lose(
                key,
                f"{name} is carried over but for {', '.join(unread)}",
                "see docs/data-formats.md for what is read",
            )
        elif any(_instructed(entry) for entry in kept):
            said.values[name] = kept
            paths = ", ".join(str(entry["path"]) for entry in kept if _instructed(entry))
            how = "in the tokenizer's chat template, not as ### Instruction"
            if brings_template(said.values.get("model_name_or_path")):
                said.becomes(key, f"{name}: {shorten(paths, 60)}, {how}")
            else:
                said.lose(
                    key,
                    f"{name} is carried over; rows of {shorten(paths, 60)} are written {how}",
                    "take a model that has one: its -Instruct variant",
                )
        else:
            said.carry(key, name, kept)
    held = shared.as_float(said.get("val_set_size")) or 0
    if held and said.values.get("eval_dataset"):
        said.needless("val_set_size", "test_datasets is what is held out")
    elif held:
        said.carry("val_set_size", "eval_split", said.get("val_set_size"))
    said.drop({"val_set_size": "nothing is held out"})


def _instructed(entry: Any) -> bool:
    """Return whether axolotl writes the rows of an entry with the headings of Alpaca."""
    return isinstance(entry, Mapping) and "path" in entry and str(entry.get("type")).startswith("alpaca")


def _entry(entry: Any, unread: list[str]) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    kept = {}
    for key, value in entry.items():
        if value is None:
            continue
        if key in DataEntry.model_fields or of_axolotl(key):
            kept[key] = value
        else:
            unread.append(shorten(str(key), 30))
    return kept


def _schedule(said: Translation, rows: shared.CountRows) -> None:
    shared.optimiser(said, "optimizer")
    if "optim" not in said.values:
        said.assume("optim", "adamw_torch_fused")
    if said.open("lr_scheduler") and said.get("lr_scheduler") is not None:
        said.values.pop("lr_scheduler_type", None)
        said.notes.pop("lr_scheduler_type", None)
        shared.schedule(said, "lr_scheduler")
    shared.warmup(said)
    held = bool(said.values.get("eval_dataset") or said.values.get("eval_split"))
    wanted = [key for key in ("evals_per_epoch", "saves_per_epoch") if said.get(key)]
    shares = [key for key in ("eval_steps", "save_steps") if 0 < (shared.as_float(said.get(key)) or 0) < 1]
    count = rows(said.values) if wanted or shares else None
    _times(said, "evals_per_epoch", "eval_steps", count, wanted=held)
    if held and said.get("eval_strategy", "steps") == "steps":
        shared.interval(said, "eval_steps", "eval_steps", count)
    said.drop(
        {
            "eval_steps": "there is nothing to measure on",
            "eval_strategy": "eval_steps says it, and before and after a run is always measured",
        }
    )
    _times(said, "saves_per_epoch", "save_steps", count, wanted=True)
    shared.interval(said, "save_steps", "save_steps", count)
    said.drop({"save_strategy": "save_steps says it; one is always saved at the end"})


def _times(said: Translation, key: str, name: str, count: int | None, *, wanted: bool) -> None:
    """Carry "so many times an epoch" as steps, where the steps of an epoch are known."""
    times = shared.as_float(said.get(key))
    if not times:
        said.drop({key: "never on the way, and always at the end"} if times == 0 else {})
        return
    if not wanted:
        said.needless(key, "there is nothing to measure on")
        return
    steps = shared.steps_an_epoch(said, count)
    if name == "save_steps" and times == 1 and shared.as_float(said.values["num_train_epochs"]) == 1:
        said.needless(key, "one is saved at the end")
    elif steps is None:
        said.lose(
            key,
            f"{_often(times)} an epoch, and its steps are not known here",
            f"set {name} to the steps of an epoch{f' ÷ {times:g}' if times != 1 else ''} (ftarena plan)",
        )
    else:
        said.carry(key, name, max(int(steps / times), 1), f"{_often(times)} an epoch")


def _often(times: float) -> str:
    return "once" if times == 1 else f"{times:g} times"


def _speed(said: Translation) -> None:
    if said.values["tuning"] == "full" and said.get("bf16", "auto") is not False:
        said.values["pure_bf16"] = True
        said.notes["pure_bf16"] = f"as {keys.TOOL} does; without it the weights are float32, twice as large"
    shared.precision(said)
    for key, name in (
        ("flash_attention", "flash_attention_2"),
        ("sdp_attention", "sdpa"),
        ("eager_attention", "eager"),
    ):
        if said.get(key) is True and "attn_implementation" not in said.values:
            said.carry(key, "attn_implementation", name)
        said.drop({key: "off, or attn_implementation says it"})
    if said.get("torch_compile") == "auto":
        said.values.pop("torch_compile", None)
        said.notes.pop("torch_compile", None)
    if said.get("sample_packing") is True and said.values.get("method") == "sft":
        said.carry("sample_packing", "packing", True)
    said.drop({"sample_packing": "off, or the method has no packing"})


def _trackers(said: Translation) -> None:
    told = [
        tracker
        for key, tracker in (
            ("wandb_project", "wandb"),
            ("mlflow_experiment_name", "mlflow"),
            ("comet_project_name", "comet_ml"),
            ("use_tensorboard", "tensorboard"),
            ("trackio_project_name", "trackio"),
            ("swanlab_project", "swanlab"),
        )
        if said.get(key)
    ]
    for key in ("wandb_project", "mlflow_experiment_name", "comet_project_name", "trackio_project_name"):
        if said.get(key):
            said.becomes(
                key, f"report_to: [{', '.join(told)}]; the project is named by the tracker's own variable"
            )
    if said.get("swanlab_project"):
        said.becomes("swanlab_project", f"report_to: [{', '.join(told)}]")
    if told:
        said.values["report_to"] = told


def _too_long(said: Translation) -> None:
    given = said.get("excess_length_strategy", "drop")
    choice = {"drop": "drop", "truncate": "truncate", "raise": "error"}.get(str(given))
    if choice:
        said.carry("excess_length_strategy", "too_long", choice)


def _tokens(said: Translation) -> None:
    tokens = said.get("special_tokens")
    if not isinstance(tokens, Mapping):
        return
    others = [str(key) for key in tokens if key != "pad_token" and tokens[key] is not None]
    if others:
        said.lose(
            "special_tokens",
            f"sets {', '.join(shorten(key, 30) for key in others)}",
            "the tokenizer's own are used (a new token would resize the embeddings, which vLLM cannot serve "
            "with an adapter); change the model's own tokenizer_config.json",
        )
    else:
        said.needless("special_tokens", "padding is masked by place, so any token will do")
