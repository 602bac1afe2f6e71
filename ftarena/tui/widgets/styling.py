"""From the style names of pieces to terminal styles, by a widget's component classes."""

from rich.style import Style
from textual.widget import Widget

_ONLY_SHAPE = frozenset(("strong", "changed"))
"""Styles that make text bold or underlined and leave its colour, so that they can lie over another one."""


def piece_style(widget: Widget, prefix: str, names: str) -> Style:
    """Return the style of a piece in a widget.

    Args:
        widget: Has a component class `<prefix>--<name>` for the names it knows; others are left out.
        prefix: The widget's own.
        names: Names joined by `+`.
    """
    style = widget.rich_style
    if not names:
        return style
    for name in names.split("+"):
        component = f"{prefix}--{name}"
        if component in widget.COMPONENT_CLASSES:
            # Muted colours are a share of the text's on its background: only the full style knows that one.
            style += widget.get_component_rich_style(component, partial=name in _ONLY_SHAPE)
    return style
