"""Preference pairs out of votes, as TRL's `DPOTrainer` reads them.

A pair is two different answers to the same conversation, of which more people preferred one. Ties and
both-bad votes say nothing about which is better and make no pair; where opinions are split evenly,
there is no pair either. Names, system prompts and few-shot turns of contestants are no part of it.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TextIO

from ftarena.errors import FtarenaError
from ftarena.store.database import mended
from ftarena.store.prompts_json import turns_of
from ftarena.store.rows import Outcome, Turn
from ftarena.store.selection import Selection, conditions, contestant_condition, outcome_of
from ftarena.store.store import Store

_VOTES = """
SELECT v.id, {meant}, v.blind, b.repeat_of IS NOT NULL, b.leaked IS NOT NULL, w.kind, w.id, {outcome},
       b.prompt_id, p.turns_json, p.source, la.text, ra.text, la.finish_reason, ra.finish_reason
FROM votes v
JOIN battles b ON b.id = v.battle_id
JOIN labelers w ON w.id = v.labeler_id
LEFT JOIN prompts p ON p.id = b.prompt_id
LEFT JOIN answers la ON la.id = b.left_answer_id
LEFT JOIN answers ra ON ra.id = b.right_answer_id
WHERE {visible}
ORDER BY v.created_at, v.position, v.id
"""

LeftOut = Literal[
    "not_blind", "repeated", "leaked", "not_selected", "without_text", "apart", "identical", "tie", "both_bad"
]
"""Why a vote makes no example; of several reasons the first counts."""


@dataclass(frozen=True, slots=True)
class PairFilter:
    """Which votes are to become training examples, and how sure one must be of each."""

    selection: Selection = field(default_factory=Selection)
    """Which votes; by default those that a verdict rests on: blind, of people, nothing leaked, no repeats."""

    agreement: float | None = None
    """Least share of the votes on a pair that are for the chosen answer, 0 to 1; a tie and a both bad are for
    neither. `None` asks for no more than a majority."""

    margin: int | None = None
    """Least number of votes that the chosen answer is ahead; `None` is 1."""

    def __post_init__(self) -> None:
        if self.agreement is not None and not 0 <= self.agreement <= 1:
            raise FtarenaError(
                f"an agreement of {self.agreement:g} is no share of votes", "between 0 and 1, e.g. 0.7"
            )
        if self.margin is not None and self.margin < 1:
            raise FtarenaError(f"a margin of {self.margin} votes is none", "1 or more")

    def why_not(self, ahead: int, behind: int, neither: int) -> Literal["agreement", "margin"] | None:
        """Return what votes of 'ahead' to 'behind' fall short of, or `None` where they are enough."""
        if self.margin is not None and ahead - behind < self.margin:
            return "margin"
        # Compared as a quotient that was rounded once: 7 of 10 is 0.7 in both.
        if self.agreement is not None and ahead / (ahead + behind + neither) < self.agreement:
            return "agreement"
        return None


class PreferencePair(NamedTuple):
    """One line of the file."""

    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str
    votes: int
    """How many votes were for the chosen one."""

    against: int = 0
    """How many votes were for the rejected one."""

    neither: int = 0
    """How many votes on the same two answers were a tie or both bad."""

    prompt_id: str = ""
    vote_ids: tuple[str, ...] = ()
    """Ids of the votes for either of the two, in the order they were cast."""


@dataclass(frozen=True)
class PreferenceReport:
    """What became of the votes."""

    votes: int
    """All votes that stand."""

    pairs: int
    """Pairs written."""

    ties: int
    both_bad: int
    undecided: int
    """Pairs that as many people preferred the one way as the other."""

    identical: int
    """Votes between two equal texts."""

    apart: int
    """Votes of blind chats in which the two answers had different histories."""

    not_blind: int
    """Votes cast again by somebody who had been told the names."""

    without_text: int
    """Votes from files that hold no answers."""

    cut_off: int
    """Pairs whose chosen answer was cut off at its length limit: training on them teaches not to end."""

    repeated: int = 0
    """Votes on battles that were shown again, which only measure how steady a labeler is."""

    leaked: int = 0
    """Votes on battles in which an answer gave itself away."""

    not_selected: int = 0
    """Votes that were not asked for: of other labelers, contestants, categories or times, or of judges."""

    low_agreement: int = 0
    """Pairs with too small a share of votes for the chosen answer."""

    low_margin: int = 0
    """Pairs with too few votes between the two answers."""

    labelers: int = 0
    """How many people's votes are in the pairs."""


class UsableVote(NamedTuple):
    """A vote that has two different answers to one prompt, and is asked for."""

    id: str
    labeler_id: str
    outcome: Outcome
    prompt_id: str
    turns_json: str
    left: str
    """Text of the left answer."""

    right: str
    cut_off: tuple[str, ...]
    """Those of the two texts that ended at their length limit."""


