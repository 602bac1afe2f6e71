"""How many votes each sampler needs for its verdicts, and whether `informative` leaves results unbiased.

    python benchmarks/samplers.py votes        # until the verdicts: uniform, balanced, informative
    python benchmarks/samplers.py coverage     # do intervals hold the truth, with and without weights?

Every command prints JSON lines. The samplers' own functions choose (`pair_chances`, `kind_chances`) and the
arena's own statistics judge; only the people are made up. A world: contestants with strengths θ; on each
prompt two answers differ by D (log-normal, and measured with an error of 30 %); they tie with probability
0.05 + 0.9 · exp(−1.5 D), 30 % of votes, and otherwise the better one wins the more surely the larger D is;
the chance is that of a vote, people's slips included. The mean score of a pair over its prompts is σ(θ₁ − θ₂)
(exactly up to 1.07 logits, beyond which the surest wins are cut off at 1), so that Bradley-Terry is true and
what an interval should hold is known. A prompt is read once for each pair, as a verdict counts it.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt

from ftarena.arena.sampling.chances import pair_chances
from ftarena.arena.sampling.informative import MET
from ftarena.arena.sampling.kinds import KINDS, decisive_shares, kind_boosts, kind_chances, kinds_of
from ftarena.arena.sampling.outlook import Tally
from ftarena.scoring.betting import log_evidence, shares
from ftarena.scoring.bradley_terry import fit_bradley_terry
from ftarena.scoring.coding import LEFT, RIGHT, CodedVotes, encode
from ftarena.scoring.sequential import effective, sign_test, wilson
from ftarena.scoring.strengths import Estimate
from ftarena.scoring.votes import Vote

Pair = tuple[str, str]
LIMIT = float(np.log(20))
RECOUNTED = 10
"""Votes after which chances are worked out anew; people are slower than that anyway."""


def tie_chance(apart: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how likely two answers tie, by how much they differ."""
    return 0.05 + 0.9 * np.exp(-1.5 * apart)


