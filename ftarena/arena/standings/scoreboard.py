"""What the votes say: asked of the store, answered by the statistics.

    standing(store, Asked(Selection(categories=["code"]), control=("length",)))

Importing this loads no numpy; asking does.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from ftarena.errors import FtarenaError
from ftarena.store import Selection, Store
from ftarena.store.ballots import EVERYTHING
from ftarena.store.selection import FROM, conditions, contestant_condition

if TYPE_CHECKING:
    from ftarena.scoring.judges import JudgeAgreement
    from ftarena.scoring.report import ScoreReport
    from ftarena.scoring.strengths import Clustering
    from ftarena.scoring.style import StyleScore

CONTROLS = ("length", "style")
"""What can be held equal: the length of the answers; headers, bold and lists."""

MODELS = ("bt", "davidson")
"""Models of the ratings: Bradley and Terry's with ties as half a win for both, or Davidson's."""

SLICES = ("category", "labeler", "week")
"""What the votes can be taken apart by."""


@dataclass(frozen=True)
class Asked:
    """What is asked of the votes."""

    selection: Selection = EVERYTHING
    """Which votes are meant."""

    model: Literal["bt", "davidson"] = "bt"
    """What the ratings come from, see `MODELS`."""

    control: tuple[str, ...] = ()
    """What is held equal beside the plain figures, of `CONTROLS`."""

    anchor: str | None = None
    """Name of the contestant whose rating is 1000; the mean of all is if `None`."""

    alpha: float = 0.05
    """One minus the coverage of every interval, and the probability of a false verdict."""

    cluster: "Clustering" = "prompt"
    """What the intervals take as one cluster of dependent votes."""


@dataclass(frozen=True)
class Standing:
    """Everything the votes say."""

    asked: Asked
    report: "ScoreReport"

    prompts: int
    """Different prompts among the votes."""

    labelers: int
    """Different labelers among the votes."""

    not_blind: int
    """Votes left out because the names were known when they were cast."""

    leaked: int
    """Votes left out because an answer gave itself away; 0 where they were asked for."""

    repeats: int
    """Votes left out because they are attention checks, or a judge's second order."""

    trained: int
    """Votes on prompts that either contestant's run was trained on; `Selection.trained` says whether they
    count."""

    style: "StyleScore | None"
    """What is left at equal length or looks, where that was asked."""

    judges: "tuple[JudgeAgreement, ...]"
    """Judges beside these people, by shared battles, then by name; empty where people were not asked
    about."""

    @property
    def judge(self) -> "JudgeAgreement | None":
        """The judge that shares most battles with people."""
        return self.judges[0] if self.judges else None

    def to_json(self) -> dict[str, object]:
        """Everything as strictly valid JSON, the same for the same votes in whatever order they were
        written."""
        selection = {name: _plain(getattr(self.asked.selection, name)) for name in Selection.__slots__}
        asked = {name: getattr(self.asked, name) for name in ("model", "anchor", "alpha", "cluster")}
        return {
            "asked": {**asked, "control": list(self.asked.control), "selection": selection},
            **self.report.to_json(),
            "prompts": self.prompts,
            "labelers": self.labelers,
            "not_blind": self.not_blind,
            "leaked": self.leaked,
            "repeats": self.repeats,
            "trained": self.trained,
            "style": None if self.style is None else self.style.to_json(),
            "judges": [{name: getattr(judge, name) for name in judge.__slots__} for judge in self.judges],
        }


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, (list, tuple, set, frozenset)) else value


def standing(store: Store, asked: Asked = Asked()) -> Standing:
    """Score the votes that are meant.

    Args:
        store: The arena.
        asked: Which votes, and how they are to be taken.

    Raises:
        FtarenaError: What is asked cannot be: an unknown control, an anchor nobody voted on, intervals by
            labeler with one labeler.
    """
    from ftarena.arena.standings.beside_people import judge_agreements
    from ftarena.arena.standings.controlling import controlled
    from ftarena.arena.standings.voting_record import voting_record
    from ftarena.scoring.report import score_coded

    unknown = [name for name in asked.control if name not in CONTROLS]
    if unknown:
        raise FtarenaError(
            f"{unknown[0]!r} cannot be held equal", f"What can: {', '.join(CONTROLS)}; or both, with a comma."
        )
    if asked.model not in MODELS:
        raise FtarenaError(f"there is no model {asked.model!r}", f"Choose one of {', '.join(MODELS)}.")
    record = voting_record(store, asked.selection)
    coded = record.coded
    report = score_coded(
        coded, anchor=asked.anchor, alpha=asked.alpha, cluster=asked.cluster, model=asked.model
    )
    people = asked.selection.voters == "people"
    return Standing(
        asked=asked,
        report=report,
        prompts=len(coded.prompts),
        labelers=len(coded.labelers),
        not_blind=record.not_blind,
        leaked=record.leaked,
        repeats=record.repeats,
        trained=record.trained,
        style=controlled(store, record, asked) if asked.control and len(coded) else None,
        judges=judge_agreements(store, asked.selection, record) if people else (),
    )


def by(store: Store, asked: Asked, what: Literal["category", "labeler", "week"]) -> dict[str, Standing]:
    """Score the votes slice by slice.

    Args:
        store: The arena.
        asked: Which votes, and how they are to be taken.
        what: What they are taken apart by: the prompts' categories (a prompt may be in several), who voted,
            or the week in which they voted (ISO 8601, "2026-W48").

    Returns:
        The slices that hold a vote, by name in the order of the alphabet. Slices by labeler have their
        intervals by prompt.

    Raises:
        FtarenaError: `what` is none of the three, or as `standing`.
    """
    if what not in SLICES:
        raise FtarenaError(f"votes cannot be taken apart by {what!r}", f"Choose one of {', '.join(SLICES)}.")
    whole = asked.selection
    slices: dict[str, Selection] = {}
    if what == "week":
        for day in _different(store, whole, "substr(v.created_at, 1, 10)"):
            monday = date.fromisoformat(day) - timedelta(days=date.fromisoformat(day).weekday())
            year, week, _ = monday.isocalendar()
            after = (monday + timedelta(days=7)).isoformat()
            slices[f"{year}-W{week:02}"] = replace(
                whole,
                since=max(monday.isoformat(), whole.since or ""),
                until=min(after, whole.until or after),
            )
    elif what == "labeler":
        for name in _different(store, whole, "(SELECT name FROM labelers WHERE id = v.labeler_id)"):
            slices[name] = replace(whole, labelers=(name,))
    else:
        names = _different(
            store, whole, "c.category", "JOIN prompt_categories c ON c.prompt_id = b.prompt_id"
        )
        slices = {
            name: replace(whole, categories=(name,))
            for name in names
            if whole.categories is None or name in whole.categories
        }
    cluster: Clustering = "prompt" if what == "labeler" else asked.cluster
    return {
        name: standing(store, replace(asked, selection=slices[name], cluster=cluster))
        for name in sorted(slices)
    }


def _different(store: Store, selection: Selection, expression: str, join: str = "") -> list[str]:
    where, values = conditions(selection)
    both, names = contestant_condition(selection)
    found = store.rows(
        f"SELECT DISTINCT {expression} {FROM} {join} WHERE {where} AND {both}", [*values, *names]
    )
    return [value for (value,) in found]
