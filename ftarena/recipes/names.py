"""Keys of other tools that mean the same, keys that are gone, and the nearest name for a typing error."""

import difflib
from typing import get_args

from ftarena.recipes.keys.task import Method

ALIASES: dict[str, str] = {
    "adapter": "tuning",
    "adapter_name_or_path": "init_from",
    "adapters": "init_from",
    "attn_impl": "attn_implementation",
    "base_model": "model_name_or_path",
    "batch_size": "per_device_train_batch_size",
    "clip_grad_norm": "max_grad_norm",
    "compile": "torch_compile",
    "cutoff_len": "max_length",
    "data": "dataset",
    "dataset_path": "dataset",
    "datasets": "dataset",
    "dpo_beta": "beta",
    "dpo_label_smoothing": "label_smoothing",
    "dpo_loss_type": "loss_type",
    "early_stopping_steps": "early_stopping_patience",
    "enable_activation_checkpointing": "gradient_checkpointing",
    "enable_liger_kernel": "use_liger_kernel",
    "epochs": "num_train_epochs",
    "eval_batch_size": "per_device_eval_batch_size",
    "eval_data": "eval_dataset",
    "eval_file": "eval_dataset",
    "evaluation_dataset": "eval_dataset",
    "finetuning_type": "tuning",
    "general_data": "general_dataset",
    "grad_accum": "gradient_accumulation_steps",
    "gradient_accumulation": "gradient_accumulation_steps",
    "group_size": "num_generations",
    "keep_last_n_checkpoints": "save_total_limit",
    "kl_beta": "beta",
    "kl_coef": "beta",
    "kto_chosen_weight": "desirable_weight",
    "kto_desirable_weight": "desirable_weight",
    "kto_rejected_weight": "undesirable_weight",
    "kto_undesirable_weight": "undesirable_weight",
    "liger_kernel": "use_liger_kernel",
    "lora_model_dir": "init_from",
    "lora_rank": "lora_r",
    "lora_target": "lora_target_modules",
    "lr": "learning_rate",
    "lr_scheduler": "lr_scheduler_type",
    "max_new_tokens": "max_completion_length",
    "max_seq_len": "max_length",
    "max_seq_length": "max_length",
    "micro_batch_size": "per_device_train_batch_size",
    "model": "model_name_or_path",
    "model_name": "model_name_or_path",
    "num_epochs": "num_train_epochs",
    "optimizer": "optim",
    "orpo_alpha": "beta",
    "packed": "packing",
    "peft_type": "tuning",
    "pref_beta": "beta",
    "pref_loss": "loss_type",
    "rank": "lora_r",
    "replay_data": "replay_dataset",
    "response_length": "max_completion_length",
    "reward_functions": "reward_funcs",
    "rl": "method",
    "rl_beta": "beta",
    "rlhf_type": "method",
    "run_name": "name",
    "sample_packing": "packing",
    "sequence_len": "max_length",
    "stage": "method",
    "target_modules": "lora_target_modules",
    "test_datasets": "eval_dataset",
    "test_size": "eval_split",
    "train_batch_size": "per_device_train_batch_size",
    "train_data": "dataset",
    "train_file": "dataset",
    "train_type": "tuning",
    "trainer": "method",
    "tuner_type": "tuning",
    "tuning_type": "tuning",
    "use_gradient_checkpointing": "gradient_checkpointing",
    "use_liger": "use_liger_kernel",
    "val_set_size": "eval_split",
    "val_size": "eval_split",
}
"""Keys of LLaMA-Factory, axolotl, torchtune, unsloth, ms-swift and habit, whose values mean the same here."""

_WHOLE_LAYERS = "vLLM serves no adapter that carries whole layers, such as embeddings or the head"

