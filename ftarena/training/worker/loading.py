"""Bringing a model into memory: on which device, in which number format, and which weights of it learn."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe
from ftarena.training.worker.machine import Machine


def load_tokenizer(path: Path) -> Any:
    """Return the tokenizer of a base model, with a padding token.

    Raises:
        FtarenaError: The folder holds none.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError) as error:
        raise FtarenaError(f"{path} holds no tokenizer that can be loaded: {error}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return tokenizer


def load_base(path: Path, recipe: Recipe, machine: Machine) -> Any:
    """Return the base model: safetensors only, no code of the repository, from this disk only.

    Raises:
        FtarenaError: The folder cannot be loaded as a causal language model.
    """
    options: dict[str, Any] = {"dtype": torch.bfloat16 if machine.bf16 else torch.float32}
    if machine.device == "cuda":
        options["device_map"] = {"": 0}
    if recipe.tuning == "qlora":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
    if recipe.attn_implementation:
        options["attn_implementation"] = recipe.attn_implementation
    try:
        return AutoModelForCausalLM.from_pretrained(
            path, use_safetensors=True, local_files_only=True, **options
        )
    except (OSError, ValueError) as error:
        raise FtarenaError(f"the model in {path} cannot be loaded: {error}") from error


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens at which the model stops when it generates."""
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)


def tune(model: Any, recipe: Recipe) -> Any:
    """Return the model with the weights that the recipe lets learn.

    Raises:
        FtarenaError: What shall learn does not fit the model.
    """
    return _add_adapter(model, recipe)


def _add_adapter(model: Any, recipe: Recipe) -> Any:
    """Return the model with a trainable adapter named `default`: a new one, or the one to go on from.

    Raises:
        FtarenaError: The adapter does not fit the model.
    """
    if recipe.init_from is None:
        modules: str | list[str] = list(recipe.lora_target_modules)
        if modules == ["all-linear"]:
            modules = "all-linear"
        config = LoraConfig(
            r=recipe.lora_r,
            lora_alpha=recipe.lora_alpha or 2 * recipe.lora_r,
            lora_dropout=recipe.lora_dropout,
            target_modules=modules,
            bias="none",
            task_type="CAUSAL_LM",
        )
        try:
            return get_peft_model(model, config)
        except ValueError as error:
            raise FtarenaError(f"lora_target_modules do not fit the model: {error}") from error
    try:
        return PeftModel.from_pretrained(model, recipe.init_from, is_trainable=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise FtarenaError(
            f"the adapter in {recipe.init_from} does not fit this base model: {error}",
            "set model_name_or_path to the model it was trained on",
        ) from error
