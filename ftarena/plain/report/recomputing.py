"""`ftarena score --recompute REPORT.html`: do the votes in a report say what it says?"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ftarena.errors import FtarenaError
from ftarena.plain.report.carrying import Carried, read_carried
from ftarena.plain.report.styles import score_looks
from ftarena.scoring.report import score
from ftarena.scoring.words import counted
from ftarena.text import clean_line

_CLOSE = 1e-9
"""Relative difference that other builds of the same arithmetic may make."""


def compare_report(path: Path, out: TextIO | None = None) -> int:
    """Score the votes that a report carries, and say whether its numbers come out again.

    Args:
        path: A file that `ftarena score --html` wrote.
        out: Where to; standard output by default.

    Returns:
        The exit code: 1 where a number differs.

    Raises:
        FtarenaError: The file cannot be read or is no report.
    """
    out = out or sys.stdout
    where = clean_line(str(path))
    try:
        page = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FtarenaError(f"cannot read {where}: {words or error}", f"ls -la {where}") from error
    carried = read_carried(page, where)
    compared, wrong = 0, []
    for place, said, found in _leaves(*_both(carried)):
        compared += 1
        if not _same(said, found):
            wrong.append(f"{place}: the report says {said!r}, its votes say {found!r}")
    for line in wrong[:20]:
        print(clean_line(line), file=out)
    votes = counted(len(carried.votes), "vote")
    if wrong:
        print(f"{len(wrong):,} of {compared:,} numbers differ from what the {votes} say.", file=out)
        return 1
    print(f"All {compared:,} numbers follow from the {votes} in the file.", file=out)
    return 0


def _both(carried: Carried) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the report says and what its votes say, of everything that votes alone can say."""
    asked = carried.asked
    report = score(
        carried.votes,
        anchor=asked["anchor"],
        alpha=asked["alpha"],
        cluster=asked["cluster"],
        model=asked["model"],
    )
    found = report.to_json()
    if carried.looks is not None:
        style = score_looks(carried.votes, carried.looks, asked["cluster"], asked["alpha"])
        found["style"] = None if style is None else style.to_json()
    return {name: carried.result.get(name) for name in found}, found


def _leaves(said: Any, found: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every pair of single values, and what only one side has."""
    if isinstance(said, dict) and isinstance(found, dict):
        for name in {**said, **found}:
            yield from _leaves(said.get(name), found.get(name), f"{place}.{name}" if place else str(name))
    elif isinstance(said, list | tuple) and isinstance(found, list | tuple) and len(said) == len(found):
        for number, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from _leaves(one, other, f"{place}[{number}]")
    else:
        yield place, said, found


def _same(said: Any, found: Any) -> bool:
    if isinstance(said, int | float) and isinstance(found, int | float):
        return math.isclose(said, found, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return bool(said == found)