def clearness(apart: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how sure the better answer wins where nobody calls a tie, by how much the two differ."""
    return apart / (0.5 + apart)


def _differences(chance: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    return chance.lognormal(0.0, 0.9, size)


def _reach() -> float:
    apart = _differences(np.random.default_rng(0), 1_000_000)
    return float(((1 - tie_chance(apart)) * clearness(apart)).mean())


REACH = _reach()
"""Mean over prompts of P(no tie) · clearness: what turns a mean score into a win rate on one prompt."""


@dataclass
class Course:
    """The votes on one pair in the order in which a sampler asks for them."""

    points: npt.NDArray[np.int64]
    """(n,) 1 for the first, −1 for the second, 0 for a tie."""

    weight: npt.NDArray[np.float64]
    """(n,) 1 / boost."""

    prompts: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        units = np.flatnonzero(self.points)
        won, weight = self.points[units] > 0, self.weight[units]
        share = shares(weight)
        test = sign_test(won)
        self.decided_at, self.first_won = len(self.points) + 1, False
        if share is not None:
            reached = np.flatnonzero(log_evidence(won, share) >= LIMIT)
            if len(reached):
                self.decided_at = int(units[reached[0]]) + 1
                self.first_won = bool(np.sum((won * 2 - 1)[: reached[0] + 1] * weight[: reached[0] + 1]) > 0)
        elif test.decision in ("first", "second") and test.decided_at is not None:
            self.decided_at = int(units[test.decided_at - 1]) + 1
            self.first_won = test.decision == "first"
        total = np.cumsum(self.weight * (self.points != 0))
        scale = total / np.maximum(np.cumsum(self.weight**2 * (self.points != 0)), 1e-9)
        self._wins = np.cumsum(self.weight * (self.points > 0)) * scale
        self._losses = np.cumsum(self.weight * (self.points < 0)) * scale

    def tally(self, votes: int) -> Tally:
        """Return what a sampler knows after so many votes."""
        if votes == 0:
            return Tally()
        decided = votes >= self.decided_at
        return Tally(float(self._wins[votes - 1]), float(self._losses[votes - 1]), decided)


@dataclass
class World:
    """Contestants, and for each pair what people would say about each prompt."""

    pairs: list[Pair]
    strength: dict[str, float]
    apart: dict[Pair, npt.NDArray[np.float64]]
    measured: dict[Pair, npt.NDArray[np.float64]]
    said: dict[Pair, npt.NDArray[np.int64]]


def draw_world(strengths: list[float], prompts: int, chance: np.random.Generator) -> World:
    """Draw what people would say.

    Args:
        strengths: θ of each contestant, in logits.
        prompts: How many there are.
        chance: Random numbers.
    """
    names = [f"c{place}" for place in range(len(strengths))]
    strength = dict(zip(names, strengths, strict=True))
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    world = World(pairs, strength, {}, {}, {})
    for one, other in pairs:
        apart = _differences(chance, prompts)
        mean = 1 / (1 + np.exp(strength[other] - strength[one]))
        rate = np.clip(0.5 + (mean - 0.5) / REACH * clearness(apart), 0.0, 1.0)
        tie = chance.random(prompts) < tie_chance(apart)
        won = chance.random(prompts) < rate
        world.apart[one, other] = apart
        world.measured[one, other] = apart * chance.lognormal(0, 0.3, prompts)
        world.said[one, other] = np.where(tie, 0, np.where(won, 1, -1))
    return world


def plain_course(world: World, pair: Pair, chance: np.random.Generator) -> Course:
    """Ask a pair's prompts in any order."""
    order = chance.permutation(len(world.said[pair]))
    return Course(world.said[pair][order], np.ones(len(order)), order)


def kinds_course(world: World, pair: Pair, chance: np.random.Generator, most: int) -> Course:
    """Ask a pair's prompts as `informative` does."""
    count = len(world.said[pair])
    names = [str(place) for place in range(count)]
    kinds = kinds_of(names, dict(zip(names, world.measured[pair].tolist(), strict=True)))
    kind = np.array([kinds[name] for name in names])
    stacks = [list(chance.permutation(np.flatnonzero(kind == one))) for one in range(KINDS)]
    sizes = [len(stack) for stack in stacks]
    read, decisive = [0] * KINDS, [0] * KINDS
    order: list[int] = []
    weight: list[float] = []
    said = world.said[pair]
    while len(order) < min(most, count):
        left = [len(stack) for stack in stacks]
        found = decisive_shares(read, decisive)
        wanted = kind_chances(sizes, left, found)
        total = sum(left)
        mixed = [MET * some / total + (1 - MET) * p for some, p in zip(left, wanted, strict=True)]
        boosts = kind_boosts(sizes, left, found, mixed)
        for one in chance.choice(KINDS, size=min(RECOUNTED, total), p=mixed):
            if stacks[one]:
                place = int(stacks[one].pop())
                order.append(place)
                weight.append(1 / boosts[one])
                read[one] += 1
                decisive[one] += int(said[place] != 0)
    places = np.array(order)
    return Course(said[places], np.array(weight), places)


def interleave(courses: dict[Pair, Course], how: str, chance: np.random.Generator) -> Iterator[Pair]:
    """Say which pair is asked about, vote by vote, until there is nothing left to ask."""
    pairs = list(courses)
    length = {pair: len(courses[pair].points) for pair in pairs}
    had = dict.fromkeys(pairs, 0)
    while True:
        open_ = [pair for pair in pairs if had[pair] < length[pair]]
        if not open_:
            return
        if how == "informative":
            tallies = {pair: courses[pair].tally(had[pair]) for pair in pairs}
            drawn = chance.choice(len(open_), size=RECOUNTED, p=pair_chances(open_, tallies))
        elif how == "balanced":
            drawn = chance.permutation(len(open_))
        else:
            drawn = chance.integers(len(open_), size=RECOUNTED)
        for pair in (open_[int(place)] for place in drawn):
            if had[pair] < length[pair]:
                had[pair] += 1
                yield pair


def _milestones(world: World, courses: dict[Pair, Course], asked: Iterable[Pair]) -> tuple[float, float, int]:
    """Return votes until every true difference is decided, until nobody who is worse than the best is
    unbeaten, and how many verdicts were wrong by then."""
    had = dict.fromkeys(courses, 0)
    worse = {name for name, value in world.strength.items() if value < max(world.strength.values()) - 1e-9}
    true = {pair for pair in courses if abs(world.strength[pair[0]] - world.strength[pair[1]]) > 1e-9}
    all_at = best_at = float("inf")
    false = 0
    for votes, pair in enumerate(asked, 1):
        had[pair] += 1
        if had[pair] == courses[pair].decided_at:
            first = courses[pair].first_won
            ahead = world.strength[pair[0]] - world.strength[pair[1]]
            false += not (ahead > 1e-9 if first else ahead < -1e-9)
            true.discard(pair)
            worse.discard(pair[first])
        if not worse and best_at == float("inf"):
            best_at = votes
        if not true:
            all_at = votes
            break
    return all_at, best_at, false


def votes(contestants: int, worlds: int, prompts: int, seed: int) -> dict[str, object]:
    """Compare the samplers on the same worlds."""
    chance = np.random.default_rng(seed)
    found: dict[str, list[tuple[float, float, int]]] = {}
    pairs = 0
    for _ in range(worlds):
        gaps = chance.uniform(0.3, 0.8, contestants - 1)
        if contestants > 2 and chance.random() < 0.25:
            gaps[chance.integers(contestants - 1)] = 0.0  # two that are equal: no verdict will fall
        world = draw_world([0.0, *np.cumsum(gaps).tolist()], prompts, chance)
        pairs += len(world.pairs)
        plain = {pair: plain_course(world, pair, chance) for pair in world.pairs}
        tilted = {pair: kinds_course(world, pair, chance, prompts) for pair in world.pairs}
        for name, courses, how in (
            ("uniform", plain, "uniform"),
            ("balanced", plain, "balanced"),
            ("pairs only", plain, "informative"),
            ("informative", tilted, "informative"),
        ):
            asked = interleave(courses, how, chance)
            found.setdefault(name, []).append(_milestones(world, courses, asked))
    result: dict[str, object] = {"contestants": contestants, "worlds": worlds, "prompts": prompts}
    for goal, place in (("all", 0), ("best", 1)):
        times = {name: np.array([row[place] for row in rows]) for name, rows in found.items()}
        whole = np.all([np.isfinite(values) for values in times.values()], axis=0)
        for name, values in times.items():
            kept, base = values[whole], times["uniform"][whole]
            boot = [
                np.mean(kept[i]) / np.mean(base[i])
                for i in chance.integers(len(kept), size=(2000, len(kept)))
            ]
            result[f"{name}: {goal}"] = {
                "median": float(np.median(kept)),
                "p90": float(np.quantile(kept, 0.9)),
                "ratio": round(float(np.mean(kept) / np.mean(base)), 3),
                "ratio_low": round(float(np.quantile(boot, 0.025)), 3),
                "ratio_high": round(float(np.quantile(boot, 0.975)), 3),
                "median_ratio": round(float(np.median(kept) / np.median(base)), 3),
            }
        result[f"reached: {goal}"] = float(whole.mean())
    for name, rows in found.items():
        result[f"{name}: false"] = round(sum(row[2] for row in rows) / pairs, 4)
    return result


def coverage(worlds: int, prompts: int, budget: int, seed: int) -> dict[str, object]:
    """Count how often intervals hold the truth after a fixed number of votes on three contestants."""
    chance = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {}
    missed: dict[str, list[float]] = {}
    for _ in range(worlds):
        world = draw_world(chance.normal(0, 0.4, 3).tolist(), prompts, chance)
        plain = {pair: plain_course(world, pair, chance) for pair in world.pairs}
        tilted = {pair: kinds_course(world, pair, chance, min(prompts, budget)) for pair in world.pairs}
        truths = {pair: _win_rate(world, pair) for pair in world.pairs}
        for name, courses, how, weighted in (
            ("uniform", plain, "uniform", False),
            ("informative, weighted", tilted, "informative", True),
            ("informative, not weighted", tilted, "informative", False),
        ):
            asked = list(islice(interleave(courses, how, chance), budget))
            coded = encode(_votes(courses, asked, weighted))
            strengths = fit_bradley_terry(coded)
            for pair in world.pairs:
                one, other = (coded.names.index(name) for name in pair)
                difference = strengths.difference(one, other)
                if difference.low is not None and difference.high is not None:
                    truth = 400 / np.log(10) * (world.strength[pair[0]] - world.strength[pair[1]])
                    _note(held, missed, f"{name}: difference", difference, truth)
                rate = _estimated(coded, one, other)
                if rate is not None:
                    _note(held, missed, f"{name}: win rate", rate, truths[pair])
    result: dict[str, object] = {"worlds": worlds, "prompts": prompts, "votes": budget}
    for name, values in held.items():
        result[name] = {
            "coverage": round(float(np.mean(values)), 4),
            "bias": round(float(np.mean(missed[name])), 4),
        }
    return result


def _note(
    held: dict[str, list[bool]], missed: dict[str, list[float]], name: str, found: Estimate, truth: float
) -> None:
    if found.low is not None and found.high is not None:
        held.setdefault(name, []).append(bool(found.low <= truth <= found.high))
        even = 0.5 if "rate" in name else 0.0
        missed.setdefault(name, []).append(float((found.value - truth) * np.sign(truth - even)))


def _estimated(coded: CodedVotes, one: int, other: int) -> Estimate | None:
    """Return the win rate of a pair as the board has it: weighted, with Wilson's interval."""
    own = ((coded.left == one) & (coded.right == other)) | ((coded.left == other) & (coded.right == one))
    decisive = np.flatnonzero(own & (coded.outcome <= RIGHT))
    won = (coded.outcome[decisive] == LEFT) == (coded.left[decisive] == one)
    weight = np.ones(len(won)) if coded.weight is None else coded.weight[decisive]
    interval = wilson(*effective(won, weight))
    if interval is None:
        return None
    return Estimate(float(weight[won].sum() / weight.sum()), *interval)


_BIG = _differences(np.random.default_rng(1), 20_000)


def _win_rate(world: World, pair: Pair) -> float:
    """Return the win rate over all prompts: the mean score, ties left out."""
    mean = 1 / (1 + np.exp(world.strength[pair[1]] - world.strength[pair[0]]))
    rate = np.clip(0.5 + (mean - 0.5) / REACH * clearness(_BIG), 0.0, 1.0)
    decisive = 1 - tie_chance(_BIG)
    return float((rate * decisive).sum() / decisive.sum())


def _votes(courses: dict[Pair, Course], asked: list[Pair], weighted: bool) -> list[Vote]:
    had = dict.fromkeys(courses, 0)
    found = []
    for votes_before, pair in enumerate(asked):
        course, place = courses[pair], had[pair]
        had[pair] += 1
        left, right = pair if votes_before % 2 else pair[::-1]
        said = int(course.points[place])
        outcome = "tie" if said == 0 else "left" if (said > 0) == (left == pair[0]) else "right"
        weight = float(course.weight[place]) if weighted else 1.0
        found.append(Vote(left, right, outcome, "ana", str(course.prompts[place]), weight))  # type: ignore[arg-type]  # a word of Outcome
    return found


def main() -> None:
    """Run one of the simulations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command", choices=["votes", "coverage"])
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--prompts", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    say = partial(json.dumps, ensure_ascii=False)
    if given.command == "votes":
        for contestants, worlds in ((2, 1000), (3, 400), (6, 300)):
            print(say(votes(contestants, given.worlds or worlds, 2500, given.seed)), flush=True)
    else:
        for prompts in (given.prompts,) if given.prompts else (1000, 150):
            print(say(coverage(given.worlds or 2000, prompts, 400, given.seed)), flush=True)


if __name__ == "__main__":
    main()
