"""LLaMA-Factory's training recipes (version 0.9: `hparams/*_args.py`)."""

from pathlib import Path
from typing import Any

from ftarena.recipes.importing import llamafactory_keys as keys
from ftarena.recipes.importing import transformers_keys as shared
from ftarena.recipes.importing.chats import settle_template
from ftarena.recipes.importing.translation import Translation


def translate(said: Translation, *, data_folder: Path | None, rows: shared.CountRows) -> None:
    """Take a recipe of LLaMA-Factory over.

    Args:
        said: Its lines; what becomes of them is written there.
        data_folder: Where its `dataset_info.json` lies. None: as the recipe says.
        rows: Counts the examples of the new recipe.
    """
    said.rename({"model_name_or_path": "model_name_or_path"})
    shared.run_name(said, "run_name")
    _method(said)
    _tuning(said)
    _data(said, data_folder)
    said.rename(keys.NAMES)
    shared.batch(said, "per_device_train_batch_size")
    said.rename({key: key for key in shared.SAME})
    for name, value in keys.DEFAULTS.items():
        said.assume(name, value)
    if said.values.get("tuning") not in ("full", None) and not str(said.values["tuning"]).startswith("last-"):
        said.assume("lora_r", 8)
    _schedule(said, rows)
    _speed(said)
    shared.report_to(said)
    if said.get("use_swanlab") is True:
        said.carry("use_swanlab", "report_to", ["swanlab"])
    if said.values.get("method") != "grpo":
        said.assume(
            "too_long",
            "truncate",
            f"{keys.TOOL}'s default; a cut answer unlearns stopping: drop leaves it out",
        )
    settle_template(said, "template")
    shared.adam(said)
    said.drop(shared.NEEDLESS | keys.NEEDLESS)
    said.forsake(shared.LOST | keys.LOST)
    said.finish({*keys.NAMES, *keys.NEEDLESS, *keys.LOST, *keys.MARKS} | shared.KNOWN)


def _method(said: Translation) -> None:
    stage, loss = str(said.get("stage", "sft")), str(said.get("pref_loss", "sigmoid"))
    if stage not in keys.STAGES:
        said.lose(
            "stage", f"{stage} is no method here", "method: grpo learns from functions that score answers"
        )
        return
    method = keys.STAGES[stage]
    if stage == "dpo" and loss in ("orpo", "simpo", "ipo"):
        method = loss
        said.becomes("pref_loss", f"method: {loss}")
    said.carry(
        "stage", "method", method, "continued pre-training: rows of plain text" if stage == "pt" else ""
    )
    if method in ("dpo", "orpo", "simpo", "ipo", "kto"):
        said.carry("pref_beta", "beta", said.get("pref_beta", 0.1))
    if method == "simpo":
        said.carry("simpo_gamma", "simpo_gamma", said.get("simpo_gamma", 0.5))
    if method == "kto":
        said.carry("kto_chosen_weight", "desirable_weight", said.get("kto_chosen_weight", 1.0))
        said.carry("kto_rejected_weight", "undesirable_weight", said.get("kto_rejected_weight", 1.0))
    if method == "dpo":
        _dpo_loss(said, loss)
    elif said.get("pref_ftx"):
        said.lose("pref_ftx", "adds an SFT term", "only dpo has one here; orpo and cpo have their own")
    if said.get("use_dft_loss") is True and method == "sft":
        said.carry("use_dft_loss", "loss_type", "dft")
    if said.get("dpo_label_smoothing"):
        said.lose(
            "dpo_label_smoothing",
            "takes a share of the pairs for labelled the wrong way round, with the sigmoid loss",
            "loss_type: robust and label_smoothing, which is unbiased",
        )
    unused = "only preference methods have it"
    said.drop(
        dict.fromkeys(("pref_beta", "pref_ftx", "pref_loss", "simpo_gamma", "dpo_label_smoothing"), unused)
    )
    said.drop(dict.fromkeys(("kto_chosen_weight", "kto_rejected_weight"), "only KTO has it"))


