"""The kinds of values that a key of a recipe may have, each forgiving what YAML does to what people typed."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _not_bool(value: Any) -> Any:
    """Refuse yes/no where a number is meant: pydantic would read `learning_rate: yes` as 1.0."""
    if isinstance(value, bool):
        raise ValueError("expected a number, not yes or no")
    return value


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _text(value: Any) -> Any:
    """Take a bare YAML number for the text it was typed as (`name: 2024`)."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Whole = Annotated[int, BeforeValidator(_not_bool)]
Count = Annotated[Whole, Field(ge=1, le=1_000_000_000)]
# More than anybody means: beyond it a torch tensor or a progress bar overflows, hours after the typing error.
Number = Annotated[float, BeforeValidator(_not_bool), Field(allow_inf_nan=False)]
Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Texts = Annotated[list[Text], BeforeValidator(_one_or_many)]
Numbers = Annotated[list[Number], BeforeValidator(_one_or_many)]