def usable_votes(store: Store, which: PairFilter, left_out: Counter[str]) -> Iterator[UsableVote]:
    """Yield the votes that training examples can be made of, ties and both bad included, as they were cast.

    Args:
        store: Where the votes are.
        which: Which are asked for; its agreement and margin are not looked at.
        left_out: Counts `votes`, all there are, and of those that are not yielded each reason (`LeftOut`).
    """
    visible, shown = contestant_condition(Selection(include_hidden=which.selection.include_hidden))
    contestants, named = contestant_condition(which.selection)
    where, given = conditions(which.selection)
    outcome, aspect = outcome_of(which.selection)
    sql = _VOTES.format(meant=f"({where}) AND ({contestants})", outcome=outcome, visible=visible)
    with mended(store.path):
        for row in store.connection.execute(sql, [*given, *named, *aspect, *shown]):
            vote_id, meant, blind, repeated, leaked, kind, labeler_id, said, prompt_id = row[:9]
            turns, source, left, right, *reasons = row[9:]
            left_out["votes"] += 1
            reason: LeftOut
            if not meant:
                asked = kind == ("human" if which.selection.voters == "people" else "judge")
                reason = "not_selected"
                if not blind:
                    reason = "not_blind"
                elif asked and repeated:
                    reason = "repeated"
                elif asked and leaked and not which.selection.leaked:
                    reason = "leaked"
            elif left is None or right is None or turns is None:
                reason = "without_text"
            elif source == "chat-apart":
                reason = "apart"
            elif left == right:
                reason = "identical"
            else:
                texts = (left, right)
                cut = tuple(text for text, why in zip(texts, reasons, strict=True) if why == "length")
                yield UsableVote(vote_id, labeler_id, said, prompt_id, turns, left, right, cut)
                continue
            left_out[reason] += 1


class _Votes:
    """What was said of two answers."""

    def __init__(self) -> None:
        self.won: Counter[str] = Counter()
        self.neither = 0
        self.ids: list[str] = []
        self.labelers: set[str] = set()


def preference_pairs(
    store: Store, which: PairFilter | None = None
) -> tuple[list[PreferencePair], PreferenceReport]:
    """Return the pairs that the standing votes make, in the order their first votes were cast.

    Args:
        store: Where the votes are.
        which: Which votes, and how sure one must be; `None` is every blind vote of a person.
    """
    which = which or PairFilter()
    counts: Counter[str] = Counter()
    turns: dict[str, str] = {}
    cut_off: set[tuple[str, str]] = set()
    said: dict[tuple[str, str, str], _Votes] = {}
    for vote in usable_votes(store, which, counts):
        one, other = sorted((vote.left, vote.right))
        votes = said.setdefault((vote.prompt_id, one, other), _Votes())
        if vote.outcome in ("tie", "both_bad"):
            counts[vote.outcome] += 1
            votes.neither += 1
            continue
        turns[vote.prompt_id] = vote.turns_json
        cut_off |= {(vote.prompt_id, text) for text in vote.cut_off}
        votes.won[vote.left if vote.outcome == "left" else vote.right] += 1
        votes.ids.append(vote.id)
        votes.labelers.add(vote.labeler_id)
    pairs = []
    labelers: set[str] = set()
    for (prompt_id, one, other), votes in said.items():
        if not votes.won:
            continue
        if votes.won[one] == votes.won[other]:
            counts["undecided"] += 1
            continue
        chosen, rejected = (one, other) if votes.won[one] > votes.won[other] else (other, one)
        ahead, behind = votes.won[chosen], votes.won[rejected]
        if (short := which.why_not(ahead, behind, votes.neither)) is not None:
            counts[f"low_{short}"] += 1
            continue
        counts["cut_off"] += (prompt_id, chosen) in cut_off
        labelers |= votes.labelers
        pairs.append(
            PreferencePair(
                turns_of(turns[prompt_id]),
                chosen,
                rejected,
                ahead,
                behind,
                votes.neither,
                prompt_id,
                tuple(votes.ids),
            )
        )
    return pairs, PreferenceReport(
        votes=counts["votes"],
        pairs=len(pairs),
        both_bad=counts["both_bad"],
        **account_of(counts, labelers),
    )


def account_of(counts: Mapping[str, int], labelers: Collection[str]) -> dict[str, int]:
    """Return what a report of pairs and one of labelled answers both tell of the votes, by field."""
    names = (
        "undecided",
        "identical",
        "apart",
        "not_blind",
        "without_text",
        "cut_off",
        "repeated",
        "leaked",
        "not_selected",
        "low_agreement",
        "low_margin",
    )
    return {"ties": counts["tie"], "labelers": len(labelers)} | {name: counts[name] for name in names}


def pair_line(pair: PreferencePair) -> dict[str, object]:
    """Return a pair as TRL's conversational form: `prompt`, `chosen`, `rejected`, and how many `votes`."""
    return {
        "prompt": [turn._asdict() for turn in pair.prompt],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        "votes": pair.votes,
    }


def export_dpo(store: Store, out: TextIO, which: PairFilter | None = None) -> PreferenceReport:
    """Write preference pairs as JSONL: `prompt`, `chosen`, `rejected` (lists of turns) and `votes`.

    Args:
        store: Where the votes are.
        out: Where to.
        which: Which votes, and how sure one must be; `None` is every blind vote of a person.

    Returns:
        What became of the votes, so that nothing is left out in silence.
    """
    pairs, report = preference_pairs(store, which)
    for pair in pairs:
        out.write(json.dumps(pair_line(pair), ensure_ascii=False) + "\n")
    return report