GONE: dict[str, str] = {
    "add_tokens": f"new tokens need new embeddings, and {_WHOLE_LAYERS}; use tokens the model has",
    "additional_target": f"{_WHOLE_LAYERS}; tuning: full trains the whole model",
    "chat_template": "the tokenizer's own template is used, for training and for serving",
    "dataset_dir": "write the whole path: dataset: DIR/dataset_info.json:NAME",
    "dataset_format": "the shape of each row is recognised by its keys",
    "deepspeed": "a run has one GPU; gradient_accumulation_steps makes a step as large as several would",
    "do_train": "leave it out: training is what a recipe is for",
    "dtype": "use bf16: true, or leave it out: the machine decides",
    "eval_sample_packing": "leave it out: measuring packs nothing",
    "eval_strategy": "eval_steps alone says it",
    "evals_per_epoch": "write eval_steps, in steps; ftarena plan says how many an epoch has",
    "evaluation_strategy": "eval_steps alone says it",
    "flash_attention": "use attn_implementation: flash_attention_2",
    "flash_attn": "use attn_implementation: flash_attention_2",
    "fp16": "use bf16, or leave it out: float32 is used where bf16 is not",
    "freeze_trainable_layers": "use tuning: last-2 for the last 2 layers",
    "fsdp": "a run has one GPU; gradient_accumulation_steps makes a step as large as several would",
    "gamma_beta_ratio": "use simpo_gamma, which is this ratio times beta",
    "hub_model_id": "nothing is uploaded; ftarena export model RUN -o DIR writes what you may upload",
    "interleave_probs": "give each entry of dataset a weight: {path: FILE, weight: 2}",
    "load_in_8bit": "use tuning: qlora for 4 bits, or leave it out for bf16",
    "lora_modules_to_save": f"{_WHOLE_LAYERS}; tuning: full trains the whole model",
    "lora_target_linear": "use lora_target_modules: all-linear, which is the default",
    "max_prompt_length": "TRL dropped it; max_length bounds prompt and answer together",
    "max_samples": "write it behind a path, FILE#1000, or into an entry: {path: FILE, max_samples: 1000}",
    "mix_strategy": "give each entry of dataset a weight: {path: FILE, weight: 2}",
    "modules_to_save": f"{_WHOLE_LAYERS}; tuning: full trains the whole model",
    "neat_packing": "use packing: true, where examples never see each other",
    "new_special_tokens": f"new tokens need new embeddings, and {_WHOLE_LAYERS}; use tokens the model has",
    "output_dir": "runs lie in .ftarena/runs/NAME-TIME; choose NAME with name",
    "overwrite_output_dir": "leave it out: every run has a folder of its own",
    "peft_use_dora": "use tuning: dora",
    "peft_use_rslora": "use tuning: rslora",
    "pref_ftx": "use loss_type: [sigmoid, sft] and put the weight into loss_weights: [1, …]",
    "push_to_hub": "nothing is uploaded; ftarena export model RUN -o DIR writes what you may upload",
    "quantization_bit": "use tuning: qlora for 4 bits; 8 bits are not done",
    "ref_model": "the reference is the model at the start: name its adapter with init_from",
    "resize_vocab": f"new tokens need new embeddings, and {_WHOLE_LAYERS}; use tokens the model has",
    "resume": (
        "ftarena runs resume RUN goes on with an interrupted run; init_from begins a new one from an adapter"
    ),
    "resume_from_checkpoint": (
        "ftarena runs resume RUN goes on with an interrupted run; init_from begins a new one from an adapter"
    ),
    "rpo_alpha": "use loss_type: [sigmoid, sft] and put the weight into loss_weights: [1, …]",
    "save_strategy": "save_steps alone says it; one is always saved at the end",
    "saves_per_epoch": "write save_steps, in steps; ftarena plan says how many an epoch has",
    "special_tokens": "the tokenizer's own are used, for training and for serving",
    "template": "the tokenizer's own template is used, for training and for serving",
    "torch_dtype": "use bf16: true, or leave it out: the machine decides",
    "train_on_inputs": "only answers are learned; a row {text: …} is learned in whole",
    "train_on_prompt": "only answers are learned; a row {text: …} is learned in whole",
    "trust_remote_code": "code that comes with a model is never run",
    "use_dora": "use tuning: dora",
    "use_rslora": "use tuning: rslora",
    "wandb_project": "use report_to: wandb; the variable WANDB_PROJECT names the project",
}
"""Keys that other tools have and that are not keys here, with what to do instead."""

FOREIGN = frozenset(
    (
        *("stage", "finetuning_type", "cutoff_len", "template", "do_train", "lora_target", "val_size"),
        *(
            "base_model",
            "datasets",
            "sequence_len",
            "micro_batch_size",
            "num_epochs",
            "adapter",
            "val_set_size",
        ),
    )
)
"""Keys of other tools of which two make a file look like a recipe of theirs."""

METHODS_ELSEWHERE: dict[str, str] = {
    "bco": "dpo with loss_type: bco_pair, or kto",
    "distillation": "sft on the answers of the larger model",
    "finetune": "sft",
    "full": "sft with tuning: full",
    "gkd": "sft on the answers of the larger model",
    "lora": "sft with tuning: lora, which is the default",
    "online_dpo": "grpo, which scores answers as they are made",
    "ppo": "grpo, which needs no value model: functions score the answers",
    "pretrain": "sft on rows of plain text, {text: …}",
    "pretraining": "sft on rows of plain text, {text: …}",
    "pt": "sft on rows of plain text, {text: …}",
    "qlora": "sft with tuning: qlora",
    "reinforce": "grpo",
    "reward_model": "reward",
    "rlhf": "dpo on pairs, or grpo with functions that score answers",
    "rloo": "grpo, which compares the answers of a group as well",
    "rm": "reward",
    "rpo": "dpo, whose loss_type: [sigmoid, sft] is this by default",
}
"""What other tools and papers call a method, or people take for one, and what to write here."""


def nearest(key: str, known: list[str]) -> str | None:
    """Return the known key that an unknown one was probably meant to be, or None."""
    close = difflib.get_close_matches(key, [*known, *ALIASES], n=1, cutoff=0.6)
    return ALIASES.get(close[0], close[0]) if close else None


def method_meant(given: str) -> str | None:
    """Return what to write for a method that there is not, or None where nothing is near."""
    word = given.strip().lower().replace("-", "_")
    if word in METHODS_ELSEWHERE:
        return METHODS_ELSEWHERE[word]
    known = [*get_args(Method), *METHODS_ELSEWHERE]
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return METHODS_ELSEWHERE.get(close[0], close[0]) if close else None
