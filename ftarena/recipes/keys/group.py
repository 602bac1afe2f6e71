"""What the groups of keys have in common."""

from pydantic import BaseModel, ConfigDict


class KeyGroup(BaseModel):
    """Some keys of a recipe: unknown ones are refused, and the docstring below a key is its description."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )
