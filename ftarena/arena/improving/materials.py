"""What votes give to train on: pairs or labelled answers that no ancestor has seen, some prompts held out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ftarena.arena.improving.record import ImproveMethod
from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.store.holding_out import split_by_prompt
from ftarena.store.kto import KtoReport, kto_examples, kto_line
from ftarena.store.preferences import PairFilter, PreferenceReport, pair_line, preference_pairs

HOLD_OUT = 0.1
"""Share of the pairs whose prompts are held out, where nobody says another."""

_WORTH_HOLDING_OUT = 40
# Pairs below which a tenth of them would be three battles: no comparison, and missing in training.


@dataclass(frozen=True)
class Material:
    """What can be trained on, and what became of everything else."""

    method: ImproveMethod
    rows: tuple[Mapping[str, object], ...]
    """What is trained on, a line of the file each."""

    kept_out: tuple[Mapping[str, object], ...]
    """The same of the prompts that are held out."""

    prompts: tuple[str, ...]
    """Ids of the prompts that are trained on, sorted."""

    vote_ids: tuple[str, ...]
    """Ids of the votes behind what is trained on, sorted."""

    margins: tuple[int, ...]
    """Of each row its votes for less its votes against; empty for labelled answers."""

    used_before: int
    """Rows left out because the parent, or a run before it, was trained on all of their votes."""

    report: PreferenceReport | KtoReport
    """What became of the votes."""

    def left_out(self) -> Iterator[str]:
        """Yield what makes no row, and why, in words."""
        report = self.report
        for number, noun, why in (
            (report.ties, "vote", "said equally good"),
            (
                getattr(report, "both_bad", 0),
                "vote",
                "said both bad",
            ),  # two bad answers, where kto learns them
            (report.undecided, self.noun, "as many votes for it as against it"),
            (report.low_agreement, self.noun, "too small a share of the votes"),
            (report.low_margin, self.noun, "ahead by too few votes"),
            (report.identical, "vote", "between two equal texts"),
            (report.leaked, "vote", "an answer gave itself away"),
            (report.repeated, "vote", "a battle shown again, to see how steady a labeler is"),
            (report.not_blind, "vote", "cast again with the names known"),
            (report.not_selected, "vote", "not asked for"),
            (report.without_text, "vote", "from files without answers"),
            (report.apart, "vote", "of chats in which the two sides had grown apart"),
            (self.used_before, self.noun, "trained on before, by the parent or the runs before it"),
            (len(self.kept_out), self.noun, "held out, so that the next comparison has something new"),
        ):
            if number:
                yield f"{counted(number, noun)}: {why}"

    @property
    def noun(self) -> str:
        """What a row is."""
        return "pair" if self.method == "dpo" else "answer"

    @property
    def found(self) -> int:
        """Rows before anything is held out."""
        return len(self.rows) + len(self.kept_out)


@dataclass(frozen=True)
class _Row:
    prompt_id: str
    line: Mapping[str, object]
    vote_ids: tuple[str, ...]
    margin: int | None


def gather(
    store: Store,
    which: PairFilter,
    method: ImproveMethod,
    *,
    used: Collection[str],
    hold_out: float | None,
    seed: int,
) -> Material:
    """Make what can be trained on out of the votes that stand.

    Args:
        store: Where the votes are.
        which: Which votes, and how sure one must be.
        method: `dpo` makes pairs, `kto` labelled answers.
        used: Ids of votes that the ancestors were trained on; a row with no other vote is left out.
        hold_out: Share of the rows whose prompts are held out; None: a tenth, of 40 rows and more.
        seed: Draws which prompts.
    """
    report: PreferenceReport | KtoReport
    if method == "dpo":
        pairs, report = preference_pairs(store, which)
        found = [
            _Row(pair.prompt_id, pair_line(pair), pair.vote_ids, pair.votes - pair.against) for pair in pairs
        ]
    else:
        answers, report = kto_examples(store, which)
        found = [_Row(one.prompt_id, kto_line(one), one.vote_ids, None) for one in answers]
    old = frozenset(used)
    fresh = [row for row in found if not old.issuperset(row.vote_ids)]
    share = hold_out if hold_out is not None else HOLD_OUT * (len(fresh) >= _WORTH_HOLDING_OUT)
    train, kept_out = split_by_prompt(fresh, share, seed)
    return Material(
        method=method,
        rows=tuple(row.line for row in train),
        kept_out=tuple(row.line for row in kept_out),
        prompts=tuple(sorted({row.prompt_id for row in train})),
        vote_ids=tuple(sorted({vote for row in train for vote in row.vote_ids})),
        margins=tuple(row.margin for row in train if row.margin is not None),
        used_before=len(found) - len(fresh),
        report=report,
    )


def labelers_of(store: Store, vote_ids: Sequence[str]) -> int:
    """Return how many people cast these votes."""
    people: set[Any] = set()
    for start in range(0, len(vote_ids), 500):  # SQLite of some builds takes 999 parameters at most
        some = vote_ids[start : start + 500]
        people |= {
            labeler
            for (labeler,) in store.rows(
                f"SELECT DISTINCT labeler_id FROM ballot_events WHERE id IN ({', '.join('?' * len(some))})",
                some,
            )
        }
    return len(people)
