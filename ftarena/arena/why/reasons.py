"""What judges gave as their reasons: the words that tell them apart, and three as they were written."""

from collections.abc import Iterator
from dataclasses import replace

from ftarena.arena.why.reading import Material
from ftarena.arena.why.report import ReasonWords
from ftarena.arena.why.wording import telling_words, words_in
from ftarena.store import Selection, Store
from ftarena.store.selection import FROM, conditions

_QUOTES = 3


def judges_reasons(store: Store, material: Material, selection: Selection) -> tuple[ReasonWords, ...]:
    """Return what each judge said of the votes it cast on the two, seen from the one that sorts first.

    Args:
        store: The arena.
        material: Whose votes.
        selection: Which; it is asked of judges whoever is meant in it.
    """
    said: dict[str, tuple[list[str], list[str]]] = {}
    asked = replace(
        selection,
        voters="judges",
        criterion=None,
        labelers=selection.labelers if selection.voters == "judges" else None,
    )
    for judge, for_first, reason in _reasons(store, material, asked):
        said.setdefault(judge, ([], []))[0 if for_first else 1].append(reason)
    found = []
    for judge, (first, second) in sorted(said.items()):
        sides = [words_in(text) for text in first], [words_in(text) for text in second]
        words = tuple(word for word in telling_words(*sides) if len(word.word) > 1)  # "A" and "B" are places
        weight = {word.word: abs(word.z) for word in words}
        every = {text: sum(weight.get(word, 0.0) for word in words_in(text)) for text in (*first, *second)}
        quotes = sorted(every, key=lambda text: (-every[text], text))[:_QUOTES]
        found.append(ReasonWords(judge, (len(first), len(second)), words, tuple(quotes)))
    return tuple(found)


def _reasons(store: Store, material: Material, asked: Selection) -> Iterator[tuple[str, bool, str]]:
    where, values = conditions(asked)
    sql = (
        f"SELECT w.name, l.name, v.outcome, c.text {FROM} JOIN labelers w ON w.id = v.labeler_id"
        " JOIN contestants l ON l.id = b.left_id JOIN contestants r ON r.id = b.right_id"
        " JOIN ballot_events c ON c.battle_id = b.id AND c.labeler_id = v.labeler_id AND c.kind = 'comment'"
        f" WHERE {where} AND v.outcome IN ('left', 'right') AND l.name IN (?, ?) AND r.name IN (?, ?)"
        " ORDER BY c.created_at, c.id"
    )
    names = (material.first, material.second)
    for judge, left, outcome, reason in store.rows(sql, (*values, *names, *names)):
        yield judge, (left == material.first) == (outcome == "left"), reason
