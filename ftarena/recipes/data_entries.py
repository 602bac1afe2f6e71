"""One entry of `dataset` where a path alone does not say enough: its share of the mix, what its columns mean.

Axolotl's entries are understood as they are: `type`, `ds_type`, `field_…` and their like are kept, and given
to the reader of that spelling.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from ftarena.recipes.scalars import Count, Number, Text
from ftarena.text import shorten

BUILTIN = "builtin:"
"""How the name of a set begins that comes with ftarena, such as `builtin:general`."""

SELF = "self"
"""In `replay_dataset`: what the base model answers itself; `self:PROMPTS.jsonl` says to which prompts."""

AXOLOTL = frozenset(
    (
        *("type", "ds_type", "data_files", "name", "conversation", "chat_template", "chat_template_jinja"),
        *("field", "roles", "roles_to_train", "train_on_inputs", "train_on_eos", "train_on_eot"),
        *("train_on_split", "shards", "shards_idx", "preprocess_shards", "revision", "skip"),
        *("message_property_mappings", "drop_system_message", "split_thinking", "template_thinking_key"),
        *("input_transform", "input_format"),
    )
)
"""Keys of an entry of axolotl's `datasets` that are not ours as well; besides these, those that begin with
`field_` and `message_field_`."""


class DataEntry(BaseModel):
    """A source of examples with what there is to say about it."""

    model_config = ConfigDict(
        extra="allow", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )

    path: Text
    """A file, a folder, a hub id or `dataset_info.json:NAME`; `#500` behind it is `max_samples: 500`."""

    weight: Annotated[Number, Field(gt=0)] | None = None
    """Its share of the mix, relative to the other entries' (1 where only others have one). Rows are taken at
    random, none twice, until the scarcest source is used up."""

    max_samples: Count | None = None
    """At most so many rows of it, at random (by `seed`)."""

    shape: (
        Literal[
            "messages",
            "sharegpt",
            "alpaca",
            "completion",
            "preference",
            "kto",
            "text",
            "reference",
            "prompt",
        ]
        | None
    ) = None
    """What every row must be; unset, it is recognised row by row."""

    columns: dict[str, Text] = {}
    """What its columns mean: `{prompt: question, completion: answer}`; our name, then the file's."""

    tags: dict[str, Text] = {}
    """The words in its messages: `{role: from, content: value, user: human, assistant: gpt}`."""

    ranking: bool = False
    """Whether its rows are preference pairs, where the shape does not tell (LLaMA-Factory's word)."""

    format: Literal["jsonl", "json", "csv", "tsv", "parquet", "arrow"] | None = None
    """How it is written, where its name does not tell."""

    split: Text | None = None
    """The split of a hub's data set; its `train` unless set."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            for key in value:
                if key not in cls.model_fields and not of_axolotl(key):
                    near = get_close_matches(str(key), [*cls.model_fields, *sorted(AXOLOTL)], n=1)
                    guess = f", did you mean {near[0]}?" if near else ""
                    raise ValueError(f"unknown key {shorten(str(key), 40)}{guess}")
        return value

    @model_validator(mode="after")
    def _one_sample(self) -> "DataEntry":
        if self.max_samples is not None and split_sample(self.path)[1] is not None:
            raise ValueError(f"max_samples and the number behind {self.path} are both set: keep one")
        return self

    @model_serializer(mode="wrap")
    def _only_what_is_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value not in (None, {}, False)}

    @property
    def foreign(self) -> dict[str, Any]:
        """Axolotl's keys, as they were written; empty where there are none."""
        return dict(self.model_extra or {})


def of_axolotl(key: object) -> bool:
    """Return whether a key of an entry is one of axolotl's."""
    return isinstance(key, str) and (key in AXOLOTL or key.startswith(("field_", "message_field_")))


def _entry(value: Any) -> Any:
    if isinstance(value, Mapping):
        try:
            return DataEntry.model_validate(dict(value))
        except ValidationError as error:
            raise ValueError("; ".join(_words(problem) for problem in error.errors())) from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, DataEntry) or (isinstance(value, str) and value):
        return value
    raise ValueError("expected text, or an entry with a path" if value else "expected text")


def _words(problem: Any) -> str:
    """Return one of pydantic's errors as a phrase that names the key inside the entry."""
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        reason = str(problem["ctx"]["error"])
    elif problem["type"] == "missing":
        return f"an entry needs a {key}"
    elif problem["type"] == "literal_error":
        reason = f"expected {problem['ctx']['expected']}"
    else:
        reason = str(problem["msg"]).replace("Input should be", "expected")
    return f"{key}: {reason}" if key else reason


def _entries(value: Any) -> Any:
    many = isinstance(value, str | int | float | Mapping | DataEntry) and not isinstance(value, bool)
    return [value] if many else value


Entry = Annotated[str | DataEntry, BeforeValidator(_entry)]
Entries = Annotated[list[Entry], BeforeValidator(_entries)]


def split_sample(dataset: str) -> tuple[str, int | None]:
    """Split `file.jsonl#500` into the file and the size of the sample (None: all rows)."""
    path, mark, count = dataset.rpartition("#")
    return (path, int(count)) if mark and re.fullmatch(r"0*[1-9][0-9]{0,14}", count) else (dataset, None)


def self_prompts(name: str) -> str | None:
    """Return which prompts a base model is to answer itself; None where `name` is an ordinary source of data.

    Args:
        name: An entry of `replay_dataset`, without a size of the sample.

    Returns:
        What is behind `self:`, and an empty text for `self` alone.
    """
    if name == SELF:
        return ""
    return name.removeprefix(f"{SELF}:") if name.startswith(f"{SELF}:") else None


def path_of(entry: str | DataEntry) -> tuple[str, int | None]:
    """Return where an entry's examples are, and how many of them to take (None: all)."""
    path, count = split_sample(entry if isinstance(entry, str) else entry.path)
    return path, count if isinstance(entry, str) or count else entry.max_samples
