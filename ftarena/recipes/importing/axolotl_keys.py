"""The keys of axolotl's recipes (version 0.13): the same by another name, needless here, or lost."""

from ftarena.recipes.importing.transformers_keys import LAUNCHER, UPLOAD
from ftarena.recipes.importing.translation import Lost

TOOL = "axolotl"

MARKS = (
    *("base_model", "datasets", "sequence_len", "micro_batch_size", "num_epochs", "adapter", "rl"),
    *("sample_packing", "val_set_size", "dataset_prepared_path", "lora_target_linear", "lr_scheduler"),
)
"""Keys by which its recipes are known."""

NAMES = {
    "base_model": "model_name_or_path",
    "sequence_len": "max_length",
    "eval_batch_size": "per_device_eval_batch_size",
    "num_epochs": "num_train_epochs",
    "early_stopping_patience": "early_stopping_patience",
}

DEFAULTS = {
    "max_length": 512,
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "num_train_epochs": 1,
    "lr_scheduler_type": "cosine",
}
"""What holds there and not here where a recipe says nothing."""

METHODS = {
    "dpo": "dpo",
    "ipo": "ipo",
    "kto": "kto",
    "orpo": "orpo",
    "simpo": "simpo",
    "grpo": "grpo",
    "gdpo": None,
    "ebft": None,
}
BETAS = {"dpo": "rl_beta", "ipo": "rl_beta", "kto": "rl_beta", "orpo": "orpo_alpha", "simpo": "rl_beta"}

_TRACKER = "figures are in the run's folder; report_to tells a tracker as well"
KERNELS = "fused kernels are chosen by the machine; see use_liger_kernel"

NEEDLESS = {
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
    "lora_mlp_kernel": KERNELS,
    "lora_qkv_kernel": KERNELS,
    "lora_o_kernel": KERNELS,
    "cut_cross_entropy": KERNELS,
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

LOST: dict[str, Lost] = {
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
    "push_dataset_to_hub": UPLOAD,
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
    "tensor_parallel_size": LAUNCHER,
    "context_parallel_size": LAUNCHER,
    "sequence_parallel_degree": LAUNCHER,
    "use_ray": LAUNCHER,
    "ray_num_workers": LAUNCHER,
    "vllm": Lost("answers by a vLLM server while it trains", "the worker samples the answers itself"),
}
