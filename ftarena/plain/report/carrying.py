"""The votes inside a report: all that is needed to compute every number anew, and nothing that is private.

Labelers are L1, L2, … in the order of their first votes unless they are to be named. Prompts are ids, which
say nothing of the text. Every vote is a row of numbers into lists of names, so that 10,000 votes take 500 kB.
"""

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import ftarena
from ftarena.arena.standings.history import CastVote
from ftarena.arena.standings.scoreboard import Standing
from ftarena.errors import FtarenaError
from ftarena.scoring.votes import OUTCOMES, Vote

FORMAT = "ftarena report 2"
_SCRIPT = re.compile(r'<script type="application/json" id="votes">(.*?)</script>', re.DOTALL)
_COLUMNS = ("left", "right", "outcome", "labeler", "prompt", "weight", "time", "elapsed_ms")


class Carried(NamedTuple):
    """What a report says of itself."""

    votes: list[Vote]
    asked: dict[str, Any]
    result: dict[str, Any]
    """What was printed in it."""

    looks: dict[str, Any] | None
    """How the answers look, where something was held equal."""

    also: dict[str, Any]
    """What else stands on the page, as it is shown."""

    until: str
    """When the last vote was cast."""

    version: str
    """Of ftarena, that wrote it."""

    text: str
    """All of this as it lies in the page."""


def pseudonyms(votes: Sequence[CastVote], *, with_names: bool) -> dict[str, str]:
    """Return what every labeler is called in a report."""
    names = dict.fromkeys(vote.labeler for vote in votes)
    return {name: name if with_names else f"L{number}" for number, name in enumerate(names, start=1)}


def carry(
    votes: Sequence[CastVote],
    told: Standing,
    called: dict[str, str],
    looks: dict[str, Any] | None,
    also: dict[str, Any],
) -> str:
    """Return votes and results as JSON that is safe inside a page.

    Args:
        votes: In the order they were cast.
        told: What they say.
        called: From a labeler's name to what they are called here.
        looks: How the answers look (`read_looks`), where something is held equal.
        also: What else stands on the page, as it is shown.
    """
    lists: tuple[dict[str, int], ...] = ({}, {}, {})
    contestants, labelers, prompts = lists

    def place(known: dict[str, int], name: str) -> int:
        return known.setdefault(name, len(known))

    rows = [
        (
            place(contestants, vote.left),
            place(contestants, vote.right),
            OUTCOMES.index(vote.outcome),
            place(labelers, called[vote.labeler]),
            place(prompts, vote.prompt),
            vote.weight,
            vote.created_at,
            vote.elapsed_ms,
        )
        for vote in votes
    ]
    result = told.to_json()
    asked = result["asked"]
    if isinstance(asked, dict):
        chosen = asked["selection"]["labelers"]
        if chosen is not None:
            asked["selection"]["labelers"] = sorted(called.get(name, "?") for name in chosen)
    carried = {
        "format": FORMAT,
        "ftarena": ftarena.__version__,
        "contestants": list(contestants),
        "labelers": list(labelers),
        "prompts": list(prompts),
        "outcomes": OUTCOMES,
        "columns": _COLUMNS,
        "votes": rows,
        "looks": looks,
        "also": also,
        "result": result,
    }
    text = json.dumps(carried, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # Nothing that ends a script or begins a comment in HTML may stand in it; escaped, it is the same JSON.
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def battles_hash(html: str) -> str:
    """Return what a page carries of its battles' texts: they are not in it twice."""
    return sha256(html.encode()).hexdigest()


def read_carried(page: str, where: str) -> Carried:
    """Return what a report carries.

    Args:
        page: The file's text.
        where: What the file is called in messages.

    Raises:
        FtarenaError: It is no report, or one of another version.
    """
    found = _SCRIPT.search(page)
    wrong = FtarenaError(
        f"{where}: no report of ftarena, or it was changed", "give a file that ftarena score --html wrote"
    )
    if found is None:
        raise wrong
    try:
        data = json.loads(found.group(1))
        if data["format"] != FORMAT:
            raise FtarenaError(
                f"{where}: made by another version of ftarena ({data['ftarena']})",
                f"install it: pip install ftarena=={data['ftarena']}",
            )
        votes = [
            Vote(
                data["contestants"][row[0]],
                data["contestants"][row[1]],
                OUTCOMES[row[2]],
                data["labelers"][row[3]],
                data["prompts"][row[4]],
                float(row[5]),
            )
            for row in data["votes"]
        ]
        until = max(str(row[6]) for row in data["votes"])
        result = data["result"]
        return Carried(
            votes,
            result["asked"],
            result,
            data["looks"],
            data["also"],
            until,
            data["ftarena"],
            found.group(1),
        )
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise wrong from error
