"""The whole board: what it says, and that it says the same of the mirror image."""

import json
import random
import subprocess
import sys
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_worlds import boards, by_counts, drawn

from ftarena.errors import FtarenaError
from ftarena.scoring import Outcome, ScoreReport, Vote, score, summary
from ftarena.scoring.sequential import log_e_value
from ftarena.scoring.words import percent

SEQUENTIAL = {
    "e_value", "p_value", "verdict", "decided_after", "votes_needed", "votes_needed_low", "unit_wins",
    "unit_losses", "forecast", "sequence_low", "sequence_high", "contradicted", "note",
}  # fmt: skip
"""What depends on the order of the votes, because it is a course."""


def close(value: object) -> object:
    """A record whose floats compare up to rounding."""
    if isinstance(value, dict):
        return {key: close(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [close(inner) for inner in value]
    return pytest.approx(value, rel=1e-9, abs=1e-7) if isinstance(value, float) else value


def mirrored(pair: dict[str, object]) -> dict[str, object]:
    """What must be said of a pair whose names are swapped."""

    def negative(value: object) -> object:
        return None if value is None else -float(value)  # type: ignore[arg-type]

    def complement(value: object) -> object:
        return None if value is None else 1 - float(value)  # type: ignore[arg-type]

    swap = {"a": "b", "b": "a"}
    return pair | {
        "a": pair["b"],
        "b": pair["a"],
        "wins": pair["losses"],
        "losses": pair["wins"],
        "win_rate": complement(pair["win_rate"]),
        "low": complement(pair["high"]),
        "high": complement(pair["low"]),
        "score": complement(pair["score"]),
        "verdict": swap.get(str(pair["verdict"]), pair["verdict"]),
        "unit_wins": pair["unit_losses"],
        "unit_losses": pair["unit_wins"],
        "forecast": complement(pair["forecast"]),
        "sequence_low": complement(pair["sequence_high"]),
        "sequence_high": complement(pair["sequence_low"]),
        "difference": negative(pair["difference"]),
        "difference_low": negative(pair["difference_high"]),
        "difference_high": negative(pair["difference_low"]),
    }


@settings(deadline=None, max_examples=60)
@given(boards(), st.permutations("abcd"))
def test_other_names_mirror_every_result(votes: list[Vote], order: list[str]) -> None:
    """Whatever my contestants are called, and however their names are swapped, they get the same results."""
    other = dict(zip("abcd", order, strict=True))
    before = score(votes).to_json()
    after = score([vote._replace(left=other[vote.left], right=other[vote.right]) for vote in votes]).to_json()
    expected = []
    for pair in before["pairs"]:
        pair = pair | {"a": other[pair["a"]], "b": other[pair["b"]]}
        expected.append(pair if pair["a"] < pair["b"] else mirrored(pair))
    by_names = sorted(expected, key=lambda pair: (pair["a"], pair["b"]))
    assert after["pairs"] == close(by_names)
    for kind in ("side_bias", "tie_readiness", "agreement", "votes"):
        assert after[kind] == close(before[kind])
    ignored = {"name": None, "part": None, "note": None}
    renamed = {other[contestant["name"]]: contestant | ignored for contestant in before["contestants"]}
    assert {contestant["name"]: contestant | ignored for contestant in after["contestants"]} == close(renamed)


@settings(deadline=None, max_examples=60)
@given(boards())
def test_other_sides_change_nothing(votes: list[Vote]) -> None:
    """Had every battle been shown the other way round, only the side bias would be the other way round."""
    flip = {"left": "right", "right": "left"}
    before = score(votes).to_json()
    after = score(
        [Vote(v.right, v.left, flip.get(v.outcome, v.outcome), v.labeler, v.prompt) for v in votes]
    ).to_json()
    side, other = before.pop("side_bias"), after.pop("side_bias")
    for pair in before["pairs"]:
        if pair["left_rate"] is not None:
            pair["left_rate"] = 1 - pair["left_rate"]
    assert after == close(before)
    assert (other["left"], other["right"]) == (side["right"], side["left"])
    if side["gamma"] is not None:
        assert other["gamma"] == close(-side["gamma"])
        if side["low"] is not None:
            assert (other["low"], other["high"]) == (close(-side["high"]), close(-side["low"]))


@settings(deadline=None, max_examples=60)
@given(boards(), st.randoms(use_true_random=False))
def test_the_order_of_votes_matters_to_the_course_only(votes: list[Vote], chance: random.Random) -> None:
    """Shuffled votes give the same counts, ratings and agreement; only the verdict's course may differ."""
    shuffled = chance.sample(votes, len(votes))
    before, after = score(votes).to_json(), score(shuffled).to_json()
    for pair in (*before["pairs"], *after["pairs"]):
        for key in SEQUENTIAL:
            pair.pop(key)
    assert after == close(before)


@settings(deadline=None, max_examples=60)
@given(boards())
def test_the_report_is_strict_json(votes: list[Vote]) -> None:
    """Any program can read my report: no NaN, no Infinity, whatever the votes."""
    text = json.dumps(score(votes).to_json(), allow_nan=False)
    report = json.loads(text)
    assert report["votes"] == len(votes)
    assert sum(c["battles"] for c in report["contestants"]) == 2 * len(votes)
    assert sum(p["wins"] + p["losses"] + p["ties"] + p["both_bad"] for p in report["pairs"]) == len(votes)


def test_no_votes() -> None:
    """Before the first vote the report is empty, not an error."""
    report = score([]).to_json()
    assert (report["votes"], report["contestants"], report["pairs"]) == (0, [], [])
    assert score([], anchor="base").votes == 0


def test_wins_are_counted_for_a_on_either_side() -> None:
    """`a` is first in the alphabet, and its wins count wherever it stood."""
    votes = by_counts(
        [("sft", "base", "left", 3), ("base", "sft", "left", 1), ("sft", "base", "both_bad", 2)]
    )
    pair = score(votes).pairs[0]
    assert (pair.a, pair.b, pair.wins, pair.losses, pair.both_bad) == ("base", "sft", 1, 3, 2)
    assert pair.win_rate == pytest.approx(0.25)


def test_eight_of_ten_on_ten_prompts() -> None:
    """Eight wins of ten, losses first: evidence 2.07, nothing decided yet."""
    pair = score(by_counts([("a", "b", "right", 2), ("a", "b", "left", 8)])).pairs[0]
    assert pair.e_value == pytest.approx(2.0687, abs=5e-5)
    assert pair.verdict == "undecided"
    assert pair.win_rate == 0.8
    assert (pair.low, pair.high) == (pytest.approx(0.4902, abs=5e-5), pytest.approx(0.9433, abs=5e-5))


def test_one_prompt_cannot_decide() -> None:
    """A hundred people who prefer one answer to one prompt do not make a better model."""
    votes = [Vote("a", "b", "left", f"l{place}", "p1") for place in range(100)]
    pair = score(votes).pairs[0]
    assert (pair.wins, pair.unit_wins, pair.verdict, pair.e_value) == (100, 1, "undecided", pytest.approx(1))
    assert "1 prompt" in pair.note
    assert score(votes, unit="vote").pairs[0].verdict == "a"


def test_the_first_decisive_vote_speaks_for_its_prompt() -> None:
    """A tie does not use up a prompt, and a later vote cannot turn it."""
    votes = [
        Vote("a", "b", "tie", "ana", "p"),
        Vote("a", "b", "left", "bo", "p"),
        Vote("b", "a", "left", "cy", "p"),
    ]
    pair = score(votes).pairs[0]
    assert (pair.unit_wins, pair.unit_losses, pair.wins, pair.losses) == (1, 0, 1, 1)
    assert pair.course.points()[0].votes == 2


def test_prompts_with_tastes_do_not_fool_the_verdict() -> None:
    """Equals on 40 prompts with tastes of their own are hardly ever decided; votes as units often decide."""
    chance = random.Random(7)
    by_prompt = by_vote = 0
    for _ in range(100):
        rates = [chance.betavariate(0.5, 0.5) for _ in range(40)]
        order = [chance.randrange(40) for _ in range(300)]
        votes = [
            Vote("a", "b", "left" if chance.random() < rates[p] else "right", "ana", f"p{p}") for p in order
        ]
        by_prompt += score(votes).pairs[0].verdict in ("a", "b")
        by_vote += score(votes, unit="vote").pairs[0].verdict in ("a", "b")
    assert by_prompt <= 6
    assert by_vote > 10


def test_decided_after_counts_all_votes() -> None:
    """The verdict's number is one of votes cast, ties included."""
    pair = score(by_counts([("a", "b", "tie", 4), ("a", "b", "left", 8), ("a", "b", "tie", 9)])).pairs[0]
    assert (pair.verdict, pair.decided_after) == ("a", 12)


def test_the_anchor_is_1000() -> None:
    """Anchored on base, base is 1000 and the others are what they are better by."""
    report = score(drawn(seed=2, votes=300, prompts=100), anchor="a")
    ratings = {contestant.name: contestant for contestant in report.contestants}
    assert (ratings["a"].rating, ratings["a"].low, ratings["a"].high) == (1000, 1000, 1000)
    pair = report.pair("d", "a")
    assert pair is not None
    assert ratings["d"].rating - 1000 == pytest.approx(-pair.difference)
    assert ratings["d"].low is not None and pair.difference_high is not None
    assert ratings["d"].low - 1000 == pytest.approx(-pair.difference_high)


def test_contestants_are_sorted_by_rating_then_name() -> None:
    """The best comes first; equals come by name."""
    report = score(by_counts([("x", "y", "left", 5), ("y", "x", "left", 5), ("x", "best", "right", 5)]))
    assert report.contestants[0].name == "best"
    equals = score(by_counts([("b", "a", "left", 5), ("a", "b", "left", 5)]))
    assert [contestant.name for contestant in equals.contestants] == ["a", "b"]


def test_what_cannot_be_known_is_said() -> None:
    """A clean sweep and an island are named where they appear."""
    report = score(by_counts([("a", "b", "left", 5), ("x", "y", "tie", 5), ("z", "y", "both_bad", 2)]))
    notes = {contestant.name: contestant.note for contestant in report.contestants}
    assert "never lost" in notes["a"] and "never won" in notes["b"]
    assert "not comparable with x, y" in notes["a"]
    assert "both bad in every battle" in notes["z"]
    assert report.method.ridge


@pytest.mark.parametrize(
    ("votes", "arguments", "message"),
    [
        ([Vote("a", "a", "tie", "ana", "p")], {}, "vote 1 compares 'a' with itself"),
        ([Vote("a", "b", "draw", "ana", "p")], {}, "vote 1 has the outcome 'draw'"),  # type: ignore[arg-type]
        ([Vote("a", "b", "tie", "ana", "p")], {"anchor": "c"}, "no vote names 'c'"),
        ([Vote("a", "b", "tie", "ana", "p")], {"alpha": 5}, "alpha is 5"),
        ([Vote("a", "b", "tie", "ana", "p")], {"cluster": "labeler"}, "two labelers"),
    ],
)
def test_what_makes_no_sense_is_refused(
    votes: list[Vote], arguments: dict[str, object], message: str
) -> None:
    """A mistake in the votes or in a flag gets one sentence and a hint."""
    with pytest.raises(FtarenaError, match=message) as caught:
        score(votes, **arguments)  # type: ignore[arg-type]
    assert caught.value.hint


def test_people_who_vote_left_are_noticed() -> None:
    """If the left wins two votes of three between equals, side bias says so and ratings do not move."""
    votes = by_counts(
        [("a", "b", "left", 60), ("a", "b", "right", 30), ("b", "a", "left", 60), ("b", "a", "right", 30)]
    )
    report = score(votes)
    assert report.side_bias.gamma == pytest.approx(0.6931, abs=1e-4)
    assert report.side_bias.low is not None and report.side_bias.low > 0
    assert report.contestants[0].rating == pytest.approx(1000)


def test_a_side_bias_that_cannot_be_told_is_not_guessed() -> None:
    """An import with base always on the left gives a left rate and no γ."""
    bias = score(by_counts([("a", "b", "left", 6), ("a", "b", "right", 3)])).side_bias
    assert (bias.gamma, bias.left, bias.right) == (None, 6, 3)
    assert "cannot be told" in bias.note


def test_the_course_narrows() -> None:
    """The course ends at the board's own numbers and has no more points than a screen has columns."""
    pair = score(by_counts([("a", "b", "left", 300), ("a", "b", "right", 200)])).pairs[0]
    points = pair.course.points(80)
    assert len(points) == 80 and points[-1].votes == 500
    assert (points[-1].low, points[-1].high) == (pair.sequence_low, pair.sequence_high)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("sft-1", "base", "left", 9)], "sft-1 is better: decided after 8 votes"),
        (
            [("a", "b", "left", 6), ("a", "b", "right", 4)],
            "undecided: about 410 more votes if a's win rate by prompt is 58 %",
        ),
        ([("a", "b", "left", 1)], "undecided: about 85 more votes if a's win rate by prompt is 67 %"),
        ([("a", "b", "right", 6)], "undecided: about 4 more votes if b's win rate by prompt is 88 %"),
        (
            [("y", "z", "left", 10), ("y", "z", "right", 4)],
            "y is better: decided after 8 votes; the evidence has since weakened",
        ),
        ([("a", "b", "tie", 6)], "undecided: no vote for either yet"),
        (
            [("a", "b", "left", 6), ("a", "b", "right", 6)],
            "undecided: too close to say when, no end in sight at this win rate",
        ),
        ([("a", "b", "left", 8), ("a", "b", "right", 60)], "undecided: the votes contradict each other"),
    ],
)
def test_in_plain_words(rows: list, said: str) -> None:
    """One line answers whether it got better."""
    assert summary(score(by_counts(rows)).pairs[0]) == said


