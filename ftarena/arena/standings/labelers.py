"""How people vote: how fast, how evenly, how much like themselves and like each other.

What looks wrong is shown in words with its number. Nothing is dropped for it: whoever wants scores without a
labeler asks for them (`Selection.labelers`).
"""

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from ftarena.store import LabelerKind, Selection, Store
from ftarena.store.ballots import EVERYTHING

if TYPE_CHECKING:
    from ftarena.scoring.votes import Vote


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


_TIMES = """
SELECT b.rowid, v.elapsed_ms, length(l.text) + length(r.text)
FROM votes v JOIN battles b ON b.id = v.battle_id
LEFT JOIN answers l ON l.id = b.left_answer_id LEFT JOIN answers r ON r.id = b.right_answer_id
WHERE v.elapsed_ms IS NOT NULL AND v.labeler_id = b.labeler_id
"""

_SKIPS = """
SELECT w.name, count(*) FROM standing_events e JOIN labelers w ON w.id = e.labeler_id
WHERE e.kind = 'skip' GROUP BY w.name
"""

# The second vote, translated to the sides of the first.
_REPEATS = """
SELECT w.name, first.outcome,
       CASE WHEN again.left_id = b.left_id THEN second.outcome
            WHEN second.outcome = 'left' THEN 'right' WHEN second.outcome = 'right' THEN 'left'
            ELSE second.outcome END
FROM battles again JOIN battles b ON b.id = again.repeat_of
JOIN votes second ON second.battle_id = again.id
JOIN votes first ON first.battle_id = b.id AND first.labeler_id = second.labeler_id
JOIN labelers w ON w.id = second.labeler_id
"""

ALPHA: Final = 0.05
"""Probability that any honest labeler is ever flagged by a test; each gets an equal part of it."""


def labeler_reports(store: Store, selection: Selection = EVERYTHING) -> list[LabelerReport]:
    """Look at everybody whose votes are meant.

    Args:
        store: The arena.
        selection: Which votes. How a labeler agrees with others is about these labelers' votes only.

    Returns:
        A report a labeler, by votes, most first, then by name.

    Raises:
        FtarenaError: The database cannot be read.
    """
    from ftarena.arena.standings.voting_record import voting_record
    from ftarena.scoring.coding import decode
    from ftarena.scoring.labeling import (
        Reading,
        likenesses,
        outlier_words,
        quick_share,
        repeat_words,
        side_words,
        speed_words,
    )

    record = voting_record(store, selection)
    votes = decode(record.coded)
    kinds, skips = store.ballots.labelers(), dict(store.rows(_SKIPS))
    times = {battle: (ms / 1000, characters) for battle, ms, characters in store.rows(_TIMES)}
    repeats: dict[str, list[bool]] = {}
    for name, first, again in store.rows(_REPEATS):
        repeats.setdefault(name, []).append(first == again)
    own: dict[str, list[Vote]] = {}
    readings: dict[str, list[Reading]] = {}
    for vote, battle in zip(votes, record.ledger.battle.tolist(), strict=True):
        own.setdefault(vote.labeler, []).append(vote)
        readings.setdefault(vote.labeler, [])
        if battle in times:
            readings[vote.labeler].append(Reading(*times[battle]))
    like = likenesses(votes, ALPHA)
    quick = {name: share for name, read in readings.items() if (share := quick_share(read)) is not None}
    each = ALPHA / max(len(own), 1)
    found = []
    for name, cast in own.items():
        left = [vote.outcome == "left" for vote in cast if vote.outcome in ("left", "right")]
        again, mine = repeats.get(name, []), like[name]
        rest = [other for person, other in like.items() if person != name]
        shared = sum(other.shared for other in rest)
        said = (
            speed_words(readings[name], [share for person, share in quick.items() if person != name]),
            side_words(left, each),
            outlier_words(mine, sum(other.agreed for other in rest) / shared if shared else None),
            repeat_words(sum(again), len(again), each),
        )
        found.append(
            LabelerReport(
                name=name,
                kind=kinds[name],
                votes=len(cast),
                skipped=skips.get(name, 0),
                median_s=median(reading.seconds for reading in readings[name]) if readings[name] else None,
                left_share=sum(left) / len(left) if left else None,
                ties=sum(vote.outcome == "tie" for vote in cast) / len(cast),
                self_agreement=sum(again) / len(again) if again else None,
                n_repeats=len(again),
                agreement_with_others=mine.agreed / mine.shared if mine.shared else None,
                n_shared=mine.shared,
                flags=tuple(words for words in said if words is not None),
            )
        )
    return sorted(found, key=lambda report: (-report.votes, report.name))
