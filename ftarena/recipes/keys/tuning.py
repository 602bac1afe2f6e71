"""Which weights learn: an adapter of some kind, all of them, or those of the last layers."""

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Number, Text, Texts, Whole

TUNING_PATTERN = r"lora|dora|rslora|qlora|full|last-[1-9]\d{0,3}"
"""What `tuning` may say."""


class TuningKeys(KeyGroup):
    """Which weights learn."""

    tuning: Text = "lora"
    """`lora` (Hu et al. 2021, arXiv 2106.09685), `dora` (weights in magnitude and direction, 2402.09353),
    `rslora` (scaled by the root of the rank, 2312.03732), `qlora` (LoRA on a base in 4 bits, 2305.14314;
    needs bitsandbytes), `full` (all weights), or `last-4` (all weights of the last 4 layers)."""

    lora_r: Annotated[Whole, Field(ge=1, le=512)] = 16
    """Rank of the adapter. 16 is plenty for style and format; 64 and more for new knowledge. The engine must
    be started for at least this rank."""

    lora_alpha: Annotated[Number, Field(gt=0)] | None = None
    """Scale of the adapter, usually 2 × rank (the default), so that the learning rate need not follow it."""

    lora_dropout: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    """Share of the adapter's inputs dropped (PEFT's default 0). DPO always trains without."""

    lora_target_modules: Annotated[Texts, Field(min_length=1)] = ["all-linear"]
    """Layers that get an adapter; all linear ones learn best (Schulman et al. 2025). Never the head or the
    embeddings: vLLM could not serve them."""

    load_in_4bit: bool = False
    """The same as `tuning: qlora`, by the name of transformers."""

    pure_bf16: bool = False
    """`full` and `last-N`: keep the weights that learn in bfloat16 too, as LLaMA-Factory calls it. It halves
    their memory, and loses changes smaller than 1/256 of a weight. Default: they are float32, also where
    computation is in bfloat16."""

    @property
    def has_adapter(self) -> bool:
        """Whether the base is frozen and an adapter learns."""
        return self.tuning in ("lora", "dora", "rslora", "qlora")

    @property
    def last_layers(self) -> int | None:
        """How many of the last layers learn, where only these do."""
        found = re.fullmatch(r"last-(\d+)", self.tuning)
        return int(found[1]) if found else None

    @field_validator("tuning")
    @classmethod
    def _known_tuning(cls, value: str) -> str:
        if not re.fullmatch(TUNING_PATTERN, value):
            raise ValueError("expected lora, dora, rslora, qlora, full, or last-4 (the last 4 layers)")
        return value

    @field_validator("lora_target_modules")
    @classmethod
    def _servable_modules(cls, value: list[str]) -> list[str]:
        for module in value:
            if module.rpartition(".")[2] in ("lm_head", "embed_tokens", "wte"):
                raise ValueError(f"expected linear layers: vLLM cannot serve an adapter with {module}")
        return value

    @model_validator(mode="after")
    def _base_learns(self) -> "TuningKeys":
        if self.pure_bf16 and self.has_adapter:
            raise ValueError(
                f"pure_bf16 is set, but tuning is {self.tuning}: it is about weights of the base that learn"
            )
        return self