def test_what_is_foretold_comes_true() -> None:
    """The votes that I am told are still needed, at the win rate that I am told, do settle it."""
    pair = score(by_counts([("a", "b", "left", 6), ("a", "b", "right", 4)])).pairs[0]
    assert pair.votes_needed is not None
    more = [pair.forecast * pair.votes_needed, (1 - pair.forecast) * pair.votes_needed]
    assert log_e_value(6 + more[0], 4 + more[1]) >= log(20)


@pytest.mark.parametrize(
    ("rate", "said"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.9996, "99.96 %"), (0.0004, "0.04 %"), (0.75, "75 %"), (None, "–")],
)
def test_nearly_all_is_not_all(rate: float | None, said: str) -> None:
    """A share is called 100 % only where nothing is missing."""
    assert percent(rate) == said


def test_equals_in_plain_words() -> None:
    """Two that win in turns are said to be no different, with the number of votes that took."""
    sides: list[Outcome] = ["left", "right"] * 1000
    votes = [Vote("a", "b", side, "ana", f"p{place}") for place, side in enumerate(sides)]
    said = summary(score(votes).pairs[0])
    assert said.startswith("no difference worth having: settled after 1,")


def test_votes_alone_load_no_numpy() -> None:
    """A screen that only casts votes does not pay for the numbers."""
    script = "import sys, ftarena.scoring; ftarena.scoring.Vote; print('numpy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


def test_every_public_name_is_there() -> None:
    """What the package says it exports, it exports; other names are an ordinary error."""
    import ftarena.scoring

    assert all(hasattr(ftarena.scoring, name) for name in ftarena.scoring.__all__)
    assert isinstance(score([]), ScoreReport)
    with pytest.raises(AttributeError, match="nothing"):
        ftarena.scoring.nothing  # noqa: B018
