"""Where the README's figures on scoring come from: how long it takes, and how often it is wrong.

    python benchmarks/scoring.py fit                 # a million votes over a hundred contestants
    python benchmarks/scoring.py false-stops         # a look after every vote between equals
    python benchmarks/scoring.py stopping            # votes until a verdict, against what was foretold
    python benchmarks/scoring.py coverage            # how often intervals hold the truth

Every command prints JSON lines. Nothing is written to disk.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from ftarena.scoring.bradley_terry import fit_bradley_terry
from ftarena.scoring.coding import CodedVotes, group
from ftarena.scoring.davidson import fit_davidson
from ftarena.scoring.report import score
from ftarena.scoring.sequential import log_e_value, sign_test, votes_needed
from ftarena.scoring.votes import OUTCOMES, Vote


def draw_votes(
    votes: int, contestants: int, prompts: int, taste: float, seed: int
) -> tuple[CodedVotes, np.ndarray]:
    """Draw votes whose prompts have tastes of their own.

    Args:
        votes: Number of votes.
        contestants: Number of contestants, strengths normal with a standard deviation of half a logit.
        prompts: Number of prompts; 0 gives every vote its own.
        taste: Standard deviation of a prompt's own strengths, in logits.
        seed: Of the random numbers.

    Returns:
        The votes, and the true strengths, centred.
    """
    chance = np.random.default_rng(seed)
    strength = chance.normal(0, 0.5, contestants)
    strength -= strength.mean()
    left = chance.integers(contestants, size=votes)
    right = (left + 1 + chance.integers(contestants - 1, size=votes)) % contestants
    prompt = chance.integers(prompts, size=votes) if prompts else np.arange(votes)
    logit = strength[left] - strength[right]
    if taste and prompts:
        own = chance.normal(0, taste, (prompts, contestants))
        logit = logit + own[prompt, left] - own[prompt, right]
    won = chance.random(votes) < 1 / (1 + np.exp(-logit))
    outcome = np.where(won, 0, 1)
    other = chance.random(votes)
    outcome = np.where(other < 0.3, 2, np.where(other < 0.36, 3, outcome))
    labelers = 20
    return (
        CodedVotes(
            names=tuple(f"c{code:03}" for code in range(contestants)),
            left=left,
            right=right,
            outcome=outcome,
            prompt=np.unique(prompt, return_inverse=True)[1].reshape(-1),
            labeler=chance.integers(labelers, size=votes),
            prompts=tuple(f"p{code}" for code in range(len(np.unique(prompt)))),
            labelers=tuple(f"l{code}" for code in range(labelers)),
        ),
        strength,
    )


def timed(what: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of some runs, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        what()
        best = min(best, time.perf_counter() - started)
    return round(best, 4)


def say(**record: object) -> None:
    """Print one JSON line."""
    print(json.dumps(record, allow_nan=False), flush=True)


def fit(votes: int, contestants: int) -> None:
    """Time grouping, fits and the whole report for three shapes of prompts."""
    for prompts in (0, votes // 3, 1000):
        coded, _ = draw_votes(votes, contestants, prompts, 0.0, seed=1)
        cells = group(coded)
        say(
            what="fit",
            votes=votes,
            contestants=contestants,
            prompts=len(coded.prompts),
            group_s=timed(partial(group, coded)),
            bradley_terry_s=timed(partial(fit_bradley_terry, coded, cells=cells)),
            with_side_s=timed(partial(fit_bradley_terry, coded, side=True, cells=cells)),
            davidson_s=timed(partial(fit_davidson, coded, cells=cells)),
        )
    for some in (100, 10_000, votes):
        coded, _ = draw_votes(some, min(contestants, max(3, some // 100)), 0, 0.0, seed=2)
        columns = zip(coded.left, coded.right, coded.outcome, coded.labeler, coded.prompt, strict=True)
        listed = [
            Vote(coded.names[a], coded.names[b], OUTCOMES[o], coded.labelers[who], coded.prompts[p])
            for a, b, o, who, p in columns
        ]
        say(
            what="report",
            votes=some,
            contestants=len(coded.names),
            score_s=timed(partial(score, listed), repeats=1 if some == votes else 3),
        )


def false_stops(worlds: int) -> None:
    """How often a difference is found between equals when one looks after every vote.

    Four rules: |z| > 1.96 on all votes; the bet on all votes; the bet on prompts by their majority so far;
    and the bet on prompts by their first decisive vote, which is what ftarena does.
    """
    chance = np.random.default_rng(3)
    for prompts, votes, taste in ((0, 2000, None), (40, 400, 0.5), (40, 4000, 2.0), (30, 3000, None)):
        stops = np.zeros(4)
        for _ in range(worlds):
            which = chance.integers(prompts, size=votes) if prompts else np.arange(votes)
            rate = np.full(max(prompts, votes), 0.5) if taste is None else chance.beta(taste, taste, prompts)
            won = chance.random(votes) < rate[which]
            total = np.arange(1, votes + 1)
            z = (2 * np.cumsum(won) - total) / np.sqrt(total)
            first = won[np.sort(np.unique(which, return_index=True)[1])]
            stops += [
                bool((np.abs(z[9:]) > 1.96).any()),
                sign_test(won).decision in ("first", "second"),
                _majority_stops(which, won) if prompts else np.nan,
                sign_test(first).decision in ("first", "second"),
            ]
        z_rate, every, majority, first_vote = (stops / worlds).tolist()
        say(
            what="false stops",
            worlds=worlds,
            votes=votes,
            prompts=prompts or votes,
            taste=None if taste is None else f"Beta({taste}, {taste})",
            z_after_ten=z_rate,
            bet_on_every_vote=every,
            bet_on_majorities=None if np.isnan(majority) else majority,
            bet_on_first_votes=first_vote,
        )


def _majority_stops(which: np.ndarray, won: np.ndarray) -> bool:
    lead: dict[int, int] = {}
    wins = losses = 0
    seen: set[tuple[int, int]] = set()
    for prompt, side in zip(which.tolist(), won.tolist(), strict=True):
        before = lead.get(prompt, 0)
        after = before + (1 if side else -1)
        lead[prompt] = after
        wins += (after > 0) - (before > 0)
        losses += (after < 0) - (before < 0)
        seen.add((wins, losses))
    return any(log_e_value(w, lost) >= np.log(20) for w, lost in seen)


def stopping(worlds: int) -> None:
    """Votes until a verdict for some win rates, beside what `votes_needed` foretells for that rate."""
    chance = np.random.default_rng(4)
    for rate in (0.5, 0.52, 0.55, 0.6, 0.65, 0.7, 0.75):
        found, wrong = [], 0
        for _ in range(worlds):
            test = sign_test(chance.random(6000) < rate)
            found.append(test.decided_at or 6000)
            wrong += test.decision == "second" if rate > 0.5 else test.decision in ("first", "second")
        say(
            what="stopping",
            rate=rate,
            worlds=worlds,
            mean=round(float(np.mean(found)), 1),
            median=float(np.median(found)),
            p90=float(np.quantile(found, 0.9)),
            foretold=votes_needed(0, 0, rate=rate),
            wrong=wrong / worlds,
        )


def coverage(worlds: int) -> None:
    """How often the interval of a difference of ratings holds the truth.

    The truth of a world whose prompts have tastes is what the fit tends to with ever more prompts, so it is
    taken from one fit on half a million votes.
    """
    for votes, prompts, taste in ((60, 0, 0.0), (400, 0, 0.0), (400, 100, 1.0), (400, 10, 1.0)):
        large, _ = draw_votes(500_000, 4, 125_000 if prompts else 0, taste, seed=0)
        truth = fit_bradley_terry(large).theta
        held = alone = 0
        width = []
        for seed in range(worlds):
            coded = _same_world(votes, prompts, taste, seed + 1)
            strengths = fit_bradley_terry(coded)
            for one, other in ((0, 1), (0, 2), (2, 3)):
                value, low, high = strengths.difference(one, other)
                target = 400 / np.log(10) * (truth[one] - truth[other])
                held += (low is None or low <= target) and (high is None or target <= high)
                if low is not None and high is not None:
                    width.append(high - low)
                independent = strengths.covariances[-1]
                spread = independent[one, one] + independent[other, other] - 2 * independent[one, other]
                alone += abs(value - target) <= 1.96 * 400 / np.log(10) * np.sqrt(spread)
        say(
            what="coverage",
            votes=votes,
            prompts=prompts or votes,
            taste=taste,
            worlds=worlds,
            clustered=held / worlds / 3,
            votes_as_independent=alone / worlds / 3,
            median_width=round(float(np.median(width)), 1),
        )


def _same_world(votes: int, prompts: int, taste: float, seed: int) -> CodedVotes:
    """Fresh votes and prompts for the contestants that `draw_votes(seed=0)` made."""
    strength = draw_votes(1, 4, 0, 0.0, seed=0)[1]
    chance = np.random.default_rng(seed)
    left = chance.integers(4, size=votes)
    right = (left + 1 + chance.integers(3, size=votes)) % 4
    prompt = chance.integers(prompts, size=votes) if prompts else np.arange(votes)
    logit = strength[left] - strength[right]
    if prompts:
        own = chance.normal(0, taste, (prompts, 4))
        logit = logit + own[prompt, left] - own[prompt, right]
    outcome = np.where(chance.random(votes) < 1 / (1 + np.exp(-logit)), 0, 1)
    other = chance.random(votes)
    outcome = np.where(other < 0.3, 2, np.where(other < 0.36, 3, outcome))
    code = np.unique(prompt, return_inverse=True)[1].reshape(-1)
    return CodedVotes(
        tuple("abcd"),
        left,
        right,
        outcome,
        code,
        np.zeros(votes, dtype=np.int64),
        tuple(map(str, code)),
        ("ana",),
    )


def main() -> None:
    """Parse the command line and run one benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fit", help="time the fits and the report")
    command.add_argument("--votes", type=int, default=1_000_000)
    command.add_argument("--contestants", type=int, default=100)
    for name, what in (
        ("false-stops", "looks between equals"),
        ("stopping", "votes until a verdict"),
        ("coverage", "how often intervals hold the truth"),
    ):
        commands.add_parser(name, help=what).add_argument("--worlds", type=int, default=1000)
    arguments = parser.parse_args()
    if arguments.command == "fit":
        fit(arguments.votes, arguments.contestants)
    else:
        {"false-stops": false_stops, "stopping": stopping, "coverage": coverage}[arguments.command](
            arguments.worlds
        )


if __name__ == "__main__":
    main()
