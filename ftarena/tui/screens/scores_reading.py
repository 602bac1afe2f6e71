"""What the place Scores reads from the store, off the event loop."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftarena.arena.standings.scoreboard import Standing
    from ftarena.evaluation.beside import Beside
    from ftarena.scoring.style import StylePair
    from ftarena.store import Store
    from ftarena.tui.desk import Desk

MOST_MEASURED = 20
"""Best contestants whose measurements beside preference are read."""


@dataclass(frozen=True)
class Seen:
    """The scores as they stood when they were last read."""

    told: "Standing"
    judged: "Standing | None"
    """What judges say, where they are to be shown; in no number of `told`."""

    beside: "tuple[Beside, ...]"

    criteria: tuple[str, ...]
    """What else was decided with votes, by name."""

    def held_equal(self, a: str, b: str) -> "StylePair | None":
        """Return a pair with length or looks held equal, where that was asked and there are texts."""
        pairs = () if self.told.style is None else self.told.style.pairs
        return next((pair for pair in pairs if (pair.a, pair.b) == (a, b)), None)


def read_scores(
    store: "Store", desk: "Desk", control: tuple[str, ...], judges: bool, criterion: str | None
) -> Seen:
    """Score everything anew.

    Args:
        store: The arena.
        desk: Its project, and which contestants were chosen.
        control: What is to be held equal, too.
        judges: Whether to score what judges say, too.
        criterion: What is scored instead of the vote itself.
    """
    from ftarena.arena.standings.scoreboard import Asked, standing
    from ftarena.evaluation.beside import beside
    from ftarena.store import Selection

    asked = Asked(Selection(contestants=desk.chosen, criterion=criterion), control=control)
    told = standing(store, asked)
    judged = None
    if judges and told.judges:
        chosen = replace(asked.selection, voters="judges")
        judged = standing(store, replace(asked, selection=chosen, control=()))
    names = [one.name for one in told.report.contestants[:MOST_MEASURED]]
    measured = tuple(beside(store, desk.workspace, names)) if names else ()
    aspects = store.rows(
        "SELECT DISTINCT aspect FROM ballot_details WHERE aspect <> 'strength' ORDER BY aspect"
    )
    return Seen(told, judged, measured, tuple(aspect for (aspect,) in aspects))
