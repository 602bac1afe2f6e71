"""An example as somebody reads it: as the chat that it is, or as the JSON that lies in the file.

What is drawn is a list of blocks, made once off the event loop; wrapping them to a width is cheap enough for
every resize. What a terminal would obey or swallow (escape sequences, bidi overrides) is written out, because
here it is exactly what one looks for: cleaned away, the finding "control characters" would show nothing.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ftarena.curation.examples import Example, Turn
from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.text import clean_text
from ftarena.tui.drawing.differences import Ranges, differing_words
from ftarena.tui.drawing.dress import dress, mark

MOST_CHARACTERS = 60_000
"""Of one text that are drawn: a row may hold a book, and nobody reads it here."""

_INDENT = 2

# What no terminal shows and a tokenizer reads: soft hyphen, zero-width space, word joiner and the invisible
# operators, interlinear marks, and the tags that spell hidden text. Not the joiners U+200C and U+200D, which
# Persian, Indian scripts and emoji need.
_UNSEEN = re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufff9-\ufffb\U000e0000-\U000e007f]")


@dataclass(frozen=True)
class Block:
    """A heading and a text below it."""

    heading: tuple[Piece, ...] = ()
    text: str = ""
    """Foreign; written out when the block is made."""

    dressed: bool = False
    """Whether code fences and the like are styled, as in answers."""

    folded: bool = False
    """Whether it is broken anywhere, as JSON must, instead of between words."""

    marks: tuple[tuple[int, int], ...] = ()
    """What differs from another text: (start, end) in characters of `text`."""

    quiet: bool = False
    """Whether it is an aside."""


def written_out(text: str, spell: Callable[[str], str] = lambda sign: f"‹U+{ord(sign):04X}›") -> str:
    """Return a text in which every character that a terminal would obey or hide is spelled out.

    Args:
        text: Foreign.
        spell: From such a character to how it is written.
    """
    text = text.replace("\r\n", "\n")
    if clean_text(text) == text and not _UNSEEN.search(text):
        return text
    return "".join(spell(sign) if _is_hidden(sign) else sign for sign in text)


def _is_hidden(sign: str) -> bool:
    return sign not in "\n\t" and (clean_text(sign) != sign or _UNSEEN.match(sign) is not None)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Return a value as JSON that can be shown and edited: letters as they are, what is invisible escaped."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent))


def escaped(text: str) -> str:
    """Return a text in which what a terminal would obey or hide is escaped as JSON does it."""
    return written_out(text, lambda sign: json.dumps(sign)[1:-1])


def json_blocks(value: Any) -> list[Block]:
    """Return a row as it lies in the file, indented."""
    return [Block(text=_short(as_json(value)))]


def raw_line_blocks(raw: str, column: int | None) -> list[Block]:
    """Return a line that could not be read, as it is; the place of the trouble is marked.

    Args:
        raw: The line, decoded as well as possible.
        column: Where the trouble is, in characters from 1, if that is known.
    """
    at = None if column is None else min(max(column - 1, 0), max(len(raw) - 1, 0))
    before = written_out(raw[:at]) if at is not None else ""
    start = max(len(before) - 2_000, 0)  # of a long line only what lies around the trouble
    text = written_out(raw)[start : start + 6_000]
    found = () if at is None else ((len(before) - start, len(before) - start + 1),)
    heading = Piece("the line as it lies in the file" + (", from its middle" if start else ""), "quiet")
    return [Block((heading,), text, folded=True, marks=found)]


def chat_blocks(example: Example, other: Example | None = None, *, compare: bool = False) -> list[Block]:
    """Return an example as the conversation that it is.

    Args:
        example: What to draw.
        other: Its twin: where the two differ is marked.
        compare: Mark where a pair's chosen and rejected answers differ.
    """
    blocks = []
    if example.tools:
        names = ", ".join(_tool_names(example.tools)) or "?"
        blocks.append(Block((Piece("tools on offer  ", "role"), Piece(_line(names), "quiet"))))
    answers = _answers(example)
    marks = _differences(example, other) if other is not None else {}
    if compare and other is None and example.rejected:
        ours, theirs = _pair_differences(example)
        first = len(example.prompt)
        marks = {first: ours, first + len(example.completion): theirs}
    for number, (turn, title, learned) in enumerate(
        [
            *((turn, "", example.learns_every_answer and turn.learned) for turn in example.prompt),
            *answers,
        ]
    ):
        blocks += _turn_blocks(turn, title, learned, marks.get(number, []))
    return blocks


def draw_blocks(blocks: Sequence[Block], width: int) -> list[Row]:
    """Wrap blocks to rows of at most `width` cells, one empty row between them."""
    rows: list[Row] = []
    for block in blocks:
        if rows:
            rows.append([])
        if block.heading:
            rows += wrap(block.heading, width)
        indent = _INDENT if block.heading else 0
        start, in_fence = 0, False
        for line in block.text.split("\n") if block.text else []:
            if block.dressed:
                pieces, after = dress(line, in_fence)
            else:
                pieces, after = [Piece(line, "quiet" if block.quiet else "")], False
            inside = [
                (max(a, start) - start, min(b, start + len(line)) - start)
                for a, b in block.marks
                if a < start + len(line) and b > start
            ]
            pieces = mark(pieces, inside, "changed")
            fold = block.folded or (in_fence and after)
            for row in wrap(pieces, max(width - indent, 2), fold=fold):
                rows.append([Piece(" " * indent), *row] if indent and row else row)
            start += len(line) + 1
            in_fence = after
    return rows


def _answers(example: Example) -> list[tuple[Turn, str, bool]]:
    if example.kind == "preference":
        return [
            *((turn, "chosen", True) for turn in example.completion),
            *((turn, "rejected", True) for turn in example.rejected),
        ]
    if example.kind == "labelled":
        label = "answer, labelled good" if example.label else "answer, labelled bad"
        return [(turn, label, True) for turn in example.completion]
    if example.kind == "text":
        return [(turn, "text", True) for turn in example.completion]
    if example.shape == "reference":
        return [(turn, "reference answer", False) for turn in example.completion]
    return [(turn, "", turn.learned) for turn in example.completion]


_SIGNS = {"chosen": ("✓ ", "good"), "rejected": ("✗ ", "bad")}


def _turn_blocks(turn: Turn, title: str, learned: bool, marks: Ranges) -> list[Block]:
    sign, style = _SIGNS.get(title, ("", ""))
    heading = [Piece(sign, style)] if sign else []
    heading.append(Piece(title or turn.role, "role"))
    if turn.name:
        heading.append(Piece(f" {_line(turn.name)}"))
    if turn.role == "assistant" and not title:
        heading.append(
            Piece("  ● learned" if learned else "  ○ context only", "good" if learned else "quiet")
        )
    blocks = []
    if turn.reasoning:
        blocks.append(
            Block((*heading, Piece("  thinks", "quiet")), _short(written_out(turn.reasoning)), quiet=True)
        )
    calls = "\n".join(f"→ {call.name}({call.arguments})" for call in turn.tool_calls)
    if turn.content.strip() or not calls:
        text = written_out(turn.content)
        empty = not text.strip()
        blocks.append(
            Block(
                tuple(heading),
                "(white space only)" if empty and turn.content else "(empty)" if empty else _short(text),
                dressed=not empty and turn.role == "assistant",
                quiet=empty,
                marks=() if empty else tuple(marks),
            )
        )
    if calls:
        blocks.append(Block((*heading, Piece("  calls", "quiet")), _short(written_out(calls)), folded=True))
    return blocks


def _differences(example: Example, other: Example) -> Mapping[int, Ranges]:
    """Return by number of the turn where it differs from the turn in the same place of the other example."""
    ours = [turn for part in (example.prompt, example.completion, example.rejected) for turn in part]
    theirs: dict[tuple[str, int], Turn] = {}
    for name, turns in _parts(other):
        theirs.update({(name, n): turn for n, turn in enumerate(turns)})
    found: dict[int, Ranges] = {}
    number = 0
    for name, turns in _parts(example):
        for n, turn in enumerate(turns):
            twin = theirs.get((name, n))
            text = written_out(turn.content)
            if twin is None or twin.role != turn.role:
                found[number] = [(0, len(text))]
            elif twin.content != turn.content:
                found[number] = differing_words(text, written_out(twin.content))[0]
            number += 1
    assert number == len(ours)
    return found


def _parts(example: Example) -> list[tuple[str, tuple[Turn, ...]]]:
    return [("prompt", example.prompt), ("completion", example.completion), ("rejected", example.rejected)]


def _pair_differences(example: Example) -> tuple[Ranges, Ranges]:
    chosen, rejected = (
        written_out(turns[0].content) if turns else "" for turns in (example.completion, example.rejected)
    )
    return differing_words(chosen, rejected)


def _tool_names(tools: str) -> list[str]:
    try:
        offered = json.loads(tools)
    except ValueError:
        return []
    names = []
    for tool in offered if isinstance(offered, list) else []:
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        names.append(str(function.get("name", "?")) if isinstance(function, dict) else "?")
    return names


def _line(text: str) -> str:
    return " ".join(written_out(text).split())


def _short(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n… and {len(text) - MOST_CHARACTERS:,} characters more"
