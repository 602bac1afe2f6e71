"""`ftarena score --recompute REPORT.html`: do the votes in a report say what it says?"""

import math
import sys
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, TextIO

from jinja2 import UndefinedError

import ftarena
from ftarena.arena.standings.scoreboard import Asked, Standing
from ftarena.errors import FtarenaError
from ftarena.plain.report.carrying import Carried, battles_hash, read_carried
from ftarena.plain.report.page import render
from ftarena.plain.report.styles import score_looks
from ftarena.scoring.judges import JudgeAgreement
from ftarena.scoring.report import ScoreReport, score
from ftarena.scoring.words import counted
from ftarena.store import Selection
from ftarena.text import clean_line, shorten

_CLOSE = 1e-9
"""Relative difference that other builds of the same arithmetic may make."""


def compare_report(path: Path, out: TextIO | None = None) -> int:
    """Score the votes that a report carries, and say whether its numbers come out again.

    Args:
        path: A file that `ftarena score --html` wrote.
        out: Where to; standard output by default.

    Returns:
        The exit code: 1 where a number or anything else on the page differs.

    Raises:
        FtarenaError: The file cannot be read or is no report.
    """
    out = out or sys.stdout
    where = clean_line(str(path))
    try:
        page = path.read_bytes().decode("utf-8")  # line ends as they are
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
    if carried.version != ftarena.__version__:
        print(
            f"What it shows was not compared: ftarena {clean_line(carried.version)} wrote the page, this is"
            f" {ftarena.__version__}. Install that one to compare it.",
            file=out,
        )
        return 1
    differing = list(_differing(page, _anew(page, carried, where)))
    for shown, expected in differing[:20]:
        print(f"the page shows {_short(shown)}, and should show {_short(expected)}", file=out)
    if differing:
        print(f"The page was changed: {counted(len(differing), 'place')} of what it shows.", file=out)
        return 1
    print("The page shows these and nothing else.", file=out)
    return 0


def _anew(page: str, carried: Carried, where: str) -> str:
    """Return the page as it is written from what it carries, scored anew."""
    try:
        return render(_standing(carried), carried.also, carried.until, carried.text, _battles(page, carried))
    except (KeyError, TypeError, ValueError, AttributeError, UndefinedError) as error:
        raise FtarenaError(
            f"{where}: no report of ftarena, or it was changed", "give a file that ftarena score --html wrote"
        ) from error


def _standing(carried: Carried) -> Standing:
    asked, result, style = carried.asked, carried.result, None
    report = _score(carried)
    if carried.looks is not None:
        style = score_looks(carried.votes, carried.looks, asked["cluster"], asked["alpha"])
    what = Asked(
        Selection(**asked["selection"]),
        model=asked["model"],
        control=tuple(asked["control"]),
        anchor=asked["anchor"],
        alpha=asked["alpha"],
        cluster=asked["cluster"],
    )
    apart = {name: int(result[name]) for name in ("not_blind", "leaked", "repeats", "trained")}
    return Standing(
        asked=what,
        report=report,
        prompts=len({vote.prompt for vote in carried.votes}),
        labelers=len({vote.labeler for vote in carried.votes}),
        style=style,
        judges=tuple(JudgeAgreement(**judge) for judge in result["judges"]),
        **apart,
    )


def _battles(page: str, carried: Carried) -> str:
    """Return the battles' texts of a page if they are those that were written, else nothing."""
    html = page.partition("<!-- battles -->")[2].partition("<!-- end of battles -->")[0]
    return html if battles_hash(html) == carried.also["battles"] else ""


def _differing(page: str, anew: str) -> Iterator[tuple[str, str]]:
    """Yield every run of lines of a page that differs from how it is written anew."""
    if page == anew:
        return
    lines, expected = page.split("\n"), anew.split("\n")
    same = SequenceMatcher(None, lines, expected, autojunk=False)
    for kind, i, j, k, m in same.get_opcodes():
        if kind != "equal":
            yield "\n".join(lines[i:j]), "\n".join(expected[k:m])


def _short(html: str) -> str:
    return repr(shorten(clean_line(html), 120)) if html.strip() else "nothing"


def _both(carried: Carried) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the report says and what its votes say, of everything that votes alone can say."""
    asked = carried.asked
    found = _score(carried).to_json()
    if carried.looks is not None:
        style = score_looks(carried.votes, carried.looks, asked["cluster"], asked["alpha"])
        found["style"] = None if style is None else style.to_json()
    return {name: carried.result.get(name) for name in found}, found


def _score(carried: Carried) -> ScoreReport:
    asked = carried.asked
    return score(
        carried.votes,
        anchor=asked["anchor"],
        alpha=asked["alpha"],
        cluster=asked["cluster"],
        model=asked["model"],
    )


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