def _dpo_loss(said: Translation, loss: str) -> None:
    if loss not in ("sigmoid", "hinge"):
        said.lose("pref_loss", f"the loss {loss}", "sigmoid is used; see loss_type for what there is")
        loss = "sigmoid"
    weight = shared.as_float(said.get("pref_ftx")) or 0.0
    said.carry("pref_loss", "loss_type", [loss, "sft"] if weight else [loss])
    if weight:
        said.values["loss_weights"] = [1.0, weight]
        said.becomes("pref_ftx", f"loss_weights: [1.0, {weight:g}], the second of the SFT term")
    else:
        said.notes.setdefault("loss_type", "add sft to keep the chosen answers likely")


def _tuning(said: Translation) -> None:
    kind, bits = str(said.get("finetuning_type", "lora")), said.get("quantization_bit")
    tuning = "full" if kind == "full" else "lora"
    if kind == "freeze":
        layers = shared.as_float(said.get("freeze_trainable_layers", 2)) or 0
        tuning = f"last-{int(layers)}" if layers > 0 else "last-2"
        if layers > 0:
            said.becomes("freeze_trainable_layers", f"tuning: {tuning}")
        else:
            said.lose(
                "freeze_trainable_layers", "trains the first layers", "only the last can be: tuning: last-N"
            )
    elif kind not in ("full", "lora"):
        said.lose("finetuning_type", f"tunes by {kind}", "tuning: lora is used")
    else:
        said.drop({"freeze_trainable_layers": "only finetuning_type: freeze has it"})
    if tuning == "lora":
        for key, name in (("use_dora", "dora"), ("use_rslora", "rslora")):
            if said.get(key) is True:
                if tuning != "lora" or bits == 4:
                    said.lose(key, f"{name} together with another kind of adapter", "tuning is one of them")
                else:
                    tuning = name
                    said.becomes(key, f"tuning: {name}")
        if bits == 4:
            tuning = "qlora"
            said.becomes("quantization_bit", "tuning: qlora")
        _targets(said)
        said.rename({"adapter_name_or_path": "init_from"})
    if said.open("quantization_bit"):
        said.lose(
            "quantization_bit", f"loads the base in {bits} bits", "4 bits are read (tuning: qlora), or bf16"
        )
    said.carry("finetuning_type", "tuning", tuning)
    said.drop(
        {
            "use_dora": "off, or no adapter learns",
            "use_rslora": "off, or no adapter learns",
            **dict.fromkeys(("lora_rank", "lora_alpha", "lora_dropout", "lora_target"), "no adapter learns"),
        }
        if tuning == "full" or tuning.startswith("last-")
        else {"use_dora": "off", "use_rslora": "off"}
    )


def _targets(said: Translation) -> None:
    given = said.get("lora_target", "all")
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
    if names == ["all"]:
        said.carry("lora_target", "lora_target_modules", ["all-linear"])
    elif isinstance(names, list):
        shared.targets(said, "lora_target", names)


def _data(said: Translation, folder: Path | None) -> None:
    given = said.get("dataset_dir", "data")
    where = (given if isinstance(given, str) else "data") if folder is None else str(folder)
    hub = where == "ONLINE"
    if where.startswith("REMOTE:"):
        said.lose(
            "dataset_dir",
            f"fetches the data from {where.removeprefix('REMOTE:')}",
            "download them, and import again with --dataset-dir FOLDER",
        )
        where = "data"
    most = shared.as_float(said.get("max_samples"))
    weights = _weights(said)
    for key, name in (("dataset", "dataset"), ("eval_dataset", "eval_dataset")):
        names = said.get(key)
        parts = names.split(",") if isinstance(names, str) else names
        if not isinstance(parts, list):
            continue
        entries = [
            _entry(
                str(part).strip(),
                where,
                most,
                weights[number] if len(weights) == len(parts) else None,
                hub=hub,
            )
            for number, part in enumerate(parts)
            if str(part).strip()
        ]
        said.carry(key, name, entries if key == "dataset" else [_unweighted(entry) for entry in entries])
    if isinstance(given, str):
        said.becomes("dataset_dir", f"the folder of dataset_info.json: {where}")
    if most:
        said.becomes("max_samples", f"#{int(most)} behind each source: at random, not the first ones")
    held = shared.as_float(said.get("val_size")) or 0
    if held and said.values.get("eval_dataset"):
        said.needless("val_size", "eval_dataset is what is held out")
    elif held:
        said.carry("val_size", "eval_split", said.get("val_size"))
    said.drop({"val_size": "nothing is held out"})


