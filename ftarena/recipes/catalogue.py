"""The keys of a recipe as people look them up: by concern, by method, with default and meaning.

Read from the schema itself, so that help, docs and editors say what it says.
"""

import re
import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ftarena.recipes.data_entries import DataEntry
from ftarena.recipes.defaults import FULL_LR_DIVISOR, defaults_of
from ftarena.recipes.keys.data import DataKeys
from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.keys.guards import GuardKeys
from ftarena.recipes.keys.losses import LossKeys
from ftarena.recipes.keys.running import RunningKeys
from ftarena.recipes.keys.schedule import ScheduleKeys
from ftarena.recipes.keys.speed import SpeedKeys
from ftarena.recipes.keys.task import Method, TaskKeys
from ftarena.recipes.keys.tuning import TuningKeys
from ftarena.recipes.names import ALIASES
from ftarena.recipes.schema import BELONGS, Recipe

METHODS: tuple[Method, ...] = get_args(Method)

_GROUPS: tuple[tuple[str, type[KeyGroup]], ...] = (
    ("Task", TaskKeys),
    ("Data", DataKeys),
    ("Schedule", ScheduleKeys),
    ("Tuning", TuningKeys),
    ("Loss", LossKeys),
    ("Memory and speed", SpeedKeys),
    ("Guards", GuardKeys),
    ("Running", RunningKeys),
)


@dataclass(frozen=True)
class Key:
    """One key of a recipe."""

    name: str
    kind: str
    """Its type, as a person would say it."""

    required: bool
    default: Any
    meaning: str
    """All that is said about it, on one line."""

    methods: tuple[Method, ...]
    """The methods that have it."""

    @property
    def gist(self) -> str:
        """What it means, in one sentence without its full stop."""
        return _first_sentence(self.meaning)

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names that other tools have for it."""
        return tuple(sorted(alias for alias, name in ALIASES.items() if name == self.name))

    def default_for(self, method: Method) -> str:
        """Return what holds where a recipe of this method says nothing, as it would stand in YAML."""
        usual = defaults_of(method)
        if self.name == "learning_rate":
            return f"{usual.lora_learning_rate:g}, full {usual.lora_learning_rate / FULL_LR_DIVISOR:g}"
        own: Any = {"beta": usual.beta, "loss_type": list(usual.loss_type) or None}.get(self.name)
        return as_yaml(self.default if own is None else own)


@dataclass(frozen=True)
class Group:
    """Keys that belong together."""

    title: str
    about: str
    """What they decide, in a few words."""

    keys: tuple[Key, ...]


def groups(method: Method | None = None) -> list[Group]:
    """Return the keys by concern, in the order of the documentation.

    Args:
        method: Only the keys that this method has. None: all of them.
    """
    found = []
    for title, kind in _GROUPS:
        keys = tuple(
            key
            for key in map(key_named, Recipe.model_fields)
            if key.name in kind.model_fields and (method is None or method in key.methods)
        )
        if keys:
            found.append(Group(title, _first_sentence(kind.__doc__ or ""), keys))
    return found


def key_named(name: str) -> Key:
    """Return what there is to know about a key of the schema."""
    field = Recipe.model_fields[name]
    return Key(
        name=name,
        kind=kind_of(field.annotation),
        required=field.is_required(),
        default=None if field.is_required() else field.get_default(),
        meaning=" ".join((field.description or "").split()),
        methods=BELONGS.get(name, METHODS),
    )


def is_list(name: str) -> bool:
    """Return whether a key holds a list; what is no key does not."""
    return name in Recipe.model_fields and kind_of(Recipe.model_fields[name].annotation).startswith("List")


def kind_of(annotation: object) -> str:
    """Return a type as a person would say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "One of " + ", ".join(f"`{choice}`" for choice in arguments)
    if origin is list:
        if DataEntry in get_args((get_args(arguments[0]) or [None])[0]):  # of Annotated[A | B, …]
            return "List of texts or entries"
        kind = kind_of(arguments[0])
        return f"List of {kind[0].lower()}{kind[1:]}s"
    if origin in (Union, types.UnionType):
        kinds = [kind_of(part) for part in arguments if part is not type(None)]
        return " or ".join([kinds[0], *(f"{kind[0].lower()}{kind[1:]}" for kind in kinds[1:])])
    if origin is Annotated or arguments:
        return kind_of(arguments[0])
    names: dict[object, str] = {bool: "True or false", int: "Whole number", float: "Number", str: "Text"}
    return names.get(annotation, "Object")


def as_yaml(value: Any) -> str:
    """Return a default as it would stand in YAML; `unset` for none."""
    if value is None:
        return "unset"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_sentence(text: str) -> str:
    words = " ".join(text.split())
    end = re.search(r"(?<!et al)[.?!](?= [A-Z0-9`])|[.?!]$", words)
    return words if end is None else words[: end.end()].removesuffix(".")
