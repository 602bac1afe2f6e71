"""What a page of scores is made of, read once: the same for text, tables, pictures and the report."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ftarena.arena.standings.labelers import LabelerReport, labeler_reports
from ftarena.arena.standings.scoreboard import Asked, Standing, by, standing
from ftarena.errors import FtarenaError
from ftarena.evaluation.beside import Beside, beside
from ftarena.scoring.report import score
from ftarena.store import Selection, Store
from ftarena.text import shorten
from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.style import StylePair

Slicing = Literal["category", "labeler", "week"]
"""What votes are taken apart by."""


@dataclass(frozen=True)
class View:
    """Everything a page of scores shows."""

    standing: Standing
    slicing: Slicing | None = None
    slices: tuple[tuple[str, Standing], ...] = ()
    """What the votes of each category, labeler or week say, where that was asked."""

    labelers: tuple[LabelerReport, ...] = ()
    """How people vote, or judges where they were asked about."""

    beside: tuple[Beside, ...] = ()
    """What was measured of contestants beside preference, in the order of the ratings."""

    @property
    def pairs(self) -> list["PairScore"]:
        """The pairs: decided ones first, then those with most votes, then by names."""
        return sorted(
            self.standing.report.pairs,
            key=lambda pair: (pair.verdict == "undecided", -votes_of(pair), pair.a, pair.b),
        )

    def held_equal(self, pair: "PairScore") -> "StylePair | None":
        """Return a pair with length or style held equal, where that was asked."""
        return held_equal(self.standing, pair)


def votes_of(pair: "PairScore") -> int:
    """Return how many votes a pair has, all four outcomes."""
    return pair.wins + pair.losses + pair.ties + pair.both_bad


def held_equal(told: Standing, pair: "PairScore") -> "StylePair | None":
    """Return a pair with length or style held equal, where that was asked."""
    style = () if told.style is None else told.style.pairs
    return next((one for one in style if (one.a, one.b) == (pair.a, pair.b)), None)


def look(
    database: Path, asked: Asked, *, slicing: Slicing | None = None, workspace: Workspace | None = None
) -> View:
    """Read and score what is asked for.

    Args:
        database: The arena; one that is not there has no votes, and is not created.
        asked: Which votes, and how they are to be taken.
        slicing: What to take the votes apart by, too.
        workspace: The project whose measurements stand beside the votes; None leaves them out.

    Raises:
        FtarenaError: The database cannot be read, a name is unknown in it, or what is asked cannot be.
    """
    if not database.exists():
        return View(Standing(asked, score([]), 0, 0, 0, 0, 0, 0, None, ()))
    with Store.open_existing(database) as store:
        check_names(store, asked.selection)
        told = standing(store, asked)
        names = [one.name for one in told.report.contestants]
        return View(
            standing=told,
            slicing=slicing,
            slices=tuple(by(store, asked, slicing).items()) if slicing else (),
            labelers=tuple(labeler_reports(store, asked.selection)),
            beside=tuple(beside(store, workspace, names)) if workspace is not None and names else (),
        )


def check_names(store: Store, selection: Selection) -> None:
    """See that everything a selection names is in the arena: a typing error is not "no votes".

    Raises:
        FtarenaError: Something is not there; the hint has the nearest name.
    """
    for what, named, known in (
        ("labeler", selection.labelers, lambda: store.ballots.labelers()),
        ("contestant", selection.contestants, lambda: [row.name for row in store.contestants()]),
        ("category", selection.categories, lambda: _column(store, "category", "prompt_categories")),
        (
            "criterion",
            None if selection.criterion is None else (selection.criterion,),
            lambda: _column(store, "aspect", "ballot_details WHERE aspect <> 'strength'"),
        ),
    ):
        _check(what, named, known)


def _check(what: str, named: Collection[str] | None, known: Callable[[], Collection[str]]) -> None:
    if not named:
        return
    there = sorted(known())
    for name in named:
        if name in there:
            continue
        near = get_close_matches(name, there, 1) or there[:8]
        raise FtarenaError(
            f"no {what} of this arena is called {shorten(name, 60)!r}",
            f"there is: {', '.join(shorten(one, 40) for one in near)}" if near else f"there is no {what} yet",
        )


def _column(store: Store, column: str, table: str) -> Sequence[str]:
    return [value for (value,) in store.rows(f"SELECT DISTINCT {column} FROM {table}")]
