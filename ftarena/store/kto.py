"""Answers labelled good or bad out of votes, as TRL's `KTOTrainer` reads them.

An answer that was preferred is good, the other one bad, and where both were bad, both are. A tie says
neither of either. Where votes on one answer contradict each other the majority counts, and an even split
makes no example.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from ftarena.store.preferences import PairFilter, account_of, usable_votes
from ftarena.store.prompts_json import turns_of
from ftarena.store.rows import Outcome, Turn
from ftarena.store.store import Store

_LABELS: dict[Outcome, tuple[bool, bool] | None] = {
    "left": (True, False),
    "right": (False, True),
    "both_bad": (False, False),
    "tie": None,
}


class KtoExample(NamedTuple):
    """One line of the file."""

    prompt: tuple[Turn, ...]
    completion: str
    label: bool
    votes: int
    """How many votes say so."""

    against: int
    """How many votes say the opposite."""

    prompt_id: str
    vote_ids: tuple[str, ...]
    """Ids of these votes, in the order they were cast."""


@dataclass(frozen=True)
class KtoReport:
    """What became of the votes."""

    votes: int
    """All votes that stand."""

    good: int
    """Examples with the label true."""

    bad: int
    """Examples with the label false."""

    ties: int
    undecided: int
    """Answers that as many votes found good as bad."""

    identical: int
    apart: int
    not_blind: int
    without_text: int
    cut_off: int
    """Good answers that were cut off at their length limit: training on them teaches not to end."""

    repeated: int
    leaked: int
    not_selected: int
    low_agreement: int
    """Answers with too small a share of votes for their label."""

    low_margin: int
    """Answers with too few votes between the two labels."""

    labelers: int
    """How many people's votes are in the examples."""


class _Labels:
    """What was said of one answer."""

    def __init__(self) -> None:
        self.said: Counter[bool] = Counter()
        self.ids: list[str] = []
        self.labelers: set[str] = set()


def kto_examples(store: Store, which: PairFilter | None = None) -> tuple[list[KtoExample], KtoReport]:
    """Return the labelled answers that the standing votes make, in the order their first votes were cast.

    Args:
        store: Where the votes are.
        which: Which votes, and how sure one must be of a label; `None` is every blind vote of a person.
    """
    which = which or PairFilter()
    counts: Counter[str] = Counter()
    turns: dict[str, str] = {}
    cut_off: set[tuple[str, str]] = set()
    answers: dict[tuple[str, str], _Labels] = {}
    for vote in usable_votes(store, which, counts):
        labels = _LABELS[vote.outcome]
        if labels is None:
            counts["tie"] += 1
            continue
        turns[vote.prompt_id] = vote.turns_json
        cut_off |= {(vote.prompt_id, text) for text in vote.cut_off}
        # Not left before right: swapping the sides of a battle must not change the file.
        for text, label in sorted(zip((vote.left, vote.right), labels, strict=True)):
            answer = answers.setdefault((vote.prompt_id, text), _Labels())
            answer.said[label] += 1
            answer.ids.append(vote.id)
            answer.labelers.add(vote.labeler_id)
    examples = []
    labelers: set[str] = set()
    for (prompt_id, text), answer in answers.items():
        good, bad = answer.said[True], answer.said[False]
        if good == bad:
            counts["undecided"] += 1
            continue
        if (short := which.why_not(max(good, bad), min(good, bad), 0)) is not None:
            counts[f"low_{short}"] += 1
            continue
        label = good > bad
        counts["good" if label else "bad"] += 1
        counts["cut_off"] += label and (prompt_id, text) in cut_off
        labelers |= answer.labelers
        examples.append(
            KtoExample(
                turns_of(turns[prompt_id]),
                text,
                label,
                max(good, bad),
                min(good, bad),
                prompt_id,
                tuple(answer.ids),
            )
        )
    return examples, KtoReport(
        votes=counts["votes"],
        good=counts["good"],
        bad=counts["bad"],
        **account_of(counts, labelers),
    )


def kto_line(example: KtoExample) -> dict[str, object]:
    """Return an example in TRL's conversational form: `prompt`, `completion`, `label`, and its `votes`."""
    return {
        "prompt": [turn._asdict() for turn in example.prompt],
        "completion": [{"role": "assistant", "content": example.completion}],
        "label": example.label,
        "votes": example.votes,
    }
