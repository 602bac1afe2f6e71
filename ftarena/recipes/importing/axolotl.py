"""Axolotl's recipes (version 0.13: `utils/schemas/config.py`)."""

from collections.abc import Mapping
from typing import Any

from ftarena.recipes.data_entries import DataEntry, of_axolotl
from ftarena.recipes.importing import transformers_keys as shared
from ftarena.recipes.importing.translation import Lost, Translation
from ftarena.text import shorten

TOOL = "axolotl"

MARKS = (
    *("base_model", "datasets", "sequence_len", "micro_batch_size", "num_epochs", "adapter", "rl"),
    *("sample_packing", "val_set_size", "dataset_prepared_path", "lora_target_linear", "lr_scheduler"),
)
"""Keys by which its recipes are known."""

_NAMES = {
    "base_model": "model_name_or_path",
    "sequence_len": "max_length",
    "eval_batch_size": "per_device_eval_batch_size",
    "num_epochs": "num_train_epochs",
    "early_stopping_patience": "early_stopping_patience",
}

_DEFAULTS = {
    "max_length": 512,
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "num_train_epochs": 1,
    "lr_scheduler_type": "cosine",
}
"""What holds there and not here where a recipe says nothing."""

_METHODS = {
    "dpo": "dpo",
    "ipo": "ipo",
    "kto": "kto",
    "orpo": "orpo",
    "simpo": "simpo",
    "grpo": "grpo",
    "gdpo": None,
    "ebft": None,
}
_BETAS = {"dpo": "rl_beta", "ipo": "rl_beta", "kto": "rl_beta", "orpo": "orpo_alpha", "simpo": "rl_beta"}

_TRACKER = "figures are in the run's folder; report_to tells a tracker as well"
_KERNELS = "fused kernels are chosen by the machine; see use_liger_kernel"

_NEEDLESS = {
    "base_model_config": "the model's own config.json is read",
    "tokenizer_config": "the model's own tokenizer is used",
    "model_type": "the model's own config.json says it",
    "tokenizer_type": "the model's own tokenizer_config.json says it",
    "processor_type": "only texts are read",
    "tokenizer_use_fast": "the fast tokenizer is used",
    "tokenizer_legacy": "the model's own tokenizer is used as it is",
    "is_llama_derived_model": "the model's own config.json says it",
    "is_mistral_derived_model": "the model's own config.json says it",
    "is_falcon_derived_model": "the model's own config.json says it",
    "is_qwen_derived_model": "the model's own config.json says it",
    "chat_template": "the tokenizer's own chat template is used, for training and for serving",
    "dataset_prepared_path": "the data are tokenised anew, in seconds",
    "dataset_keep_in_memory": "the examples are in memory",
    "dataset_shard_num": "the data are read in whole",
    "shuffle_merged_datasets": "rows are always shuffled, by seed",
    "pad_to_sequence_len": "nothing is padded further than its batch",
    "eval_sample_packing": "measuring packs nothing",
    "sample_packing_eff_est": "packing needs no estimate",
    "sample_packing_group_size": "packing needs no estimate",
    "sample_packing_bin_size": "packing needs no estimate",
    "total_num_tokens": "the tokens are counted",
    "lora_fan_in_fan_out": "PEFT knows the layers",
    "lora_mlp_kernel": _KERNELS,
    "lora_qkv_kernel": _KERNELS,
    "lora_o_kernel": _KERNELS,
    "cut_cross_entropy": _KERNELS,
    "eval_table_size": "ftarena runs examine RUN shows answers",
    "eval_max_new_tokens": "ftarena runs examine RUN shows answers",
    "eval_causal_lm_metrics": "ftarena runs examine RUN shows answers",
    "save_first_step": "a checkpoint is saved where a run is stopped, too",
    "loss_watchdog_threshold": "a loss that spikes stops a run anyway: loss_spike",
    "loss_watchdog_patience": "a loss that spikes stops a run anyway: loss_spike",
    "world_size": "a run has one GPU here",
    "train_on_eos": "the end of an answer is always learned",
    "wandb_entity": _TRACKER,
    "wandb_watch": _TRACKER,
    "wandb_name": "the run's id is its name in the tracker as well",
    "wandb_run_id": _TRACKER,
    "wandb_log_model": _TRACKER,
    "wandb_mode": _TRACKER,
    "mlflow_tracking_uri": _TRACKER,
    "mlflow_run_name": _TRACKER,
    "comet_workspace": _TRACKER,
    "use_wandb": "report_to says it",
    "use_mlflow": "report_to says it",
    "use_comet": "report_to says it",
    "use_tensorboard": "report_to says it",
    "use_trackio": "report_to says it",
}

