"""Why they differ: features against votes, words, slices, and the battles that show it."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftarena.arena import add_contestant
from ftarena.arena.why import FeatureFinding, WhyReport, why
from ftarena.arena.why.features import FEATURES, Answered, Question, measured
from ftarena.arena.why.many import standing_findings, student_p, wilson_of
from ftarena.arena.why.overlap import rouge_l, same, token_f1
from ftarena.arena.why.wording import telling_words, words_in
from ftarena.errors import FtarenaError
from ftarena.store import Outcome, Selection, Store

from .conftest import contestant

NAMES = ("new", "old")


def vote_on(
    store: Store,
    texts: list[tuple[str, str]],
    outcome: Callable[[int], Outcome],
    names: tuple[str, str] = NAMES,
    questions: list[str] | None = None,
    labeler: str = "ana",
    reference: str | None = None,
) -> list[str]:
    """Let two contestants answer, and vote as told: `left` is for the first one, whoever stands there."""
    with store.transaction():
        return _vote_on(store, texts, outcome, names, questions, labeler, reference)


def _vote_on(
    store: Store,
    texts: list[tuple[str, str]],
    outcome: Callable[[int], Outcome],
    names: tuple[str, str],
    questions: list[str] | None,
    labeler: str,
    reference: str | None,
) -> list[str]:
    rows = [add_contestant(store, name, contestant(number)) for number, name in enumerate(names)]
    asked = questions or [f"Question number {place}?" for place in range(len(texts))]
    prompts = store.add_prompts([([("user", text)], reference) for text in asked], "heldout")
    battles = []
    for place, (prompt_id, pair) in enumerate(zip(prompts, texts, strict=True)):
        sides = [
            (row.id, store.add_answer(row.id, prompt_id, text, n_tokens=len(text.split())))
            for row, text in zip(rows, pair, strict=True)
        ]
        said = outcome(place)
        if place % 2:
            sides.reverse()
            said = {"left": "right", "right": "left"}.get(said, said)  # type: ignore[assignment]  # an outcome
        battle = store.ballots.add_battle(labeler, prompt_id=prompt_id, left=sides[0], right=sides[1])
        store.ballots.add_event(battle, labeler, "vote", outcome=said, elapsed_ms=900, names_shown="never")
        battles.append(battle)
    return battles


def shorter_wins(store: Store, names: tuple[str, str] = NAMES, seed: int = 3) -> list[str]:
    """Sixty prompts; the first contestant is usually shorter, and the shorter answer is liked nine times in
    ten."""
    rng = random.Random(seed)
    texts, said = [], []
    for _ in range(60):
        lengths = sorted(rng.sample(range(4, 40), 2), reverse=rng.random() < 0.25)
        texts.append(tuple(" ".join(rng.choices(["cat", "dog", "sea", "sun"], k=n)) for n in lengths))
        short_first = lengths[0] < lengths[1]
        said.append("left" if short_first == (rng.random() < 0.9) else "right")
    return vote_on(store, texts, lambda place: said[place], names)  # type: ignore[arg-type, return-value]


def feature(report: WhyReport, key: str) -> FeatureFinding:
    return next(found for found in report.features if found.key == key)


def test_length_explains_the_votes(store: Store) -> None:
    """My labeler likes short answers: I see that the new model writes less, and that this is why it wins."""
    battles = shorter_wins(store)
    report = why(store, "new", "old")
    words = feature(report, "words")
    assert words.one < words.other and words.differs
    assert words.counts and words.alone.value < 0 and words.alone.high < 0
    assert report.score is not None and report.score.value > 0.6
    assert abs(words.held_equal - 0.5) < abs(report.score.value - 0.5)
    assert report.features[0].counts and report.votes == 60 and report.prompts == 60
    assert words.battles and set(words.battles) <= set(battles)
    assert not feature(report, "words").jointly.value > 0 or feature(report, "tokens").jointly.value < 0


def test_the_battles_show_it(store: Store) -> None:
    """The battles behind a feature are those where it was largest and was voted accordingly."""
    shorter_wins(store)
    for battle_id in feature(why(store, "new", "old"), "words").battles:
        battle = store.ballots.battle(battle_id)
        ballot = store.ballots.standing(battle_id, "ana")
        assert battle is not None and ballot is not None
        left, right = (store.answer(each or "") for each in (battle.left_answer_id, battle.right_answer_id))
        assert left is not None and right is not None
        assert (len(left.text) < len(right.text)) == (ballot.outcome == "left")


def test_swapping_the_names_mirrors_everything(store: Store) -> None:
    """Seen from the other side every number is turned, to the last digit."""
    shorter_wins(store)
    report = why(store, "new", "old")
    assert why(store, "old", "new") == report.mirrored()
    assert report.mirrored().words == why(store, "old", "new").words
    assert report.one == "new" and report.mirrored().one == "old"


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_new_names_change_nothing(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who is called what, and so who comes first in the alphabet, moves no number."""
    folder = tmp_path_factory.mktemp("mirror")
    reports = []
    for number, names in enumerate((("a", "z"), ("z", "a"))):
        with Store.open(folder / f"{number}.db") as store:
            shorter_wins(store, names, seed)
            reports.append(why(store, *names))
    one, other = reports
    assert one.score is not None and other.score is not None
    assert one.score == pytest.approx(other.score)
    by_key = {found.key: found for found in other.features}
    for found in one.features:
        twin = by_key[found.key]
        assert (found.differs, found.counts, found.votes) == (twin.differs, twin.counts, twin.votes)
        assert found.difference == pytest.approx(twin.difference)
        assert found.battles and len(found.battles) == len(twin.battles)
        if found.alone is not None:
            assert found.alone == pytest.approx(twin.alone, abs=1e-6)
            assert found.held_equal == pytest.approx(twin.held_equal, abs=1e-6)


