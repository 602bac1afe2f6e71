"""`ftarena data edit FILE:N`: a row's new value, from the command line or an editor."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftarena.curation.decisions.identity import item_at
from ftarena.curation.decisions.ledger import Decided, Decisions
from ftarena.curation.examples import BadRow
from ftarena.curation.rows import Row
from ftarena.curation.rows.values import DECODER
from ftarena.curation.sources import Columns
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.data_decide import BACK, tell_counts
from ftarena.plain.data_decisions import changed_keys
from ftarena.plain.data_specs import one_source, split_place
from ftarena.text import clean_line, shorten


def edit(
    place: str,
    *,
    changes: Sequence[str] = (),
    whole: str | None = None,
    reason: str,
    by: str,
    columns: str | None = None,
    shape: str | None = None,
) -> int:
    """Give a row a new value; without changes it is opened in `$VISUAL` or `$EDITOR`.

    Args:
        place: `FILE:3`.
        changes: `key=value`; `messages.1.content=…` reaches into lists and objects.
        whole: The whole new row, as JSON.
        reason: Why; may be empty.
        by: Who decides.
        columns: What the columns mean, as `prompt=question,completion=answer`.
        shape: What every row must be.

    Returns:
        The exit code 0.

    Raises:
        UsageError: No single row is named, or a change that cannot be made.
        FtarenaError: So edited, the row could not be used; nothing is changed then.
    """
    name, lines = split_place(place)
    if len(lines) != 1 or len(lines[0]) != 1:
        raise UsageError(f"{shorten(place, 80)}: which row?", "name one line: FILE:3")
    if changes and whole is not None:
        raise UsageError("--set and --json are both given", "keep one")
    source = one_source(name, columns, shape)
    item = item_at(source, lines[0][0])
    decisions = Decisions.open(source)
    made = [decision for decision in decisions.pile(item.row) if decision.action != "exclude"]
    standing = decisions.outcome(Decided(item, tuple(made)))  # also of a row that is left out by now
    now = standing.value if isinstance(standing, Row) else None
    shown = f"{clean_line(str(source.path))}:{item.row.line}"
    if whole is not None:
        value = _parsed(whole, f"{shown}: --json")
    elif changes:
        value = json.loads(json.dumps(now))
        for change in changes:
            _set(value, change, shown, source.columns)
    else:
        value = _from_editor(item.text if now is None else _written(now), shown)
    if value == now:
        print(f"{shown}: nothing was changed")
        return 0
    if not isinstance(value, dict):
        raise FtarenaError(f"{shown}: a row must be a JSON object", 'such as {"prompt": …, "completion": …}')
    was = decisions.of(item.row)
    decisions.edit(item.row, value, by, reason=reason)
    keys = shorten(", ".join(changed_keys(now, value)), 60)
    print(f"{shown}: edited {keys}{BACK if was is not None and was.action == 'exclude' else ''}")
    tell_counts(name, source, decisions)
    return 0


def _set(value: Any, change: str, shown: str, columns: Columns) -> None:
    """Carry out `a.1.b=text` on a row."""
    path, equals, text = change.partition("=")
    if not equals or not path:
        raise UsageError(f"--set {shorten(change, 60)} names no value", "write it as --set prompt='new text'")
    if not isinstance(value, dict):
        raise UsageError(f"{shown} cannot be read, so nothing in it can be set", "give the whole row: --json")
    *way, last = path.split(".") if path not in value else [path]
    first = (way or [last])[0]
    if first not in value and (
        theirs := columns.names.get(first)
    ):  # our name of a column, the file has its own
        way, last = ([theirs, *way[1:]], last) if way else (way, theirs)
    inside: Any = value
    for step in way:
        inside = _step(inside, step, shown, path)
    if isinstance(inside, list):
        _step(inside, last, shown, path)
        inside[int(last)] = _as_before(inside[int(last)], text, path)
    elif isinstance(inside, dict):
        inside[last] = _as_before(inside.get(last, ""), text, path)
    else:
        raise UsageError(f"{shown} has no {shorten(path, 60)} to set", "see the row: ftarena data show --raw")


def _step(inside: Any, step: str, shown: str, path: str) -> Any:
    if isinstance(inside, dict) and step in inside:
        return inside[step]
    if isinstance(inside, list) and step.isdecimal() and int(step) < len(inside):
        return inside[int(step)]
    raise UsageError(f"{shown} has no {shorten(path, 60)} to set", "see the row: ftarena data show --raw")


def _as_before(before: Any, text: str, path: str) -> Any:
    """Text stays text, and so does what had no value; a number, a list or a truth value is read as JSON."""
    return text if before is None or isinstance(before, str) else _parsed(text, f"--set {shorten(path, 60)}")


def _parsed(text: str, shown: str) -> Any:
    try:
        return _strictly(text)
    except ValueError as error:
        raise UsageError(f"{shown}: broken JSON: {clean_line(str(error))}", "mend it, then again") from None


def _strictly(text: str) -> Any:
    """Return what a JSON text says, read as strictly as a data file: no key twice, no NaN.

    Raises:
        ValueError: It is no such JSON.
    """
    try:
        return DECODER.decode(text.strip())
    except BadRow as bad:
        raise ValueError(str(bad)) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _written(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _from_editor(text: str, shown: str) -> Any:
    """Open a text in the user's editor and return it as JSON; a text that is none is kept for another try."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(f"{shown}: what is to be changed?", "say it: --set prompt='new text', or --json")
        editor = "vi"
    handle, name = tempfile.mkstemp(prefix="ftarena-row-", suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{text}\n")
    try:
        code = subprocess.run([*shlex.split(editor), name], check=False).returncode
    except (OSError, ValueError) as error:
        Path(name).unlink()
        raise FtarenaError(
            f"the editor {shorten(editor, 40)} cannot be started: {error}", "name another one: EDITOR=nano"
        ) from None
    written = Path(name).read_text(encoding="utf-8", errors="replace")
    if code:
        Path(name).unlink()
        raise FtarenaError(f"{shown}: the editor ended with {code}, so nothing was changed")
    try:
        value = _strictly(written)
    except ValueError as error:
        again = f'ftarena data edit {shown} --json "$(cat {name})"'
        raise FtarenaError(
            f"{shown}: what you wrote is broken JSON: {clean_line(str(error))}",
            f"it is kept in {name}; mend it, then: {again}",
        ) from None
    Path(name).unlink()
    return value