_MODULES = Lost(
    "trains whole modules beside the adapter", "vLLM cannot serve such an adapter; tuning: last-4 or full can"
)
_ATTENTION = Lost("uses an attention of its own", "attn_implementation: sdpa, or flash_attention_2")

_LOST = {
    "lora_modules_to_save": _MODULES,
    "peft_layers_to_transform": Lost("adapts some layers only", "all layers get an adapter"),
    "peft_init_lora_weights": Lost("starts the adapter in a way of its own", "the adapter starts at zero"),
    "peft": Lost("passes options to PEFT", "see the keys that begin with lora_"),
    "load_in_8bit": Lost(
        "keeps the frozen base in 8 bits", "bf16 is used; tuning: qlora takes a quarter of its memory"
    ),
    "gptq": Lost("trains on a base quantised by GPTQ", "tuning: qlora quantises an ordinary base"),
    "bnb_config_kwargs": Lost("quantises in a way of its own", "nf4 with double quantisation is used"),
    "revision_of_model": Lost("takes a revision of the model", "download it, and give its folder"),
    "overrides_of_model_config": Lost("changes the model's config", "change its config.json"),
    "overrides_of_model_kwargs": Lost("changes how the model loads", "change its config.json"),
    "rope_scaling": Lost("stretches the context", "set it in the model's own config.json"),
    "train_on_inputs": Lost(
        "learns the questions as well", "only answers are learned; a row {text: …} in whole"
    ),
    "chat_template_jinja": Lost(
        "trains with a template of its own", "put it into the model's folder as chat_template.jinja"
    ),
    "default_system_message": Lost("puts one system prompt before all rows", "put it into the rows"),
    "dataset_exact_deduplication": Lost(
        "leaves repeated rows out", "ftarena check FILE finds them, ftarena data exclude takes them out"
    ),
    "push_dataset_to_hub": shared.UPLOAD,
    "hf_use_auth_token": Lost("shows the hub a token", "HF_TOKEN in the environment does"),
    "pretraining_dataset": Lost("streams texts", "dataset: FILE with rows {text: …}; it is read in whole"),
    "min_sample_len": Lost("leaves short rows out", "ftarena data exclude takes rows out"),
    "curriculum_sampling": Lost("keeps the order of the data", "rows are always shuffled, by seed"),
    "unfrozen_parameters": Lost(
        "trains the weights that match a pattern", "tuning: last-N trains whole layers"
    ),
    "relora": Lost("merges the adapter on the way", "tuning: lora, with a larger lora_r"),
    "relora_steps": Lost("merges the adapter on the way", "tuning: lora, with a larger lora_r"),
    "lisa_n_layers": Lost("trains layers in turn", "tuning: last-N"),
    "cosine_min_lr_ratio": Lost("ends above zero", "lr_scheduler_type: cosine_with_min_lr ends at a tenth"),
    "cosine_constant_lr_ratio": Lost("ends at a constant rate", "lr_scheduler_type: cosine falls to zero"),
    "lr_groups": Lost("gives weights their own learning rates", "one learning rate is used"),
    "embedding_lr": Lost("gives embeddings their own learning rate", "one learning rate is used"),
    "optim_target_modules": Lost(
        "limits the optimiser to some modules", "all that learns is optimised alike"
    ),
    "xformers_attention": _ATTENTION,
    "s2_attention": _ATTENTION,
    "flex_attention": _ATTENTION,
    "do_bench_eval": Lost("answers a benchmark", "ftarena runs examine RUN"),
    "plugins": Lost("loads plugins", "fused kernels are chosen by the machine; others are not loaded"),
    "process_reward_model": Lost("learns rewards for steps", "method: reward learns them for answers"),
    "dpo_use_weighting": Lost("weighs the pairs", "pairs weigh the same"),
    "dpo_use_logits_to_keep": Lost("keeps fewer logits", "only what is learned is computed anyway"),
    "tensor_parallel_size": shared.LAUNCHER,
    "context_parallel_size": shared.LAUNCHER,
    "sequence_parallel_degree": shared.LAUNCHER,
    "use_ray": shared.LAUNCHER,
    "ray_num_workers": shared.LAUNCHER,
    "vllm": Lost("answers by a vLLM server while it trains", "the worker samples the answers itself"),
}


