"""Which battle comes next: open, new, where it tells most, and without bias."""

import random
from collections import Counter
from collections.abc import Mapping
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.arena import Arena, write_settings
from ftarena.arena.questions.differing import differing
from ftarena.arena.sampling import SAMPLERS, Combination, Openings, Outlook, Pool, Tally, informative
from ftarena.arena.sampling.chances import BALANCED, pair_chances
from ftarena.arena.sampling.kinds import (
    BOUNDS,
    KINDS,
    UNKNOWN,
    decisive_shares,
    kind_chances,
    kinds_of,
)
from ftarena.arena.sampling.verdicts import differs, equivalent, log_evidence, units_needed
from ftarena.arena.tallies import tallies
from ftarena.scoring.sequential import log_e_value, sign_test
from ftarena.store import Store

from .conftest import fill

PAIRS = [("a", "b"), ("a", "c"), ("b", "c")]


def pool_of(prompts: int, pairs: list[tuple[str, str]] = PAIRS) -> Pool:
    ready = [Combination(f"p{number}", *pair) for number in range(prompts) for pair in pairs]
    return Pool(tuple(ready), frozenset())


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    pool = pool_of(draw(st.integers(1, 6)))
    had = draw(st.lists(st.sampled_from(pool.ready), unique=True))
    taken = draw(st.lists(st.sampled_from(pool.ready), unique=True))
    votes = draw(st.lists(st.tuples(st.sampled_from(pool.ready), st.booleans())))
    known: dict[tuple[str, str], Tally] = {}
    for combination, decisive in votes:
        before = known.get(combination.pair, Tally(draw(st.integers(0, 9)), draw(st.integers(0, 9))))
        read = {**before.read, combination.prompt_id: decisive}
        known[combination.pair] = Tally(before.wins, before.losses, draw(st.booleans()), read)
    apart = draw(st.dictionaries(st.sampled_from([one.prompt_id for one in pool.ready]), st.floats(0, 9)))
    return Outlook(
        open=Openings(pool, {*had, *taken}),
        had=had,
        tallies=lambda: known,
        differing=lambda pair: apart,
    )


@given(outlooks(), st.sampled_from(sorted(SAMPLERS)), st.integers())
def test_a_draw_is_open_and_never_had(outlook: Outlook, name: str, seed: int) -> None:
    """Whatever the sampler, I get something that I may have, or nothing where nothing is left."""
    choice = SAMPLERS[name](outlook, random.Random(seed))
    assert (choice is None) == (len(outlook.open) == 0)
    if choice is not None:
        assert choice.combination in list(outlook.open)
        assert choice.combination not in outlook.had
        assert BOUNDS[0] <= choice.boost <= BOUNDS[1]
        assert name == "informative" or choice.boost == 1.0


@given(outlooks())
def test_openings_are_a_sequence(outlook: Outlook) -> None:
    """Looking through one pair at a time finds what looking through everything finds."""
    every = list(outlook.open)
    assert [outlook.open[place] for place in range(len(every))] == every
    assert Counter(one.pair for one in every) == Counter(
        {pair: outlook.openings.count(pair) for pair in outlook.openings.pairs}
    )
    assert [outlook.open[-1]] == every[-1:] if every else len(outlook.open) == 0


def test_what_does_not_count_is_not_even_ready() -> None:
    """A battle that gives itself away is no part of what the others are a sample of."""
    pool = pool_of(3)
    openings = Openings(pool, pool.ready[:1], pool.ready[1:2])
    assert set(openings) == set(pool.ready[2:])
    assert len(openings.ready(pool.ready[1].pair)) == 2
    assert len(openings.ready(pool.ready[0].pair)) == 3


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_sampler_knows_the_verdict(wins: int, losses: int) -> None:
    """The bet that draws go by is the one that scores are told by."""
    assert log_evidence(wins, losses) == pytest.approx(log_e_value(wins, losses), abs=1e-9)
    assert units_needed(wins, losses) > 0
    assert units_needed(wins, losses) == pytest.approx(units_needed(losses, wins))
    assert equivalent(wins, losses) == equivalent(losses, wins)


def test_decided_as_the_score_says() -> None:
    """Where the score has a verdict, so has the sampler, at the same vote."""
    import numpy as np

    rng = random.Random(4)
    won = [rng.random() < 0.7 for _ in range(200)]
    decided_at = sign_test(np.array(won)).decided_at
    wins = losses = 0
    for units, one in enumerate(won, 1):
        wins, losses = wins + one, losses + (not one)
        if differs(wins, losses):
            assert units == decided_at
            return
    pytest.fail("never decided")


