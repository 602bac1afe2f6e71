"""Bringing a model into memory: on which device, in which number format, and which weights of it learn."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BitsAndBytesConfig,
)
from trl.trainer.reward_trainer import suppress_seqcls_warning

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

    Weights that all learn are loaded in float32 (unless `pure_bf16`): AdamW's steps of 1e-5 are smaller than
    bfloat16 can tell apart. Frozen ones are in the format that is computed in.

    Raises:
        FtarenaError: The folder cannot be loaded as a causal language model, or the recipe wants 4 bits and
            there is no bitsandbytes.
    """
    computed = torch.bfloat16 if machine.bf16 else torch.float32
    options: dict[str, Any] = {"dtype": _loaded_as(path, recipe, computed)}
    if machine.device == "cuda":
        options["device_map"] = {"": 0}
    if recipe.tuning == "qlora":
        options["quantization_config"] = _four_bits(computed)
    if recipe.attn_implementation:
        options["attn_implementation"] = recipe.attn_implementation
    kind: Any = AutoModelForCausalLM
    if recipe.method == "reward":
        kind = AutoModelForSequenceClassification
        options["num_labels"] = 1
    try:
        # A reward model has a new head and no longer the old one; transformers would warn of both.
        with suppress_seqcls_warning():
            return kind.from_pretrained(path, use_safetensors=True, local_files_only=True, **options)
    except (OSError, ValueError) as error:
        raise FtarenaError(f"the model in {path} cannot be loaded: {error}") from error


def _loaded_as(path: Path, recipe: Recipe, computed: torch.dtype) -> torch.dtype:
    """Return the number format that a base is loaded in.

    Of a run that saves the base's own weights none may be rounded on the way, not even the frozen ones.
    """
    if recipe.has_adapter or recipe.pure_bf16:
        return computed
    if recipe.tuning == "full":
        return torch.float32
    stored = AutoConfig.from_pretrained(path, local_files_only=True).dtype
    return torch.float32 if stored is torch.float32 else computed


def _four_bits(computed: torch.dtype) -> BitsAndBytesConfig:
    """Return how a base is kept in 4 bits: as in QLoRA (arXiv 2305.14314), NF4 with quantised constants.

    Raises:
        FtarenaError: There is no bitsandbytes.
    """
    if find_spec("bitsandbytes") is None:
        raise FtarenaError(
            "tuning: qlora needs the package bitsandbytes, and it is not here",
            "pip install bitsandbytes, or use tuning: lora",
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=computed,
    )


def unservable(recipe: Recipe) -> str | None:
    """Return why the engine could not answer with what a run is going to make; None where it can.

    vLLM 0.32 refuses DoRA in its adapters (`vllm/lora/peft_helper.py`).
    """
    if recipe.method == "reward":
        return "a model that scores answers writes none, so it takes part in no battle"
    if recipe.tuning == "dora":
        return "vLLM serves no DoRA adapters: to compare this run, merge it first (ftarena export model)"
    return None


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens at which the model stops when it generates, or would if it wrote answers."""
    settings = getattr(model, "generation_config", None) or model.config
    configured = settings.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)


def tune(model: Any, recipe: Recipe) -> Any:
    """Return the model with the weights that the recipe lets learn, and all others frozen.

    Raises:
        FtarenaError: What shall learn does not fit the model.
    """
    if recipe.has_adapter:
        return _add_adapter(model, recipe)
    if recipe.last_layers is not None:
        _free_last_layers(model, recipe.last_layers, keep_dtype=recipe.pure_bf16)
    return model


def _free_last_layers(model: Any, count: int, *, keep_dtype: bool) -> None:
    """Let the last layers learn, the norm after them, and the head of a reward model.

    Raises:
        FtarenaError: The model has fewer layers.
    """
    backbone = model.base_model
    layers = max(
        (child for child in backbone.children() if isinstance(child, torch.nn.ModuleList)),
        key=len,
        default=torch.nn.ModuleList(),
    )
    if count > len(layers):
        raise FtarenaError(
            f"tuning: last-{count}, but the model has {len(layers)} layers",
            f"use last-{max(len(layers) // 4, 1)}, or tuning: full",
        )
    model.requires_grad_(False)
    norms = [
        child
        for name, child in backbone.named_children()
        if "norm" in name.lower() or name in ("ln_f", "final_layernorm")
    ]
    heads = [head] if (head := getattr(model, "score", None)) is not None else []
    for module in [*list(layers)[len(layers) - count :], *norms, *heads]:
        module.requires_grad_(True)
        if not keep_dtype:
            module.float()


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
            use_dora=recipe.tuning == "dora",
            use_rslora=recipe.tuning == "rslora",
            bias="none",
            # Of a reward model PEFT then trains and keeps the new head as well.
            task_type="SEQ_CLS" if recipe.method == "reward" else "CAUSAL_LM",
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
