"""From votes with texts to a report."""

from ftarena.arena.why.effects import findings, measure_all, score_of
from ftarena.arena.why.reading import read_material
from ftarena.arena.why.reasons import judges_reasons
from ftarena.arena.why.report import WhyReport
from ftarena.arena.why.slicing import slices
from ftarena.arena.why.wording import telling_words, words_in
from ftarena.store import Selection, Store


def why(store: Store, one: str, other: str, selection: Selection = Selection()) -> WhyReport:  # noqa: B008 (immutable)
    """Say how the answers of two contestants differ, and what of it explains the votes.

    Args:
        store: The arena.
        one: Name of a contestant; everything is seen from it.
        other: Name of another one.
        selection: Which votes; its contestants do not matter.

    Returns:
        The report. Without votes it still says how the answers differ.

    Raises:
        FtarenaError: A contestant is unknown, or both are the same.
    """
    material = read_material(store, one, other, selection)
    with_texts = [voted for voted in material.votes if voted.answers is not None]
    telling = [voted for voted in with_texts if voted.vote.outcome != "both_bad"]
    pairs = [pair for found in material.pairs.values() for pair in found]
    report = WhyReport(
        one=material.first,
        other=material.second,
        pairs=len(pairs),
        votes=len(telling),
        both_bad=len(with_texts) - len(telling),
        without_texts=len(material.votes) - len(with_texts),
        prompts=len({voted.vote.prompt for voted in with_texts}),
        score=score_of(telling),
        features=findings(material, telling, measure_all(material)),
        words=telling_words(
            [words_in(material.answers[first].text) for first, _ in pairs],
            [words_in(material.answers[second].text) for _, second in pairs],
        ),
        slices=slices(material, telling),
        judges=judges_reasons(store, material, selection),
    )
    # Computed one way round and then turned, so that a swap of names mirrors to the last digit.
    return report if one == material.first else report.mirrored()