def test_random_votes_are_explained_by_nothing(store: Store) -> None:
    """Where votes are a coin, nothing is said to count."""
    rng = random.Random(5)
    texts = [
        tuple(" ".join(rng.choices(["cat", "dog", "- x\n", "**b**"], k=rng.randint(2, 30))) for _ in range(2))
        for _ in range(60)
    ]
    vote_on(store, texts, lambda _: rng.choice(["left", "right"]))  # type: ignore[arg-type, return-value]
    report = why(store, "new", "old")
    assert not any(found.counts for found in report.features)
    assert not any(part.turns for part in report.slices)
    assert not report.words


def test_the_verdict_turns_on_code(store: Store) -> None:
    """On questions with code the old one is better, elsewhere the new one: I am told where."""
    questions = [f"What does `cmd{n}` do here?" if n % 2 else f"Tell me fact {n} please." for n in range(60)]
    vote_on(
        store,
        [(f"one {n}", f"two {n}") for n in range(60)],
        lambda n: "right" if n % 2 else "left",
        questions=questions,
    )
    report = why(store, "new", "old")
    turning = {part.name: part for part in report.slices if part.turns}
    code = turning["with code"]
    assert code.score.high is not None and code.score.high < 0.5 and code.rest == 1.0
    assert "without code" not in {part.name for part in report.slices}  # it would say the same again
    assert report.slices[0].turns


def test_words_that_tell_them_apart(store: Store) -> None:
    """The new one says “certainly”, the old one “basically”: these are the words I am shown, once each."""
    vote_on(
        store,
        [(f"certainly certainly it is {n}", f"basically it is {n}") for n in range(30)],
        lambda n: "tie",
    )
    report = why(store, "new", "old")
    assert [(word.word, word.one, word.other) for word in report.words] == [
        ("certainly", 30, 0),
        ("basically", 0, 30),
    ]
    assert report.words[0].z == pytest.approx(-report.words[1].z)


def test_without_votes_it_still_says_how_they_differ(store: Store) -> None:
    """Answers are there, votes are not: I see how the answers differ, and no claim about votes."""
    rows = [add_contestant(store, name, contestant(number)) for number, name in enumerate(NAMES)]
    for place in range(12):
        [prompt_id] = store.add_prompts([([("user", f"What is number {place}?")], None)], "general")
        store.add_answer(rows[0].id, prompt_id, "- one\n- two\n- three", n_tokens=6)
        store.add_answer(rows[1].id, prompt_id, "It is what it is.", n_tokens=6)
    report = why(store, "new", "old")
    assert report.votes == 0 and report.score is None and not report.slices
    assert feature(report, "lists").one == 3 and feature(report, "lists").differs
    assert feature(report, "lists").alone is None and not feature(report, "lists").counts


def test_a_clean_sweep_stays_finite(store: Store) -> None:
    """One side won every vote and always had the list: numbers stay numbers."""
    vote_on(store, [("- a\n- b", "a b")] * 1 + [(f"- a{n}\n- b", "a b") for n in range(20)], lambda _: "left")
    report = why(store, "new", "old")
    json.dumps(report.to_json(), allow_nan=False)
    assert report.score is not None and report.score.value > 0.9


def test_agreement_with_the_reference(store: Store) -> None:
    """Where the data set has an answer, I see whose answers agree with it."""
    vote_on(
        store,
        [("Rome.", f"It is city {n}") for n in range(20)],
        lambda _: "left",
        reference="Rome",
    )
    exact = feature(why(store, "new", "old"), "exact")
    assert exact.one == 1.0 and exact.other == 0.0 and exact.differs


