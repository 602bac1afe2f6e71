"""How people vote, from a real store."""

import random

from ftarena.arena.standings.labelers import labeler_reports
from ftarena.arena.standings.scoreboard import Asked, standing
from ftarena.store import Selection, Store


def vote(
    store: Store,
    who: str,
    prompt: str,
    *,
    turned: bool,
    outcome: str,
    ms: int | None,
    repeat_of: str | None = None,
) -> str:
    """Cast one vote on base against sft-1, and return its battle."""
    rows, answers = {row.name: row.id for row in store.contestants()}, store.first_answers()
    sides = [(rows[name], answers[prompt, rows[name]][0]) for name in ("base", "sft-1")]
    if turned:
        sides.reverse()
    battle = store.ballots.add_battle(
        who, prompt_id=prompt, left=sides[0], right=sides[1], repeat_of=repeat_of
    )
    store.ballots.add_event(battle, who, "vote", outcome=outcome, elapsed_ms=ms)  # type: ignore[arg-type]
    return battle


def crowd(store: Store) -> None:
    """Three honest labelers and one who presses left at once, on forty prompts."""
    chance = random.Random(4)
    rows = {row.name: row.id for row in store.contestants()}
    prompts = store.add_prompts([([("user", f"number {place}?")], None) for place in range(40)], "own")
    for prompt in prompts:
        for name in ("base", "sft-1"):
            store.add_answer(rows[name], prompt, f"{name} says {prompt} " * 10)
    for prompt in prompts:
        sft_better = chance.random() < 0.6
        for who in ("ana", "bo", "cy"):
            turned = chance.random() < 0.5
            outcome = "left" if sft_better == turned else "right"
            vote(store, who, prompt, turned=turned, outcome=outcome, ms=chance.randrange(6000, 30000))
        vote(store, "clicker", prompt, turned=chance.random() < 0.5, outcome="left", ms=300)


def test_a_clicker_is_told_and_kept(filled: Store) -> None:
    """Whoever clicks through is told in words with numbers, and still counts until I leave them out."""
    crowd(filled)
    reports = {report.name: report for report in labeler_reports(filled)}
    assert list(reports) == ["ana", "bo", "clicker", "cy"]
    for name in ("ana", "bo", "cy"):
        assert reports[name].flags == (), reports[name]
        assert reports[name].median_s is not None and reports[name].median_s > 5
    told = reports["clicker"]
    assert [words.split(":")[0] for words in told.flags] == ["speed-clicking", "always left", "outlier"]
    assert (told.left_share, told.median_s, told.ties, told.n_shared) == (1.0, 0.3, 0.0, 40)
    assert standing(filled).report.votes == 160
    without = Asked(Selection(labelers=("ana", "bo", "cy")))
    assert standing(filled, without).report.votes == 120
    assert len(labeler_reports(filled, without.selection)) == 3


def test_agreement_with_oneself(filled: Store) -> None:
    """A repeated battle with the sides swapped counts as the same when the same answer is chosen again."""
    for place, prompt in enumerate(filled.prompt_ids()[:4]):
        first = vote(filled, "ana", prompt, turned=False, outcome="left", ms=5000)
        again = "right" if place < 3 else "left"
        vote(filled, "ana", prompt, turned=True, outcome=again, ms=4000, repeat_of=first)
    filled.ballots.add_event(first, "ana", "comment", text="hard")
    [report] = labeler_reports(filled)
    assert (report.votes, report.n_repeats, report.self_agreement) == (4, 4, 0.75)
    assert report.median_s == 5.0
    assert report.agreement_with_others is None
    assert report.flags == ()


def test_nobody_has_voted(store: Store) -> None:
    """Without votes there is nobody to report on."""
    assert labeler_reports(store) == []


def test_skips_are_counted(filled: Store) -> None:
    """Skips that stand are counted beside the votes."""
    prompt = filled.prompt_ids()[0]
    vote(filled, "ana", prompt, turned=False, outcome="tie", ms=None)
    rows, answers = {row.name: row.id for row in filled.contestants()}, filled.first_answers()
    sides = [(rows[name], answers[prompt, rows[name]][0]) for name in ("base", "dpo-1")]
    battle = filled.ballots.add_battle("ana", prompt_id=prompt, left=sides[0], right=sides[1])
    filled.ballots.add_event(battle, "ana", "skip", text="too long")
    [report] = labeler_reports(filled)
    assert (report.votes, report.skipped, report.ties, report.left_share, report.median_s) == (
        1,
        1,
        1.0,
        None,
        None,
    )
