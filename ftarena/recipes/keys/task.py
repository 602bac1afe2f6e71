"""What is done: the method, the model, the name, where it goes on from."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Text, Whole

Method = Literal["sft", "dpo", "ipo", "kto", "orpo", "simpo", "cpo", "reward", "grpo"]

PAIR_METHODS: tuple[Method, ...] = ("dpo", "ipo", "orpo", "simpo", "cpo", "reward")
"""Methods that learn from pairs of a better and a worse answer."""

REFERENCED_METHODS: tuple[Method, ...] = ("dpo", "ipo", "kto")
"""Methods that stay near a frozen reference, which is the model at the start."""


class TaskKeys(KeyGroup):
    """What is done."""

    method: Method
    """What is learned from: `sft` answers; `dpo`, `ipo`, `orpo`, `simpo`, `cpo` pairs of a better and a worse
    answer; `kto` answers labelled good or bad; `reward` a model that scores answers, from pairs; `grpo`
    questions whose answers are scored by functions."""

    model_name_or_path: Text
    """Base model: `demo:smollm2`, a folder, a .gguf file, or a Hugging Face id."""

    name: Text = "run"
    """What the run is called; its id is this and the time. Default: the recipe's file name."""

    init_from: Text | None = None
    """Adapter to go on from: a run's id or name, or a folder. DPO then has that adapter as its reference.
    This is a new run from an old adapter; an interrupted run goes on with `ftarena runs resume`."""

    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 42
    """Order of the data, samples, and the adapter's start."""

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            raise ValueError("expected letters, digits, dots, dashes and underscores, at most 64")
        return value

    @field_validator("model_name_or_path", "init_from")
    @classmethod
    def _possible_path(cls, value: str | None) -> str | None:
        # 255 bytes is the limit of Linux' file systems; beyond it even asking whether a file exists fails.
        if value and ("\0" in value or any(len(part.encode()) > 255 for part in value.split("/"))):
            raise ValueError("expected a name that a file or folder could have")
        return value