def test_an_open_verdict_comes_before_a_decided_one() -> None:
    """No more votes than a small share go to what is known already; the nearest verdict gets most."""
    known = {("a", "b"): Tally(20, 2, True), ("a", "c"): Tally(14, 6), ("b", "c"): Tally(10, 10)}
    decided, near, far = pair_chances(PAIRS, known)
    assert decided == pytest.approx(BALANCED / 3)
    assert near > 5 * far > 0
    assert sum((decided, near, far)) == pytest.approx(1)
    assert pair_chances(PAIRS, {pair: Tally(20, 2, True) for pair in PAIRS}) == [1 / 3] * 3


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), min_size=3, max_size=3))
def test_exchanged_names_exchange_the_chances(counts: list[tuple[int, int, bool]]) -> None:
    """Who is called what changes nobody's chances."""
    known = {pair: Tally(*one) for pair, one in zip(PAIRS, counts, strict=True)}
    mirrored = {"a": "c", "b": "b", "c": "a"}
    turned = {}
    for (one, other), tally in known.items():
        pair = mirrored[one], mirrored[other]
        turned[pair if pair[0] < pair[1] else pair[::-1]] = Tally(tally.losses, tally.wins, tally.decided)
    before = dict(zip(PAIRS, pair_chances(PAIRS, known), strict=True))
    after = dict(zip(PAIRS, pair_chances(PAIRS, turned), strict=True))
    assert after["a", "b"] == pytest.approx(before["b", "c"])
    assert after["a", "c"] == pytest.approx(before["a", "c"])


@given(
    st.lists(st.integers(0, 50), min_size=KINDS, max_size=KINDS),
    st.data(),
)
def test_chances_of_kinds(sizes: list[int], data: st.DataObject) -> None:
    """Every kind that has anything left can come, none that has not, and the chances are chances."""
    left = [data.draw(st.integers(0, size)) for size in sizes]
    if not sum(left):
        return
    read = [size - some for size, some in zip(sizes, left, strict=True)]
    decisive = [data.draw(st.integers(0, some)) for some in read]
    chances = kind_chances(sizes, left, decisive_shares(read, decisive))
    assert sum(chances) == pytest.approx(1)
    assert [chance > 0 for chance in chances] == [some > 0 for some in left]


def test_ties_are_asked_for_less_and_not_too_little() -> None:
    """Answers that hardly differ come less often, but never less than half as often."""
    sizes = [100] * 4 + [0]
    chances = kind_chances(sizes, sizes, decisive_shares([50] * 4 + [0], [1, 20, 40, 49, 0]))
    boosts = [4 * chance for chance in chances[:4]]
    assert boosts == sorted(boosts)
    assert boosts[0] == pytest.approx(0.5, abs=0.02)
    assert boosts[3] < 2
    even = kind_chances(sizes, sizes, decisive_shares([5000] * 4 + [0], [3000] * 4 + [0]))
    assert even[:4] == pytest.approx([0.25] * 4, abs=0.001)


@given(st.dictionaries(st.text(min_size=1, max_size=2), st.floats(0, 5), max_size=40))
def test_kinds_are_quarters(apart: dict[str, float]) -> None:
    """A prompt whose answers differ more is of no lower kind; what is not known is a kind of its own."""
    kinds = kinds_of([*apart, "not measured"], apart)
    assert kinds["not measured"] == UNKNOWN
    ordered = [kinds[prompt_id] for prompt_id in sorted(apart, key=apart.__getitem__)]
    assert ordered == sorted(ordered)
    assert all(kind < UNKNOWN for kind in ordered)


def small_outlook() -> Outlook:
    """One pair, twelve prompts: two had, two more read by others, two not measured."""
    pool = pool_of(12, [("a", "b")])
    apart = {f"p{number}": float(number) for number in range(10)}
    read = {f"p{number}": number % 3 > 0 for number in (0, 4, 6, 11)}
    return Outlook(
        open=Openings(pool, [one for one in pool.ready if one.prompt_id in ("p0", "p6")]),
        had=[one for one in pool.ready if one.prompt_id in ("p0", "p6")],
        tallies=lambda: {("a", "b"): Tally(2, 2, False, read)},
        differing=lambda pair: apart,
    )


def test_the_boost_is_how_often_a_kind_comes() -> None:
    """What a vote is weighed by is the true ratio: counted over 8,000 draws."""
    outlook, rng = small_outlook(), random.Random(5)
    kinds = kinds_of([f"p{number}" for number in range(12)], outlook.differing(("a", "b")))
    sizes = Counter(kinds.values())
    drawn: Counter[int] = Counter()
    boosts: dict[int, set[float]] = {}
    for _ in range(8_000):
        choice = informative(outlook, rng)
        assert choice is not None
        kind = kinds[choice.combination.prompt_id]
        drawn[kind] += 1
        boosts.setdefault(kind, set()).add(choice.boost)
    for kind, count in drawn.items():
        [boost] = boosts[kind]
        assert count / 8_000 * 12 / sizes[kind] == pytest.approx(boost, abs=0.06)


