"""Keys of other tools that mean the same, keys that are gone, and the nearest name for a typing error."""

import difflib

ALIASES: dict[str, str] = {
    # LLaMA-Factory, axolotl, torchtune, unsloth, ms-swift, and habits
    "adapter_name_or_path": "init_from",
    "base_model": "model_name_or_path",
    "batch_size": "per_device_train_batch_size",
    "cutoff_len": "max_length",
    "data": "dataset",
    "dataset_path": "dataset",
    "datasets": "dataset",
    "dpo_beta": "beta",
    "epochs": "num_train_epochs",
    "eval_batch_size": "per_device_eval_batch_size",
    "eval_data": "eval_dataset",
    "eval_file": "eval_dataset",
    "evaluation_dataset": "eval_dataset",
    "gradient_accumulation": "gradient_accumulation_steps",
    "grad_accum": "gradient_accumulation_steps",
    "lora_rank": "lora_r",
    "lora_target": "lora_target_modules",
    "lr": "learning_rate",
    "lr_scheduler": "lr_scheduler_type",
    "max_seq_len": "max_length",
    "max_seq_length": "max_length",
    "micro_batch_size": "per_device_train_batch_size",
    "model": "model_name_or_path",
    "model_name": "model_name_or_path",
    "num_epochs": "num_train_epochs",
    "optimizer": "optim",
    "pref_beta": "beta",
    "pref_loss": "loss_type",
    "rank": "lora_r",
    "rl": "method",
    "rl_beta": "beta",
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
    "trainer": "method",
    "val_set_size": "eval_split",
    "val_size": "eval_split",
}

_WHOLE_LAYERS = "vLLM serves no adapter that carries whole layers, such as embeddings or the head"

GONE: dict[str, str] = {
    "add_tokens": f"new tokens need new embeddings, and {_WHOLE_LAYERS}; use tokens the model has",
    "additional_target": f"{_WHOLE_LAYERS}; tuning: full trains the whole model",
    "chat_template": "the tokenizer's own template is used, for training and for serving",
    "dataset_dir": "write the whole path: dataset: DIR/dataset_info.json:NAME",
    "dataset_format": "the shape of each row is recognised by its keys",
    "finetuning_type": "use tuning: lora, dora, rslora, qlora, full or last-4",
    "fp16": "use bf16, or leave it out: float32 is used where bf16 is not",
    "interleave_probs": "give each entry of dataset a weight: {path: FILE, weight: 2}",
    "load_in_8bit": "use load_in_4bit",
    "lora_modules_to_save": f"{_WHOLE_LAYERS}; tuning: full trains the whole model",
    "max_prompt_length": "TRL dropped it; max_length bounds prompt and answer together",
    "max_samples": "write it behind a path, FILE#1000, or into an entry: {path: FILE, max_samples: 1000}",
    "mix_strategy": "give each entry of dataset a weight: {path: FILE, weight: 2}",
    "modules_to_save": f"{_WHOLE_LAYERS}; tuning: full trains the whole model",
    "new_special_tokens": f"new tokens need new embeddings, and {_WHOLE_LAYERS}; use tokens the model has",
    "output_dir": "runs lie in .ftarena/runs/NAME-TIME; choose NAME with name",
    "pref_ftx": "use loss_type: [sigmoid, sft] and put the weight into loss_weights: [1, …]",
    "resize_vocab": f"new tokens need new embeddings, and {_WHOLE_LAYERS}; use tokens the model has",
    "rpo_alpha": "use loss_type: [sigmoid, sft] and put the weight into loss_weights: [1, …]",
    "template": "the tokenizer's own template is used, for training and for serving",
    "trust_remote_code": "code that comes with a model is never run",
}


def nearest(key: str, known: list[str]) -> str | None:
    """Return the known key that an unknown one was probably meant to be, or None."""
    close = difflib.get_close_matches(key, [*known, *ALIASES], n=1, cutoff=0.6)
    return ALIASES.get(close[0], close[0]) if close else None