def _entry(
    name: str, folder: str, most: float | None, weight: float | None, *, hub: bool
) -> str | dict[str, Any]:
    described = name if hub or "/" in name else f"{folder}/dataset_info.json:{name}"
    path = f"{described}#{int(most)}" if most else described
    return path if weight is None else {"path": path, "weight": weight}


def _unweighted(entry: str | dict[str, Any]) -> str:
    return entry if isinstance(entry, str) else str(entry["path"])


def _weights(said: Translation) -> list[float]:
    strategy, given = str(said.get("mix_strategy", "concat")), said.get("interleave_probs")
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    weights = [weight for weight in map(shared.as_float, parts) if weight]
    if strategy.startswith("interleave") and weights:
        said.becomes("mix_strategy", "a weight of each entry of dataset")
        said.becomes("interleave_probs", "a weight of each entry of dataset")
        return weights
    said.drop({"mix_strategy": "all rows are used", "interleave_probs": "only interleaved data have it"})
    return []


def _schedule(said: Translation, rows: shared.CountRows) -> None:
    shared.optimiser(said, "optim")
    shared.schedule(said, "lr_scheduler_type")
    shared.warmup(said)
    if "warmup_steps" not in said.values:
        said.assume("warmup_ratio", 0)
    held = bool(said.values.get("eval_dataset") or said.values.get("eval_split"))
    count = (
        rows(said.values) if any(_is_share(said.get(key)) for key in ("eval_steps", "save_steps")) else None
    )
    strategy = said.get("eval_strategy", said.get("evaluation_strategy", "no"))
    if held and strategy == "steps":
        shared.interval(said, "eval_steps", "eval_steps", count)
    if strategy == "epoch":
        for key in ("eval_strategy", "evaluation_strategy"):
            said.lose(
                key, "measures after each epoch", "set eval_steps to the steps of an epoch: ftarena plan"
            )
    else:
        why = "eval_steps says it" if strategy == "steps" else "before and after a run is always measured"
        said.drop(dict.fromkeys(("eval_strategy", "evaluation_strategy"), why))
    said.drop({"eval_steps": "nothing is measured on the way there"})
    if str(said.get("save_strategy", "steps")) == "steps":
        shared.interval(said, "save_steps", "save_steps", count)
        said.drop({"save_strategy": "save_steps says it"})
    else:
        said.drop(
            {
                "save_strategy": "one is saved at the end, and at each measurement",
                "save_steps": "save_strategy is not steps there",
            }
        )


def _speed(said: Translation) -> None:
    shared.precision(said)
    if said.get("disable_gradient_checkpointing") is True:
        said.carry("disable_gradient_checkpointing", "gradient_checkpointing", False)
    said.drop({"disable_gradient_checkpointing": "checkpointing is on there, and where it is needed here"})
    attention = said.get("flash_attn")
    if attention in keys.ATTENTION:
        said.carry("flash_attn", "attn_implementation", keys.ATTENTION[attention])
    said.drop({"flash_attn": "chosen by the machine"})
    packed = said.get("packing") is True or said.get("neat_packing") is True
    if packed and said.values.get("method") == "sft":
        said.values["packing"] = True
        for key in ("packing", "neat_packing"):
            said.becomes(key, "packing: true, where examples never see each other")
    if said.get("stage") == "pt" and said.get("packing") is None:
        said.assume("packing", True)
    said.drop(dict.fromkeys(("packing", "neat_packing"), "off, or the method has no packing"))


def _is_share(value: Any) -> bool:
    number = shared.as_float(value)
    return number is not None and 0 < number < 1
