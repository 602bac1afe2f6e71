"""Judges beside people: who judged the same battles, and how far they agree."""

import numpy as np

from ftarena.arena.standings.voting_record import VotingRecord, judges_of, voting_record
from ftarena.scoring.coding import decode
from ftarena.scoring.judges import JudgeAgreement, judge_agreement, verdicts
from ftarena.store import Selection, Store

# What a judge decided both ways is a vote; what it decided now this way, now that is skipped as inconsistent.
_TURNED = """
SELECT w.name, count(*)
FROM standing_events e JOIN labelers w ON w.id = e.labeler_id JOIN battles b ON b.id = e.battle_id
WHERE w.kind = 'judge' AND e.kind = 'skip' AND e.text LIKE 'inconsistent%' AND b.repeat_of IS NULL
GROUP BY w.name
"""

_ASKED_TWICE = """
SELECT w.name, count(*)
FROM battles b JOIN labelers w ON w.id = b.labeler_id
WHERE w.kind = 'judge' AND b.repeat_of IS NULL
  AND EXISTS (SELECT 1 FROM battles o WHERE o.repeat_of = b.id)
  AND EXISTS (SELECT 1 FROM votes v WHERE v.battle_id = b.id)
GROUP BY w.name
"""


def judge_agreements(store: Store, selection: Selection, people: VotingRecord) -> tuple[JudgeAgreement, ...]:
    """Hold every judge against people on the battles that both decided.

    Args:
        store: The arena.
        selection: Whose votes people's are; judges are asked the same.
        people: People's votes.

    Returns:
        A line a judge, by shared battles, most first, then by name; none without judges.
    """
    if "judge" not in store.ballots.labelers().values():
        return ()
    judged = voting_record(store, judges_of(selection))
    if len(judged.coded) == 0:
        return ()
    both = np.isin(people.ledger.prompt, judged.ledger.prompt)
    said = verdicts(decode(people.coded, both))
    turned, kept = dict(store.rows(_TURNED)), dict(store.rows(_ASKED_TWICE))
    votes = decode(judged.coded)
    found = []
    for judge in judged.coded.labelers:
        twice = kept.get(judge, 0) + turned.get(judge, 0)
        share = kept.get(judge, 0) / twice if twice else None
        found.append(judge_agreement(judge, [vote for vote in votes if vote.labeler == judge], said, share))
    return tuple(sorted(found, key=lambda judge: (-judge.shared, judge.name)))
