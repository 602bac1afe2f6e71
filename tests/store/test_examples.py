"""Which votes become examples to train on, whoever sat on the left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.store import Outcome, Selection, Store
from ftarena.store.example_files import filters_of
from ftarena.store.holding_out import split_by_prompt
from ftarena.store.kto import kto_examples
from ftarena.store.preferences import PairFilter, PreferencePair, preference_pairs

MIRRORED: dict[Outcome, Outcome] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


def cast(
    store: Store,
    outcome: Outcome,
    *,
    prompt: str = "why?",
    texts: tuple[str, str] = ("plain", "better"),
    names: tuple[str, str] = ("base", "sft"),
    labeler: str = "ana",
    kind: str = "human",
    **battle: object,
) -> tuple[str, str]:
    """Cast one vote on a battle of its own; return battle and vote."""
    [prompt_id] = store.add_prompts([([("user", prompt)], None)], "heldout")
    sides = []
    for name, text in zip(names, texts, strict=True):
        row = store.add_contestant(name, contestant_id=f"{name:_>16}", spec_json="{}", kind="base")
        sides.append((row.id, store.add_answer(row.id, prompt_id, text)))
    battle_id = store.ballots.add_battle(
        labeler,
        prompt_id=prompt_id,
        left=sides[0],
        right=sides[1],
        kind=kind,  # type: ignore[arg-type]  # one of the two
        **battle,  # type: ignore[arg-type]  # names of arguments
    )
    return battle_id, store.ballots.add_event(battle_id, labeler, "vote", outcome=outcome, elapsed_ms=900)


def chosen(store: Store, **asked: object) -> list[str]:
    """The chosen texts of the pairs that are asked for."""
    which = PairFilter(Selection(**asked))  # type: ignore[arg-type]  # names of fields
    return [pair.chosen for pair in preference_pairs(store, which)[0]]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["left", "right", "tie", "both_bad"]),
            st.sampled_from([("x", "y"), ("y", "z"), ("z", "x"), ("x", "x")]),
            st.sampled_from(["why?", "how?"]),
            st.sampled_from(["ana", "bo", "cy"]),
        ),
        max_size=12,
    )
)
def test_the_sides_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, votes: list[tuple[Outcome, tuple[str, str], str, str]]
) -> None:
    """With the sides of every battle swapped, the pairs and the labelled answers are the same."""
    folder = tmp_path_factory.mktemp("mirror")
    found = []
    for name, swap in (("one.db", False), ("other.db", True)):
        with Store.open(folder / name) as store:
            for outcome, texts, prompt, labeler in votes:
                cast(
                    store,
                    MIRRORED[outcome] if swap else outcome,
                    texts=texts[::-1] if swap else texts,
                    names=("sft", "base") if swap else ("base", "sft"),
                    prompt=prompt,
                    labeler=labeler,
                )
            which = PairFilter(agreement=0.6)
            pairs, paired = preference_pairs(store, which)
            answers, labelled = kto_examples(store, which)
            found.append(
                (
                    [pair._replace(vote_ids=()) for pair in pairs],
                    [answer._replace(vote_ids=()) for answer in answers],
                    paired,
                    labelled,
                )
            )
            for report in (paired, labelled):
                assert report.votes == len(votes)
            texts_of = {(pair.prompt_id, *sorted((pair.chosen, pair.rejected))) for pair in pairs}
            assert len(texts_of) == len(pairs)
            assert all(pair.votes > pair.against and pair.chosen != pair.rejected for pair in pairs)
            assert len({(answer.prompt_id, answer.completion) for answer in answers}) == len(answers)
    assert found[0] == found[1]


def test_what_no_verdict_rests_on_is_not_trained_on(store: Store) -> None:
    """A leak, a repeat and a judge's vote make no pair, and each is counted for what it is."""
    first, _ = cast(store, "right", texts=("a", "b"))
    cast(store, "left", texts=("b", "a"), names=("sft", "base"), repeat_of=first)
    cast(store, "right", prompt="how?", texts=("I am base", "b2"), leaked="base")
    cast(store, "right", prompt="when?", texts=("a3", "b3"), labeler="judge:big", kind="judge")
    pairs, report = preference_pairs(store)
    assert [pair.chosen for pair in pairs] == ["b"]
    counts = report.votes, report.repeated, report.leaked, report.not_selected
    assert counts == (4, 1, 1, 1)
    assert chosen(store, leaked=True) == ["b", "b2"]
    assert chosen(store, voters="judges") == ["b3"]
    _, labelled = kto_examples(store)
    assert (labelled.good, labelled.bad, labelled.repeated, labelled.leaked) == (1, 1, 1, 1)


