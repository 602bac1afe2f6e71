"""Bringing a model into memory: on which device, in which number format, with which adapter."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from ftarena import hardware
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe


@dataclass(frozen=True)
class Plan:
    """What the machine decides about a run."""

    device: str
    """`cuda` or `cpu`."""

    bf16: bool
    gradient_checkpointing: bool
    threads: int
    """CPU threads of torch."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, with the card's name."""
        card = torch.cuda.get_device_name(0) if self.device == "cuda" else None
        return {**asdict(self), "card": card}


def plan(recipe: Recipe) -> Plan:
    """Decide device, number format and checkpointing, and set torch's threads.

    Raises:
        FtarenaError: The recipe wants something that this machine cannot do.
    """
    cuda = torch.cuda.is_available()
    threads = hardware.usable_cores()
    torch.set_num_threads(threads)
    if recipe.load_in_4bit and not cuda:
        raise FtarenaError("load_in_4bit needs a GPU, and torch sees none here", "leave load_in_4bit out")
    if recipe.packing and not (cuda and (recipe.attn_implementation or "").startswith("flash")):
        raise FtarenaError(
            "packing needs a GPU and attn_implementation: flash_attention_2, "
            "or packed examples would see each other",
            "leave packing out; examples are grouped by length instead",
        )
    # On a CPU bfloat16 takes ten times as long without AMX or AVX512-bf16; with the latter a step of a 135M
    # model took about as long as in float32 (4.4 against 5.7 s of CPU time).
    bf16 = recipe.bf16 if recipe.bf16 is not None else (cuda and torch.cuda.is_bf16_supported())
    checkpointing = recipe.gradient_checkpointing if recipe.gradient_checkpointing is not None else cuda
    return Plan("cuda" if cuda else "cpu", bf16, checkpointing, threads)


def use_one_card() -> None:
    """Show torch one card only: with several, transformers would wrap the model in `nn.DataParallel`.

    Must run before CUDA is initialised.
    """
    if "CUDA_VISIBLE_DEVICES" not in os.environ and (cards := hardware.gpus()) and len(cards) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = max(cards, key=lambda card: card.free_mib).uuid


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


def load_base(path: Path, recipe: Recipe, machine: Plan) -> Any:
    """Return the base model: safetensors only, no code of the repository, from this disk only.

    Raises:
        FtarenaError: The folder cannot be loaded as a causal language model.
    """
    options: dict[str, Any] = {"dtype": torch.bfloat16 if machine.bf16 else torch.float32}
    if machine.device == "cuda":
        options["device_map"] = {"": 0}
    if recipe.load_in_4bit:
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


def add_adapter(model: Any, recipe: Recipe) -> Any:
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
