"""What is learned from, what is measured on, and what is replayed."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ftarena.recipes.data_entries import DataEntry, Entries
from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Number, Whole


class DataKeys(KeyGroup):
    """Which examples."""

    dataset: Annotated[Entries, Field(min_length=1)]
    """What to train on, one or a list: files (JSONL, JSON, CSV, TSV, Parquet, Arrow; `.gz`, `.zst`), folders,
    a hub's data sets, `dataset_info.json:NAME`. `file.jsonl#500` takes 500 rows of it at random (by `seed`).
    An entry may also be an object, such as `{path: file.jsonl, weight: 2}`: see docs/recipes.md."""

    eval_dataset: Entries = []
    """What is never trained on, written as for `dataset`; its loss is measured before, during and after."""

    eval_split: Annotated[Number, Field(ge=0)] = 0
    """Hold out part of `dataset` instead of a file: a share below 1, or a number of rows; by content."""

    replay_dataset: Entries = []
    """General examples that are mixed in so that the model keeps what it knew; written as for `dataset`.
    `self` lets the base model answer general prompts itself before it is trained (sft only), and
    `self:PROMPTS.jsonl` your own prompts."""

    replay_ratio: Annotated[Number, Field(gt=0, lt=1)] | None = None
    """Share of all training rows that comes from `replay_dataset`. Default 0.05; 0.01 to 0.1 are usual."""

    bad_rows: Literal["error", "drop"] = "error"
    """What happens to a row that cannot be used. `drop` leaves it out, counts it and writes it to the run's
    `dropped.jsonl`."""

    max_length: Annotated[Whole, Field(ge=8, le=1_048_576)] = 1024
    """Longest example, prompt and answer, in tokens (TRL's default). Memory grows with it."""

    too_long: Literal["error", "drop", "truncate"] = "error"
    """What happens to an example above `max_length`. `truncate` cuts the end off, so it unlearns stopping."""

    @field_validator("eval_split")
    @classmethod
    def _share_or_rows(cls, value: float) -> float:
        if value >= 1 and not value.is_integer():
            raise ValueError("expected a share below 1, or a whole number of rows")
        return value

    @model_validator(mode="after")
    def _data_agree(self) -> "DataKeys":
        if self.eval_split and self.eval_dataset:
            raise ValueError("eval_split and eval_dataset are both set: keep one")
        if self.replay_ratio is not None and not self.replay_dataset:
            raise ValueError("replay_ratio is set, but there is no replay_dataset to take rows from")
        for entry in self.eval_dataset:
            if isinstance(entry, DataEntry) and entry.weight is not None:
                raise ValueError(
                    "eval_dataset has an entry with a weight, but held-out rows are not mixed: "
                    "use max_samples, or leave it out"
                )
        return self
