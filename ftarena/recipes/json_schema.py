"""The schema of a recipe as JSON Schema (draft 2020-12), by which editors complete and check a file.

An editor's YAML server finds it by a first line of the recipe:

    # yaml-language-server: $schema=recipe.schema.json

It says what one key may hold. What keys say together is only checked by the program.
"""

import re
from typing import Any

from ftarena.recipes.catalogue import Key, as_yaml, key_named
from ftarena.recipes.choices import OPTIMISERS, TRACKERS
from ftarena.recipes.data_entries import AXOLOTL, DataEntry
from ftarena.recipes.keys.losses import DPO_LOSSES, SFT_LOSSES
from ftarena.recipes.keys.tuning import TUNING_PATTERN
from ftarena.recipes.schema import Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
# Pydantic 2.14 names limits behind a `BeforeValidator` so, which JSON Schema does not know.

_EXAMPLES: dict[str, list[Any]] = {
    "model_name_or_path": ["demo:smollm2", "Qwen/Qwen2.5-7B-Instruct"],
    "dataset": ["data/train.jsonl#500", [{"path": "mine.jsonl", "weight": 2}, "theirs.csv"]],
    "eval_dataset": ["data/heldout.jsonl"],
    "eval_split": [0.05, 200],
    "learning_rate": [1e-4],
    "tuning": ["lora", "qlora", "full", "last-4"],
    "per_device_train_batch_size": [4, "auto"],
    "loss_type": [["sigmoid", "sft"], "nll"],
    "reward_funcs": [["exact_match", "format"]],
    "reward_pattern": [r"####\s*-?\d+"],
}

_CHOICES: dict[str, list[str]] = {
    "optim": list(OPTIMISERS),
    "report_to": ["none", "all", *TRACKERS],
    "loss_type": sorted({*SFT_LOSSES, *DPO_LOSSES}),
}
"""Names that the schema's own classes check by hand."""


def recipe_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe."""
    made = Recipe.model_json_schema()
    entry = _entry(made["$defs"]["DataEntry"])
    properties = {name: _property(name, made["properties"][name]) for name in Recipe.model_fields}
    return {
        "$schema": DIALECT,
        "title": "A recipe of ftarena",
        "description": "Everything that decides what a training run does: ftarena train FILE.yaml",
        "type": "object",
        "properties": properties,
        "required": made["required"],
        "additionalProperties": False,
        "$defs": {"DataEntry": entry},
    }


def _property(name: str, made: dict[str, Any]) -> dict[str, Any]:
    key = key_named(name)
    limited = _standard(made)
    form = {word: value for word, value in limited.items() if word not in ("title", "default", "description")}
    if name in _CHOICES:
        form = (
            {"type": "array", "items": {"enum": _CHOICES[name]}}
            if name != "optim"
            else {"enum": _CHOICES[name]}
        )
    if name == "tuning":
        form = {"type": "string", "pattern": f"^(?:{TUNING_PATTERN})$"}
    form = _forgiving(form, required=key.required)
    if not key.required and key.default is not None:
        form["default"] = key.default
    if name in _EXAMPLES:
        form["examples"] = _EXAMPLES[name]
    return {"description": _description(key), **form}


def _forgiving(form: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """Return a form that also takes one item for a list, a number for text, and nothing for an option."""
    forms = [part for part in form.get("anyOf", [form]) if part.get("type") != "null"]
    wide: list[dict[str, Any]] = []
    for part in forms:
        wide.append(part)
        if part.get("type") == "array":
            items = part["items"]
            wide += items.get("anyOf", [items])
        elif part == {"type": "string", "minLength": 1}:  # `name: 2024`
            wide.append({"type": "number"})
    if not required:
        wide.append({"type": "null"})
    return dict(wide[0]) if len(wide) == 1 else {"anyOf": wide}


def _entry(made: dict[str, Any]) -> dict[str, Any]:
    """Return the form of an entry of `dataset`: our keys, and axolotl's."""
    properties = {
        name: {
            **{word: value for word, value in _standard(form).items() if word not in ("title", "default")},
            "description": _flat(DataEntry.model_fields[name].description or ""),
        }
        for name, form in made["properties"].items()
    }
    foreign = {name: {"description": "Axolotl's; understood as it is there."} for name in sorted(AXOLOTL)}
    return {
        "type": "object",
        "description": _flat(made["description"]),
        "properties": {**foreign, **properties},
        "patternProperties": {"^(?:message_)?field_": {}},
        "required": made["required"],
        "additionalProperties": False,
    }


def _standard(form: Any) -> Any:
    """Return a form with the limits by the names of JSON Schema, wherever they stand."""
    if isinstance(form, dict):
        return {_LIMITS.get(word, word): _standard(value) for word, value in form.items()}
    return [_standard(value) for value in form] if isinstance(form, list) else form


def _description(key: Key) -> str:
    parts = [_flat(key.meaning)]
    if not key.required and key.default is None:
        parts.append(f"Default: {as_yaml(None)}." if "efault" not in key.meaning else "")
    if len(key.methods) < len(key_named("method").methods):
        parts.append(f"Methods: {', '.join(key.methods)}.")
    if key.aliases:
        parts.append(f"Other tools' names, understood as well: {', '.join(key.aliases)}.")
    return " ".join(part for part in parts if part)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
