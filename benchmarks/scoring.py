"""Where the README's figures on scoring come from: how long it takes, and how often it is wrong.

    python benchmarks/scoring.py fit                 # a million votes over a hundred contestants
    python benchmarks/scoring.py sqlite              # the same from a database, cold and warm (minutes)
    python benchmarks/scoring.py false-stops         # a look after every vote between equals
    python benchmarks/scoring.py weighted-stops      # the same with a sampler that prefers some prompts
    python benchmarks/scoring.py stopping            # votes until a verdict, against what was foretold
    python benchmarks/scoring.py coverage            # how often intervals hold the truth

Every command prints JSON lines. Only `sqlite` writes: a database in a temporary folder.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ftarena.arena.standings.voting_record import voting_record
from ftarena.scoring.bradley_terry import fit_bradley_terry
from ftarena.scoring.coding import CodedVotes, group
from ftarena.scoring.davidson import fit_davidson
from ftarena.scoring.report import score
from ftarena.scoring.sequential import log_e_value, sign_test, votes_needed
from ftarena.scoring.strengths import Clustering
from ftarena.scoring.votes import OUTCOMES, Vote
from ftarena.store import Selection, Store
from ftarena.store.ids import content_hash
from ftarena.store.ledger import kept_beside


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


def sqlite(votes: int, contestants: int) -> None:
    """Time reading a database's votes and fitting them, the first time and afterwards."""
    coded, _ = draw_votes(votes, contestants, 317 * votes // 1000, 0.0, seed=1)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "arena.db") as store:
        _write(store, coded)
        for what in ("cold", "warm", "warm"):
            started, worked = time.perf_counter(), time.process_time()
            record = voting_record(store, Selection())
            read_s = time.perf_counter() - started
            fit_bradley_terry(record.coded)
            say(
                what=f"sqlite, {what}",
                votes=len(record.coded),
                read_s=round(read_s, 3),
                read_and_fit_s=round(time.perf_counter() - started, 3),
                cpu_s=round(time.process_time() - worked, 3),
                kept_mb=round(kept_beside(store.path).stat().st_size / 1e6, 1),
            )


def _write(store: Store, coded: CodedVotes) -> None:
    """Put votes into a database as an import would."""
    when = "2026-01-01T00:00:00.000Z"
    with store.transaction() as connection:
        contestants = [store.add_contestant(name).id for name in coded.names]
        labelers = [store.ballots.labeler(name) for name in coded.labelers]
        prompts = [content_hash("prompt", name) for name in coded.prompts]
        connection.executemany(
            "INSERT INTO prompts (id, turns_json, source, created_at) VALUES (?, '[]', 'import', ?)",
            ((prompt, when) for prompt in prompts),
        )
        columns = (coded.left, coded.right, coded.outcome, coded.labeler, coded.prompt)
        for place, (a, b, outcome, who, prompt) in enumerate(
            zip(*(c.tolist() for c in columns), strict=True)
        ):
            battle = content_hash("battle", place)
            connection.execute(
                "INSERT INTO battles (id, origin, labeler_id, prompt_id, left_id, right_id, created_at)"
                " VALUES (?, 'import', ?, ?, ?, ?, ?)",
                (battle, labelers[who], prompts[prompt], contestants[a], contestants[b], when),
            )
            connection.execute(
                "INSERT INTO ballot_events (id, battle_id, labeler_id, kind, outcome, position, created_at)"
                " VALUES (?, ?, ?, 'vote', ?, ?, ?)",
                (content_hash("event", place), battle, labelers[who], OUTCOMES[outcome], place + 1, when),
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
    for prompts in (0, 317 * votes // 1000, 1000):
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


def weighted_stops(worlds: int) -> None:
    """The same where a sampler prefers some prompts and votes weigh by 1/boost, between equals on average.

    Every prompt has a taste of its own, and the sampler likes those that favour one side: unweighted it finds
    a difference that is its own making.
    """
    chance = np.random.default_rng(6)
    for low, votes in ((0.5, 400), (0.5, 2000), (0.8, 2000)):
        stops = np.zeros(3)
        for _ in range(worlds):
            # Half of all prompts favour a; they are drawn with boost 2 − low, the others with low.
            favours = chance.random(votes) < (2 - low) / 2
            won = chance.random(votes) < np.where(favours, 0.7, 0.3)
            weight = 1 / np.where(favours, 2 - low, low)
            total = np.cumsum(weight * np.where(won, 1, -1))
            z = total / np.sqrt(np.cumsum(weight**2))
            stops += [
                bool((np.abs(z[9:]) > 1.96).any()),
                sign_test(won).decision in ("first", "second"),
                sign_test(won, weight=weight).decision in ("first", "second"),
            ]
        z_rate, unweighted, weighted = (stops / worlds).tolist()
        say(
            what="false stops, weighted",
            worlds=worlds,
            votes=votes,
            boosts=[low, 2 - low],
            z_after_ten=z_rate,
            bet_without_weights=unweighted,
            bet_with_weights=weighted,
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
    taken from one fit on half a million votes on fresh prompts by fresh labelers, drawn uniformly.
    """
    shapes: tuple[tuple[int, int, float, int, float, float, Clustering], ...] = (
        # votes, prompts (0: one each), their taste, labelers, their taste, share of boosted prompts, cluster
        (60, 0, 0.0, 1, 0.0, 0.0, "prompt"),
        (400, 0, 0.0, 1, 0.0, 0.0, "prompt"),
        (400, 100, 1.0, 1, 0.0, 0.0, "prompt"),
        (2000, 200, 1.0, 1, 0.0, 0.0, "prompt"),
        (400, 10, 1.0, 1, 0.0, 0.0, "prompt"),
        (1000, 0, 0.0, 25, 1.0, 0.0, "labeler"),
        (1000, 200, 1.0, 25, 1.0, 0.0, "both"),
        (400, 200, 1.0, 1, 0.0, 0.5, "prompt"),
    )
    for votes, prompts, taste, labelers, liking, boosted, cluster in shapes:
        truth = fit_bradley_terry(
            _world(500_000, 125_000 if prompts else 0, taste, 25_000 if liking else 1, liking, 0.0, 0)
        ).theta
        held = alone = 0
        width = []
        for seed in range(worlds):
            coded = _world(votes, prompts, taste, labelers, liking, boosted, seed + 1)
            strengths = fit_bradley_terry(coded, cluster=cluster)
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
            labelers=labelers,
            liking=liking,
            boosted=boosted,
            cluster=cluster,
            worlds=worlds,
            clustered=round(held / worlds / 3, 4),
            votes_as_independent=round(alone / worlds / 3, 4),
            median_width=round(float(np.median(width)), 1),
        )


def _world(
    votes: int, prompts: int, taste: float, labelers: int, liking: float, boosted: float, seed: int
) -> CodedVotes:
    """Fresh votes, prompts and labelers for four contestants whose strengths are always the same.

    With `boosted`, that share of the prompts (those that the first two contestants answer most differently)
    is drawn at twice the rate of the others, and votes weigh by 1/boost.
    """
    strength = np.array([0.6, 0.1, -0.2, -0.5])
    chance = np.random.default_rng(seed)
    left = chance.integers(4, size=votes)
    right = (left + 1 + chance.integers(3, size=votes)) % 4
    own = chance.normal(0, taste, (max(prompts, 1), 4))
    weight = None
    if boosted:
        apart = own[:, 0] - own[:, 1]
        liked = apart > np.quantile(apart, 1 - boosted)
        rate = np.where(liked, 2.0, 1.0)
        prompt = chance.choice(prompts, size=votes, p=rate / rate.sum())
        weight = (1 / (rate / rate.mean()))[prompt]
    else:
        prompt = chance.integers(prompts, size=votes) if prompts else np.arange(votes)
    labeler = chance.integers(labelers, size=votes)
    logit = strength[left] - strength[right]
    if prompts:
        logit = logit + own[prompt, left] - own[prompt, right]
    likes = chance.normal(0, liking, (labelers, 4))
    logit = logit + likes[labeler, left] - likes[labeler, right]
    outcome = np.where(chance.random(votes) < 1 / (1 + np.exp(-logit)), 0, 1)
    other = chance.random(votes)
    outcome = np.where(other < 0.3, 2, np.where(other < 0.36, 3, outcome))
    places, code = np.unique(prompt, return_inverse=True)
    return CodedVotes(
        names=tuple("abcd"),
        left=left,
        right=right,
        outcome=outcome,
        prompt=code.reshape(-1),
        labeler=labeler,
        prompts=[f"p{place}" for place in places.tolist()],
        labelers=tuple(f"l{place}" for place in range(labelers)),
        weight=weight,
    )


def main() -> None:
    """Parse the command line and run one benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("fit", "time the fits and the report"), ("sqlite", "time a database")):
        command = commands.add_parser(name, help=what)
        command.add_argument("--votes", type=int, default=1_000_000)
        command.add_argument("--contestants", type=int, default=100)
    for name, what in (
        ("false-stops", "looks between equals"),
        ("weighted-stops", "the same where a sampler prefers some prompts"),
        ("stopping", "votes until a verdict"),
        ("coverage", "how often intervals hold the truth"),
    ):
        commands.add_parser(name, help=what).add_argument("--worlds", type=int, default=1000)
    arguments = parser.parse_args()
    if arguments.command in ("fit", "sqlite"):
        {"fit": fit, "sqlite": sqlite}[arguments.command](arguments.votes, arguments.contestants)
    else:
        {
            "false-stops": false_stops,
            "weighted-stops": weighted_stops,
            "stopping": stopping,
            "coverage": coverage,
        }[arguments.command](arguments.worlds)


if __name__ == "__main__":
    main()
