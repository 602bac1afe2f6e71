"""The keys of LLaMA-Factory's recipes (version 0.9): the same by another name, needless here, or lost."""

from ftarena.recipes.importing.transformers_keys import LAUNCHER
from ftarena.recipes.importing.translation import Lost

TOOL = "LLaMA-Factory"

MARKS = (
    *("stage", "finetuning_type", "template", "cutoff_len", "lora_rank", "lora_target", "dataset_dir"),
    *("pref_beta", "pref_loss", "val_size", "do_train", "overwrite_cache", "preprocessing_num_workers"),
)
"""Keys by which its recipes are known."""

NAMES = {
    "cutoff_len": "max_length",
    "lora_rank": "lora_r",
    "early_stopping_steps": "early_stopping_patience",
    "enable_liger_kernel": "use_liger_kernel",
}

DEFAULTS = {
    "learning_rate": 5e-5,
    "num_train_epochs": 3,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "max_length": 2048,
}
"""What holds there and not here where a recipe says nothing."""

STAGES = {"pt": "sft", "sft": "sft", "rm": "reward", "dpo": "dpo", "kto": "kto"}
ATTENTION = {"disabled": "eager", "sdpa": "sdpa", "fa2": "flash_attention_2", "fa3": "flash_attention_3"}

NEEDLESS = {
    "overwrite_cache": "nothing is cached between runs",
    "preprocessing_batch_size": "one process with a batched tokenizer reads the data",
    "data_shared_file_system": "one machine reads the data",
    "tokenized_path": "the data are tokenised anew, in seconds",
    "ignore_pad_token_for_loss": "padding is never learned from",
    "use_fast_tokenizer": "the fast tokenizer is used",
    "use_unsloth": "fused kernels are chosen by the machine",
    "use_unsloth_gc": "checkpointing is chosen by the machine",
    "print_param_status": "the run's log says what learns",
    "compute_accuracy": "ftarena runs examine RUN measures answers, not tokens",
    "include_effective_tokens_per_second": "tokens a second are always counted",
    "create_new_adapter": "init_from says where the adapter starts",
    "eval_on_each_dataset": "ftarena runs examine RUN looks at them one by one",
    "quantization_type": "nf4 is used",
    "double_quantization": "the constants are quantised as well",
    "quantization_method": "bitsandbytes is used",
    "quantization_device_map": "the base is on the GPU",
    "media_dir": "only texts are read",
    "export_dir": "ftarena export model RUN -o DIR",
}

_MODULES = Lost(
    "trains whole modules beside the adapter", "vLLM cannot serve such an adapter; tuning: last-4 or full can"
)
_OPTIMISER = Lost("uses a memory-saving optimiser of its own", "optim: adamw_8bit, or tuning: qlora")
_RAY = LAUNCHER
_REFERENCE = Lost(
    "takes another model as the reference", "the reference is the model at the start: init_from"
)
_REWARD = Lost("is for PPO with a reward model", "method: grpo with reward_funcs")

LOST: dict[str, Lost] = {
    "additional_target": _MODULES,
    "modules_to_save": _MODULES,
    "freeze_extra_modules": _MODULES,
    "freeze_trainable_modules": Lost(
        "trains some modules of the layers", "tuning: last-N trains whole layers"
    ),
    "train_on_prompt": Lost(
        "learns the questions as well", "only answers are learned; a row {text: …} in whole"
    ),
    "mask_history": Lost("learns the last answer only", "mark earlier turns in the data: train: false"),
    "streaming": Lost("reads the data while it trains", "the data are read before the run starts"),
    "buffer_size": Lost("shuffles a part of the stream", "the data are read, and shuffled, in whole"),
    "default_system": Lost("puts one system prompt before all rows", "put it into the rows"),
    "tool_format": Lost(
        "writes tool calls in a format of its own", "the tokenizer's own template writes them"
    ),
    "enable_thinking": Lost(
        "writes thoughts as its template says", "the tokenizer's own template writes them"
    ),
    "shift_attn": Lost("uses shifted short attention", "a shorter max_length, or packing: true"),
    "mixture_of_depths": Lost("changes the model's layers", "use another model"),
    "rope_scaling": Lost("stretches the context", "set it in the model's own config.json"),
    "train_from_scratch": Lost("starts from random weights", "fine-tuning starts from a model"),
    "upcast_layernorm": Lost("computes norms in float32", "nothing: what learns is kept in float32"),
    "upcast_lmhead_output": Lost("computes logits in float32", "nothing: the loss is computed in float32"),
    "moe_aux_loss_coef": Lost("balances experts", "experts are not balanced here"),
    "split_special_tokens": Lost("reads special tokens in texts as plain text", "ftarena check finds them"),
    "model_revision": Lost("takes a revision of the model", "download it, and give its folder"),
    "disable_shuffling": Lost("keeps the order of the data", "rows are always shuffled, by seed"),
    "pissa_init": Lost("starts the adapter from the base's largest directions", "the adapter starts at zero"),
    "use_llama_pro": Lost("adds layers", "tuning: last-4"),
    "use_galore": _OPTIMISER,
    "use_apollo": _OPTIMISER,
    "use_badam": _OPTIMISER,
    "use_adam_mini": _OPTIMISER,
    "use_muon": _OPTIMISER,
    "pref_bco_weight": Lost("adds a BCO term", "method: kto learns from single answers"),
    "kto_ftx": Lost("adds an SFT term to KTO", "KTO has none here"),
    "ref_model": _REFERENCE,
    "ref_model_adapters": _REFERENCE,
    "ref_model_quantization_bit": _REFERENCE,
    "reward_model": _REWARD,
    "reward_model_type": _REWARD,
    "ppo_epochs": _REWARD,
    "do_predict": Lost("answers the held-out rows", "ftarena runs examine RUN"),
    "predict_with_generate": Lost("answers the held-out rows", "ftarena runs examine RUN"),
    "ray_num_workers": _RAY,
    "ray_run_name": _RAY,
    "ray_storage_path": _RAY,
    "ray_storage_filesystem": _RAY,
    "ray_init_kwargs": _RAY,
    "resources_per_worker": _RAY,
    "placement_strategy": _RAY,
    "use_kt": Lost("computes experts on the CPU", "the model must fit the GPU"),
}
