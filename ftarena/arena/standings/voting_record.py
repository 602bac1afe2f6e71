"""The votes that are meant, as the statistics take them: columns from the store, chosen and coded.

A vote is coded by what was voted and when, never by where its row lies: two databases with the same votes
give the same columns, in whatever order they were written or merged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
import numpy.typing as npt

from ftarena.scoring.coding import CodedVotes, Ints
from ftarena.store import Selection, Store
from ftarena.store.file_votes import LEAST_WEIGHT, MOST_WEIGHT
from ftarena.store.ledger import LEAKED, NOT_BLIND, REPEAT, Ledger, read_ledger

Which = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class VotingRecord:
    """The votes that are meant, and what was left out."""

    coded: CodedVotes
    """The votes that count, in the order in which they were cast."""

    ledger: Ledger
    """The same votes, with row numbers of the store."""

    not_blind: int
    """Votes left out because the names were known."""

    leaked: int
    """Votes left out because an answer gave itself away."""

    repeats: int
    """Votes left out because the battle was shown before with the sides swapped."""

    trained: int
    """Votes on prompts that either contestant's run was trained on, whether they count or not."""


def voting_record(store: Store, selection: Selection) -> VotingRecord:
    """Read the votes that are meant.

    Args:
        store: The arena.
        selection: Which votes.

    Returns:
        The votes, and what was left out.

    Raises:
        FtarenaError: The database cannot be read.
    """
    ledger = read_ledger(store, selection)
    kind = "human" if selection.voters == "people" else "judge"
    labelers = {
        row: name
        for row, name, is_a in store.rows("SELECT rowid, name, kind FROM labelers")
        if is_a == kind and (selection.labelers is None or name in selection.labelers)
    }
    contestants = {
        row: name
        for row, name, hidden in store.rows("SELECT rowid, name, hidden FROM contestants")
        if (selection.include_hidden or not hidden)
        and (selection.contestants is None or name in selection.contestants)
    }
    meant = _among(ledger.labeler, labelers) & _among(ledger.left, contestants)
    meant &= _among(ledger.right, contestants)
    if selection.categories is not None:
        marks = ", ".join("?" * len(selection.categories))
        found = store.rows(
            "SELECT DISTINCT p.rowid FROM prompt_categories c JOIN prompts p ON p.id = c.prompt_id"
            f" WHERE c.category IN ({marks})",
            sorted(selection.categories),
        )
        meant &= _among(ledger.prompt, [row for (row,) in found])
    repeats = meant & (ledger.flags & REPEAT > 0)
    meant &= ~repeats
    not_blind = meant & (ledger.flags & NOT_BLIND > 0)
    meant &= ~not_blind
    leaked = meant & (ledger.flags & LEAKED > 0)
    if not selection.leaked:
        meant &= ~leaked
    trained = meant & _trained(store, ledger)
    if not selection.trained:
        meant &= ~trained
    chosen = ledger if meant.all() else ledger.take(meant)
    return VotingRecord(
        coded=_coded(store, chosen, labelers, contestants),
        ledger=chosen,
        not_blind=_count(not_blind),
        leaked=0 if selection.leaked else _count(leaked),
        repeats=_count(repeats),
        trained=_count(trained),
    )


def judges_of(selection: Selection) -> Selection:
    """The same question to judges: of all of them, on the same votes otherwise."""
    return replace(selection, voters="judges", labelers=None)


class PromptIds(Sequence[str]):
    """Ids of prompts by code, looked up in the store when they are first asked for: 300,000 take 0.3 s and
    are seldom needed."""

    def __init__(self, store: Store, rows: Ints) -> None:
        self._store = store
        self._rows = rows
        self._ids: list[str] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self._known()[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def _known(self) -> list[str]:
        if self._ids is None:
            names = dict(self._store.rows("SELECT rowid, id FROM prompts"))
            if (self._rows < 0).any():  # imported votes that name no prompt: each is one of its own
                names |= {-row: name for row, name in self._store.rows(_PROMPTLESS)}
            self._ids = [names[row] for row in self._rows.tolist()]
        return self._ids


_PROMPTLESS = "SELECT rowid, id FROM battles WHERE prompt_id IS NULL"


def _coded(store: Store, ledger: Ledger, labelers: dict[int, str], contestants: dict[int, str]) -> CodedVotes:
    if len(ledger) == 0:
        none = np.zeros(0, dtype=np.int64)
        return CodedVotes((), none, none, none, none, none, (), ())
    present = np.flatnonzero(np.bincount(ledger.left) > 0), np.flatnonzero(np.bincount(ledger.right) > 0)
    by_name = sorted(np.union1d(*present).tolist(), key=contestants.__getitem__)
    code = np.zeros(max(by_name) + 1, dtype=np.int64)
    code[by_name] = np.arange(len(by_name))
    prompt, prompt_rows = _by_first_appearance(ledger.prompt)
    labeler, labeler_rows = _by_first_appearance(ledger.labeler)
    return CodedVotes(
        names=tuple(contestants[row] for row in by_name),
        left=code[ledger.left],
        right=code[ledger.right],
        outcome=ledger.outcome,
        prompt=prompt,
        labeler=labeler,
        prompts=PromptIds(store, prompt_rows),
        labelers=tuple(labelers[row] for row in labeler_rows.tolist()),
        weight=None
        if bool((ledger.boost == 1).all())
        else 1 / np.clip(ledger.boost, LEAST_WEIGHT, MOST_WEIGHT),
    )


def _by_first_appearance(rows: Ints) -> tuple[Ints, Ints]:
    """(n,) codes by first appearance, and the row number of every code. Without a sort: 0.02 s a million."""
    lowest = int(rows.min())
    shifted = rows - lowest
    first = np.full(int(shifted.max()) + 1, -1, dtype=np.int64)
    first[shifted[::-1]] = np.arange(len(rows) - 1, -1, -1)  # the last one written is the first one seen
    starts = np.zeros(len(rows), dtype=np.int64)
    starts[first[first >= 0]] = 1
    number = np.cumsum(starts) - 1
    return number[first[shifted]], rows[starts > 0]


def _among(values: Ints, wanted: Sequence[int] | dict[int, str]) -> Which:
    """(n,) bool, by a table instead of a search."""
    table = np.zeros(max((*wanted, int(values.max(initial=0)), 0)) + 1, dtype=np.bool_)
    table[list(wanted)] = True
    return np.asarray(table[np.maximum(values, 0)])


def _trained(store: Store, ledger: Ledger) -> Which:
    found = store.rows(
        "SELECT p.rowid, c.rowid FROM trained_prompts t JOIN prompts p ON p.id = t.prompt_id"
        " JOIN contestants c ON c.run_id = t.run_id"
    )
    if not found:
        return np.zeros(len(ledger), dtype=np.bool_)
    pairs = np.array(found, dtype=np.int64)
    width = int(max(ledger.left.max(initial=0), ledger.right.max(initial=0), pairs[:, 1].max())) + 1
    known = pairs[:, 0] * width + pairs[:, 1]
    return np.asarray(
        np.isin(ledger.prompt * width + ledger.left, known)
        | np.isin(ledger.prompt * width + ledger.right, known)
    )


def _count(which: Which) -> int:
    return int(np.count_nonzero(which))