def test_only_the_votes_that_are_meant(store: Store) -> None:
    """A selection of a labeler explains that labeler's votes."""
    shorter_wins(store)
    assert why(store, "new", "old", Selection(labelers=["nobody"])).votes == 0


def test_what_cannot_be_asked(store: Store) -> None:
    """Unknown names and a contestant against itself get one clear line."""
    shorter_wins(store)
    with pytest.raises(FtarenaError, match="no contestant 'nwe'"):
        why(store, "nwe", "old")
    with pytest.raises(FtarenaError, match="differ from itself"):
        why(store, "old", "old")


def shows(text: str, question: str = "What is it, please tell me?", reference: str | None = None) -> set[str]:
    """Return the features that an answer shows."""
    found = measured(Answered(text, None, None), Question(question, reference))
    return {key for key, value in found.items() if value} - {"words", "tokens"}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("- one\n- two", {"lists"}),
        ("1. one\n2) two", {"lists"}),
        ("# Title\nText", {"headers"}),
        ("It is **bold**.", {"bold"}),
        ("```sh\nls\n```", {"code_blocks"}),
        ("```sh\nls", {"code_blocks", "open_fence"}),
        ("Use `ls`.", {"inline_code"}),
        ("| a | b |\n|---|---|\n| 1 | 2 |", {"table"}),
        ("See [it](https://x.org).", {"links"}),
        ("I'm sorry, but I cannot help with that.", {"refuses", "apologises"}),
        ("It might be this.", {"hedges"}),
        ("Plain.", set()),
    ],
)
def test_features_of_a_text(text: str, keys: set[str]) -> None:
    """Each feature is seen where it is, and nowhere else."""
    assert shows(text) == keys


def test_features_of_question_and_answer() -> None:
    """Language, JSON and echoes are held against what was asked."""
    assert "repeats_question" in shows("What is the capital of Italy? Rome.", "What is the capital of Italy?")
    assert "bad_json" in shows("a: 1", "Answer in JSON.")
    assert "bad_json" not in shows('```json\n{"a": 1}\n```', "Answer in JSON.")
    english = "Please explain to me in some detail how the weather will be tomorrow."
    german = "Das Wetter wird morgen sehr schön und warm, mit viel Sonne und wenig Wind."
    assert "other_language" in shows(german, english)
    assert "other_language" not in shows(german, english + " Answer in German.")
    assert measured(Answered("x", None, "length"), Question("q", None))["cut_off"] == 1


def test_overlap() -> None:
    """F1 and ROUGE-L are what they are elsewhere."""
    assert same("Rome.", "rome")
    assert token_f1("the cat sat", "the cat ran fast") == pytest.approx(2 * 2 / 7)
    assert rouge_l("police killed the gunman", "police kill the gunman") == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", "police kill the gunman") == pytest.approx(0.5)
    assert token_f1("", "x") == 0.0 and rouge_l("", "") == 1.0


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_rouge_is_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    """The row of bits gives what the table gives."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    if one and other:
        want = 2 * table[-1][-1] / (len(one) + len(other))
        assert rouge_l(" ".join(one), " ".join(other)) == pytest.approx(want)


def test_critical_values() -> None:
    """p-values are those of the tables."""
    assert student_p(2.228, 10) == pytest.approx(0.05, abs=1e-4)
    assert student_p(12.706, 1) == pytest.approx(0.05, abs=1e-4)
    assert student_p(0.0, 7) == pytest.approx(1.0)
    assert student_p(1.96, 100_000) == pytest.approx(0.05, abs=1e-4)
    assert standing_findings([0.01, 0.04, None, 0.03, 0.5]) == [True, False, False, False, False]
    assert standing_findings([0.01, 0.02, 0.03]) == [True, True, True]
    assert wilson_of(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@given(
    st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=30),
    st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=30),
)
def test_words_mirror(ones: list[frozenset[str]], others: list[frozenset[str]]) -> None:
    """Swapping the two sides turns the sign and nothing else."""
    there = telling_words(ones, others)
    back = telling_words(others, ones)
    assert {(word.word, word.z, word.one) for word in there} == {
        (word.word, -word.z, word.other) for word in back
    }


def test_words_of_other_scripts() -> None:
    """Chinese has no spaces; pairs of signs stand for words."""
    assert words_in("我是学生") == {"我是", "是学", "学生"}
    assert words_in("It's a well-known fact.") == {"it's", "a", "well-known", "fact"}


def test_every_feature_has_a_name_of_its_own() -> None:
    """Keys are what programs read, labels what people read."""
    assert len({each.key for each in FEATURES}) == len({each.label for each in FEATURES}) == len(FEATURES)


def test_importing_costs_nothing(tmp_path: Path) -> None:
    """A screen may name the report without loading numpy."""
    import subprocess
    import sys

    code = "import sys; import ftarena.arena.why.report; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "False"