def test_a_criterion_decides_instead(store: Store) -> None:
    """Asked for by a criterion, pairs follow it, and votes without it are left out."""
    _, event = cast(store, "left")
    store.ballots.add_detail(event, "correct", outcome="right")
    cast(store, "left", prompt="how?")
    assert chosen(store) == ["plain", "plain"]
    assert chosen(store, criterion="correct") == ["better"]


def test_one_category(store: Store) -> None:
    """Only prompts of a category, where it is asked for."""
    cast(store, "left")
    cast(store, "right", prompt="how?")
    [_, how] = store.prompts()
    with store.transaction() as connection:
        connection.execute("INSERT INTO prompt_categories VALUES (?, 'code', '2026')", (how.id,))
    assert chosen(store, categories=["code"]) == ["better"]


def test_ties_count_against_agreement(store: Store) -> None:
    """Two of three for one answer and a tie is an agreement of two thirds, not of all."""
    for outcome, labeler in (("right", "ana"), ("right", "bo"), ("tie", "cy")):
        cast(store, outcome, labeler=labeler)  # type: ignore[arg-type]  # one of the four
    [pair], _ = preference_pairs(store, PairFilter(agreement=0.6))
    assert (pair.votes, pair.against, pair.neither, len(pair.vote_ids)) == (2, 0, 1, 2)
    pairs, report = preference_pairs(store, PairFilter(agreement=0.7))
    assert (pairs, report.low_agreement) == ([], 1)
    pairs, report = preference_pairs(store, PairFilter(margin=3))
    assert (pairs, report.low_margin) == ([], 1)


def test_both_bad_teaches_kto_that_both_are_bad(store: Store) -> None:
    """A tie says nothing to KTO, both bad says false twice, and one can be outvoted."""
    cast(store, "tie", prompt="how?")
    cast(store, "both_bad")
    cast(store, "right", labeler="bo")
    cast(store, "right", labeler="cy")
    examples, report = kto_examples(store)
    assert [(one.completion, one.label, one.votes, one.against) for one in examples] == [
        ("better", True, 2, 1),
        ("plain", False, 3, 0),
    ]
    assert (report.ties, report.good, report.bad, report.labelers) == (1, 1, 1, 3)


@given(
    st.lists(st.sampled_from([f"prompt {number}" for number in range(30)]), max_size=40),
    st.floats(0, 0.99),
    st.integers(0, 3),
)
def test_no_prompt_is_in_both_parts(prompts: list[str], share: float, seed: int) -> None:
    """Nothing is lost, no prompt is in both parts, and one that was held out stays so with more votes."""
    pairs = [PreferencePair((), "a", "b", 1, prompt_id=prompt) for prompt in prompts]
    train, held = split_by_prompt(pairs, share, seed)
    assert len(train) + len(held) == len(pairs)
    assert not {pair.prompt_id for pair in train} & {pair.prompt_id for pair in held}
    if share and len(set(prompts)) > 1:
        assert train and held
    more = [PreferencePair((), "a", "b", 1, prompt_id=f"new {number}") for number in range(200)]
    _, later = split_by_prompt(pairs + more, share, seed)
    if len({pair.prompt_id for pair in held}) > 1:  # a single one may have been picked lest there be none
        assert {pair.prompt_id for pair in held} <= {pair.prompt_id for pair in later}


def test_about_the_share_asked_for_is_held_out() -> None:
    """A tenth of 1,000 prompts is about a hundred."""
    pairs = [PreferencePair((), "a", "b", 1, prompt_id=f"prompt {number}") for number in range(1000)]
    assert 70 <= len(split_by_prompt(pairs, 0.1)[1]) <= 130
    with pytest.raises(FtarenaError, match="cannot be held out"):
        split_by_prompt(pairs, 1.0)


def test_filters_are_written_the_same_in_any_order() -> None:
    """The manifest does not depend on the order in which names were given."""
    one, other = (
        filters_of(PairFilter(Selection(labelers=names, contestants=set(names)), agreement=0.7))
        for names in (["ana", "bo"], ["bo", "ana"])
    )
    assert one == other
    assert one["labelers"] == ["ana", "bo"]