def test_inside_a_kind_all_are_alike() -> None:
    """Of prompts that nobody has read, none of a kind is preferred: on that the weights rest."""
    pool = pool_of(8, [("a", "b")])
    apart = {f"p{number}": float(number) for number in range(8)}
    outlook = Outlook(open=Openings(pool), had=[], differing=lambda pair: apart)
    rng = random.Random(6)
    draws = (informative(outlook, rng) for _ in range(8000))
    counts = Counter(choice.combination.prompt_id for choice in draws if choice)
    for number in range(0, 8, 2):
        assert counts[f"p{number}"] == pytest.approx(counts[f"p{number + 1}"], rel=0.15)


def asked_in_turn(
    apart: Mapping[str, float], won: Mapping[str, int], rng: random.Random
) -> list[tuple[int, float]]:
    """Ask all prompts of a pair as `informative` does, and return what was said and its weight."""
    pool = pool_of(len(won), [("a", "b")])
    had: list[Combination] = []
    read: dict[str, bool] = {}
    said: list[tuple[int, float]] = []
    while True:
        outlook = Outlook(
            open=Openings(pool, had),
            had=had,
            tallies=lambda: {("a", "b"): Tally(0, 0, False, read)},
            differing=lambda pair: apart,
        )
        choice = informative(outlook, rng)
        if choice is None:
            return said
        prompt_id = choice.combination.prompt_id
        had.append(choice.combination)
        read[prompt_id] = won[prompt_id] != 0
        said.append((won[prompt_id], 1 / choice.boost))


def test_the_preference_for_some_prompts_leaves_no_bias() -> None:
    """Early preference is made good by the weights, after a third of the prompts and after all of them.

    Here the first contestant wins where answers differ and loses where they hardly do, with many ties there:
    after a third of the prompts it would look 4 points better than it is, without weights.
    """
    rng = random.Random(7)
    apart = {f"p{number}": number / 10 for number in range(60)}
    won = {
        f"p{number}": 1 if number >= 30 and number % 6 else -1 if number % 5 == 0 or number >= 30 else 0
        for number in range(60)
    }
    truth = sum(won.values()) / 60
    courses = [asked_in_turn(apart, won, rng) for _ in range(150)]
    for votes, plain_is_off in ((20, 0.025), (60, 0.0)):
        weighted = [sum(y * w for y, w in islice(one, votes)) / votes for one in courses]
        plain = [sum(y for y, _ in islice(one, votes)) / votes for one in courses]
        assert sum(weighted) / len(courses) == pytest.approx(truth, abs=0.035)
        assert sum(plain) / len(courses) - truth >= plain_is_off - 1e-9


def test_tallies_count_what_scores_count(filled: Store) -> None:
    """What draws go by: people's votes, prompts once; a vote taken back is gone."""
    arena = Arena(filled, labeler="ana", contestants=["base", "sft-1"], rng=random.Random(2))
    ids = {row.name: row.id for row in filled.contestants()}
    pair = (min(ids["base"], ids["sft-1"]), max(ids["base"], ids["sft-1"]))
    for outcome in ("left", "tie", "right", "both_bad"):
        battle = arena.next()
        assert battle is not None
        arena.vote(battle.id, outcome, elapsed_ms=1)
    tally = tallies(filled)[pair]
    assert tally.wins + tally.losses == 2
    assert sorted(tally.read.values()) == [False, False, True, True]
    arena.undo()
    assert len(tallies(filled)[pair].read) == 3


def test_differing_is_the_same_from_both_sides(filled: Store) -> None:
    """How much two answers differ: four numbers, per token, and zero for what both find equally likely."""
    ids = {row.name: row.id for row in filled.contestants()}
    pair = (min(ids["base"], ids["sft-1"]), max(ids["base"], ids["sft-1"]))
    first, second = filled.prompt_ids()[:2]
    assert differing(filled, pair) == {}
    answers = {key: answer_id for key, (answer_id, _) in filled.first_answers().items()}
    with filled.transaction() as connection:
        for prompt, gap in ((first, 6.0), (second, 0.0)):
            for author in pair:
                for reader in pair:
                    connection.execute(
                        "INSERT INTO answer_logprobs VALUES (?, ?, ?, 4, 'now')",
                        (answers[prompt, author], reader, -8.0 - (gap if author != reader else 0.0)),
                    )
    assert differing(filled, pair) == {first: 3.0, second: 0.0}
    assert differing(filled, pair[::-1]) == {first: 3.0, second: 0.0}


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_an_arena_by_informative_draws(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """With the setting `sampler=informative` I get every battle once, and boosts are kept with them."""
    with Store.open(tmp_path_factory.mktemp("arena") / "arena.db") as store:
        fill(store, ["base", "sft-1", "dpo-1"], [f"Question {number}?" for number in range(5)])
        write_settings(store, {"sampler": "informative"})
        arena = Arena(store, labeler="ana", rng=random.Random(seed))
        while (battle := arena.next()) is not None:
            arena.vote(battle.id, "left", elapsed_ms=1)
        battles = store.rows("SELECT prompt_id, min(left_id, right_id), max(left_id, right_id) FROM battles")
        assert len(battles) == len(set(battles)) == 15
        assert {weight for *_, weight in store.standing_votes()} <= {1.0}  # nothing is measured: one kind