def translate(said: Translation, *, rows: shared.CountRows) -> None:
    """Take a recipe of axolotl over.

    Args:
        said: Its lines; what becomes of them is written there.
        rows: Counts the examples of the new recipe.
    """
    said.rename(_NAMES)
    _method(said)
    _tuning(said)
    _data(said)
    checkpointing = said.get("gradient_checkpointing")
    if isinstance(checkpointing, str):
        said.carry("gradient_checkpointing", "gradient_checkpointing", True)
    shared.batch(said, "micro_batch_size")
    said.rename({key: key for key in shared.SAME})
    for name, value in _DEFAULTS.items():
        said.assume(name, value)
    _schedule(said, rows)
    _speed(said)
    _trackers(said)
    _too_long(said)
    _tokens(said)
    shared.adam(said)
    said.drop(shared.NEEDLESS | _NEEDLESS)
    said.drop({key: _KERNELS for key in said.given if key.startswith("liger_")})
    said.forsake(shared.LOST | _LOST)
    said.finish([*_NAMES, *_NEEDLESS, *_LOST, *shared.SAME, *shared.NEEDLESS, *shared.LOST, *MARKS])


def _method(said: Translation) -> None:
    kind = said.get("rl")
    if said.get("reward_model") is True:
        said.carry("reward_model", "method", "reward")
    elif kind is None:
        said.values["method"] = "sft"
    elif method := _METHODS.get(str(kind)):
        said.carry("rl", "method", method)
    else:
        known = ", ".join(name for name, ours in _METHODS.items() if ours)
        said.lose("rl", f"{kind} is no method here", f"there are {known}")
        return
    said.drop({"reward_model": "off", "rl": "a reward model learns from pairs"})
    method = said.values["method"]
    if beta := _BETAS.get(method):
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
    keys = (
        "rl_beta",
        "orpo_alpha",
        "cpo_alpha",
        "simpo_gamma",
        "kto_desirable_weight",
        "kto_undesirable_weight",
    )
    said.drop(dict.fromkeys((*keys, "rpo_alpha", "dpo_label_smoothing", "dpo_loss_type", "trl"), unused))


def _dpo_loss(said: Translation) -> None:
    weight = shared.as_float(said.get("rpo_alpha")) or 0.0
    said.values["loss_type"] = ["sigmoid", "sft"] if weight else ["sigmoid"]
    if weight:
        said.values["loss_weights"] = [1.0, weight]
        said.becomes("rpo_alpha", f"loss_weights: [1.0, {weight:g}], the second of the SFT term")
    else:
        said.notes["loss_type"] = f"{TOOL}'s default; add sft to keep the chosen answers likely"
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
    names = given if isinstance(given, list) else [given]
    kept = [name for name in names if str(name).rpartition(".")[2] not in ("lm_head", "embed_tokens")]
    if kept == names:
        said.carry("lora_target_modules", "lora_target_modules", names)
    else:
        said.values["lora_target_modules"] = kept or ["all-linear"]
        said.lose(
            "lora_target_modules",
            "adapts the head or the embeddings as well; the other layers are carried over",
            "vLLM could not serve them; leave them out",
        )
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
        else:
            said.carry(key, name, kept)
    held = shared.as_float(said.get("val_set_size")) or 0
    if held and said.values.get("eval_dataset"):
        said.needless("val_set_size", "test_datasets is what is held out")
    elif held:
        said.carry("val_set_size", "eval_split", said.get("val_set_size"))
    said.drop({"val_set_size": "nothing is held out"})


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
