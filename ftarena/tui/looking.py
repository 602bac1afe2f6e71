"""How one row is looked at: as a chat, as the tokens of a model, as the JSON that lies in the file."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from textual.content import Content

from ftarena.curation.rows import Problem
from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.errors import FtarenaError
from ftarena.text import clean_line
from ftarena.tui.drawing.example import Block, chat_blocks, draw_blocks, json_blocks, raw_line_blocks
from ftarena.tui.drawing.mask import mask_rows
from ftarena.tui.workbench import SIGNS, WORDS, Looked, Workbench

View = Literal["chat", "tokens", "JSON"]

VIEWS: tuple[View, ...] = ("chat", "tokens", "JSON")

_COMPARED = ("alike-pair", "no-preference", "chosen-worse", "prompts-differ")
"""Findings that are about the two answers of a pair: where these differ is marked."""


def draw_looked(
    bench: Workbench, looked: Looked, other: Looked | None, view: View, code: str
) -> Callable[[int], list[Row]]:
    """Return what draws a row at any width. Loads a tokenizer for `tokens`: call it in a thread.

    Args:
        bench: What is open.
        looked: The row.
        other: Its twin, where the two are compared.
        view: How it is looked at.
        code: The kind of finding that led here.
    """
    if isinstance(looked.row, Problem) and looked.value is None:
        if looked.raw:
            return partial(
                draw_blocks, _below(looked.trouble, raw_line_blocks(looked.raw, looked.row.column))
            )
        return partial(draw_blocks, _below(looked.trouble, []))
    if view == "JSON":
        return partial(draw_blocks, _below(looked.trouble, json_blocks(looked.value)))
    if looked.example is None:
        return partial(draw_blocks, _below(f"no {view} view: {looked.trouble}", json_blocks(looked.value)))
    if view == "chat":
        twin = other.example if other is not None else None
        return partial(draw_blocks, chat_blocks(looked.example, twin, compare=code in _COMPARED))
    try:
        views = bench.masks(looked.example)
    except FtarenaError as error:
        return partial(_told, error)
    return partial(mask_rows, views)


def heading(looked: Looked, view: View, note: str) -> Content:
    """Return the title of a row's pane: where it is, how it is looked at, what was decided about it."""
    place = f"{clean_line(looked.place[0].name)}:{looked.place[1]}"
    decided = "".join(f"  {SIGNS[action]} {WORDS[action]}" for action in looked.decided)
    shown = "line" if looked.value is None else view
    return Content(f"{place}  {shown}  {note}{decided}")


def _below(trouble: str, blocks: list[Block]) -> list[Block]:
    if not trouble:
        return blocks
    return [Block((Piece(f"✕ {clean_line(trouble)}", "bad"),)), *blocks]


def _told(error: FtarenaError, width: int) -> list[Row]:
    rows = wrap([Piece(f"✕ {clean_line(error.message)}", "bad")], width)
    return rows + (wrap([Piece(clean_line(error.hint))], width) if error.hint else [])
