"""`ftarena data show FILE[:LINE]`: rows as the chats that they are, as they lie in the file, or as tokens."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ftarena.curation.examples import BadRow, Example, Shape, Turn, Turns
from ftarena.curation.rows import Problem, read_chunks, read_row, rows_of
from ftarena.curation.rows.lines import line_at
from ftarena.curation.rows.row import Row
from ftarena.curation.shapes import SHAPES, example_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.data_specs import rows_at, sources_named, split_place
from ftarena.text import clean_line, spell_out

if TYPE_CHECKING:
    from ftarena.curation.tokens import ChatTokenizer

_CHUNK_BYTES = 1 << 16  # a few rows are wanted, not the first megabyte
_RAW_SHOWN = 2000
_INDENT = 2


@dataclass(frozen=True)
class _Shown:
    """One row, as far as it could be read."""

    file: Path
    line: int
    value: Any = None
    raw: str = ""
    """The line itself, where it could not be parsed and is a line."""

    example: Example | None = None
    problem: Problem | None = None


def show(
    spec: str,
    line: int | None = None,
    *,
    model: str | None = None,
    max_length: int | None = None,
    raw: bool = False,
    count: int = 3,
    columns: str | None = None,
    shape: str | None = None,
    as_json: bool = False,
) -> int:
    """Print rows of data for people to look at.

    Args:
        spec: What `resolve` understands; with `:3` or `:3-7,9` at its end those rows alone, unless a file is
            called so.
        line: That row alone; then `spec` is taken as it is.
        model: Show tokens, and which of them are learned, with this model.
        max_length: Where training cuts, in tokens. None: where it does unless a recipe says otherwise.
        raw: Print rows as JSON, as they lie in the file, one a line.
        count: How many rows from the first on, where no line is named.
        columns: What the columns mean, as `prompt=question,completion=answer`.
        shape: What every row must be.
        as_json: Print one JSON object instead of words.

    Returns:
        0; a row that cannot be used is shown with what is wrong with it.

    Raises:
        UsageError: A row of several files is asked for, `raw` goes with `model`, or `count` is below one.
        FtarenaError: There is no such file or row, or the model is not there.
    """
    if raw and model is not None:
        raise UsageError("--raw shows no tokens", "leave out --raw or --model")
    if count < 1:
        raise UsageError("--count shows at least one row", "for one row: FILE:LINE")
    named, lines = split_place(spec) if line is None else (spec, [range(line, line + 1)])
    sources = sources_named([named], columns, shape)
    rows = _at(named, sources, lines) if lines else _first(named, sources, count)
    if raw:
        for row in rows:
            print(_raw(row))
        return 0
    limit = _limit(max_length) if model is not None else None
    tokenizer = _tokenizer(model) if model is not None else None
    if as_json:
        made = [_to_json(row, tokenizer, limit) for row in rows]
        print(json.dumps({"model": model, "max_length": limit, "rows": made}, indent=2, ensure_ascii=False))
        return 0
    # In a pipe nothing is wrapped: who reads on wants whole lines.
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for number, row in enumerate(rows):
        if number:
            console.print()
        _print(row, console, tokenizer, limit)
    if tokenizer is not None and any(row.example for row in rows):
        from ftarena.plain.token_lines import LEGEND

        console.print(Text(f"\n{LEGEND}", "dim"))
    return 0


def _at(named: str, sources: Sequence[Source], lines: Sequence[range]) -> list[_Shown]:
    if len(sources) > 1:
        raise UsageError(
            f"{clean_line(named)} names {len(sources)} files, and any of them may have a line {lines[0][0]}",
            f"name the file: {clean_line(str(sources[0].path))}:{lines[0][0]}",
        )
    (source,) = sources
    one = len(lines) == 1 and len(lines[0]) == 1  # gone to directly, where the format allows it
    found = [read_row(source, lines[0][0])] if one else rows_at(source, lines)
    by_line = source.format == "jsonl" and not source.compression
    return [
        _read(source, row, lambda row=row: line_at(source, row.line) if by_line else b"")  # type: ignore[misc]  # binds this row
        for row in found
    ]


def _first(named: str, sources: Sequence[Source], count: int) -> list[_Shown]:
    rows = list(islice((row for source in sources for row in _rows(source)), count))
    if not rows:
        raise FtarenaError(f"{clean_line(named)} holds no rows", "check the path")
    return rows


def _rows(source: Source) -> Iterator[_Shown]:
    for chunk in read_chunks(source, _CHUNK_BYTES):
        lines = chunk.lines.split(b"\n")
        for found in rows_of(chunk):
            at = found.line - chunk.first_line
            raw = lines[at] if at < len(lines) else b""
            yield _read(source, found, lambda raw=raw: raw)  # type: ignore[misc]  # binds the line of this row


def _read(source: Source, found: Row | Problem, line: Callable[[], bytes]) -> _Shown:
    """Understand a row; `line` gives its bytes, which are wanted only where it cannot be parsed."""
    if isinstance(found, Problem):
        raw = line().rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        return _Shown(found.file, found.line, raw=raw, problem=found)
    row, value = (found.file, found.line), found.value
    shapes: tuple[Shape, ...] = tuple(SHAPES) if source.shape is None else (source.shape,)
    try:
        return _Shown(*row, value, example=example_of(*row, value, shapes, source.columns))
    except BadRow as bad:
        return _Shown(*row, value, problem=Problem(*row, bad.column, bad.code, str(bad)))


def _limit(max_length: int | None) -> int:
    from ftarena.recipes.schema import Recipe

    limit: int = max_length or Recipe.model_fields["max_length"].get_default()
    return limit


def _tokenizer(model: str) -> "ChatTokenizer":
    from ftarena.curation.tokens import ChatTokenizer
    from ftarena.recipes.models import resolve_model
    from ftarena.training.models import prepare_tokenizer

    folder = prepare_tokenizer(
        resolve_model(model), lambda line: print(clean_line(line), file=sys.stderr, flush=True)
    )
    return ChatTokenizer.load(folder, model)


def _print(row: _Shown, console: Console, tokenizer: "ChatTokenizer | None", max_length: int | None) -> None:
    example = row.example
    about = example.shape if example else "cannot be used"
    console.print(Text.assemble((spell_out(f"{row.file}:{row.line}"), "bold"), f"  {about}"))
    if row.problem is not None:
        place = f" (column {row.problem.column})" if row.problem.column else ""
        console.print(Text(spell_out(f"problem: {row.problem.message}{place}"), "red"))
        console.print(_indented((row.raw or _raw(row))[:_RAW_SHOWN]))
    if example is None:
        return
    if tokenizer is None:
        _print_chat(example, console)
    else:
        _print_tokens(example, console, tokenizer, max_length)


def _print_chat(example: Example, console: Console) -> None:
    if example.tools:
        names = [tool.get("function", tool).get("name", "?") for tool in json.loads(example.tools)]
        _print_part("tools", ", ".join(map(str, names)), console)
    for turn in example.prompt:
        _print_turn(turn.role, turn, console, learned=turn.learned and example.learns_every_answer)
    titles = {"preference": "chosen", "text": "text", "labelled": "good" if example.label else "bad"}
    title = titles.get(example.kind, "assistant")
    if example.kind == "labelled":
        title = f"assistant, labelled {title}"
    for turn in example.completion:
        _print_turn(title, turn, console, learned=turn.learned)
    for turn in example.rejected:
        _print_turn("rejected", turn, console, learned=True)


def _print_turn(title: str, turn: Turn, console: Console, *, learned: bool) -> None:
    if turn.role == "tool" and turn.name:
        title = f"{title} {turn.name}"
    if turn.role == "assistant" and not learned:
        title = f"{title} (context, not learned)"
    called = "\n".join(f"→ {call.name}({call.arguments})" for call in turn.tool_calls)
    thought = "".join(f"  │ {line}\n" for line in turn.reasoning.splitlines())
    _print_part(
        title, f"{thought}{turn.content}{chr(10) if turn.content and called else ''}{called}", console
    )


def _print_part(title: str, text: str, console: Console) -> None:
    console.print(Text(spell_out(title), "bold cyan"))
    console.print(_indented(text))


def _indented(text: str) -> Padding | Text:
    lines = Text(spell_out(text).rstrip("\n"))
    if not sys.stdout.isatty():
        return Text("\n").join(Text(" " * _INDENT) + line for line in lines.split("\n", allow_blank=True))
    return Padding(lines, (0, 0, 0, _INDENT))


def _print_tokens(
    example: Example, console: Console, tokenizer: "ChatTokenizer", max_length: int | None
) -> None:
    from ftarena.curation.tokens import mask_views
    from ftarena.plain.token_lines import summary, token_lines

    try:
        views = mask_views(example, tokenizer, max_length)
    except FtarenaError as error:
        console.print(Text(spell_out(f"problem: {error.message}"), "red"))
        return
    width = shutil.get_terminal_size((80, 24)).columns
    for title, view in views:
        if len(views) > 1:
            console.print(Text(title, "bold cyan"))
        for line in token_lines(view, width):
            console.print(line, soft_wrap=True)
        console.print(Text(summary(view, max_length)))


def _raw(row: _Shown) -> str:
    """Return a row as JSON on one line, or the line itself where it is none.

    What a terminal would obey is escaped as JSON escapes it, so what is printed parses to the very same row.
    """
    if row.problem is not None and row.value is None:
        return spell_out(row.raw)
    text = json.dumps(row.value, ensure_ascii=False)
    return "".join(sign if spell_out(sign) == sign else f"\\u{ord(sign):04x}" for sign in text)


def _to_json(row: _Shown, tokenizer: "ChatTokenizer | None", max_length: int | None) -> dict[str, Any]:
    made: dict[str, Any] = {"file": str(row.file), "line": row.line}
    if row.problem is not None:
        problem = {"code": row.problem.code, "message": row.problem.message, "column": row.problem.column}
        return {**made, "problem": problem, "row": row.raw if row.value is None else row.value}
    example = row.example
    if example is None:
        return made
    made |= {"shape": example.shape, "kind": example.kind, "prompt": _messages(example.prompt)}
    made |= {key: _messages(turns) for key in ("completion", "rejected") if (turns := getattr(example, key))}
    if example.tools:
        made["tools"] = json.loads(example.tools)
    if example.label is not None:
        made["label"] = example.label
    if tokenizer is not None:
        from ftarena.curation.tokens import mask_views

        try:
            views = mask_views(example, tokenizer, max_length)
        except FtarenaError as error:
            return {**made, "problem": {"message": error.message}}
        made["tokens"] = {title: asdict(view) for title, view in views}
    return made


def _messages(turns: Turns) -> list[dict[str, Any]]:
    return [{**turn.to_message(), **({} if turn.learned else {"learned": False})} for turn in turns]
