"""All votes that stand as columns of integers, for an arena of a million: read once, then kept beside it.

    ledger = read_ledger(store)      # 1,000,000 votes: seconds the first time, a tenth of one afterwards

Reading a million votes as Python rows costs seconds whatever the query. So the columns are kept in a file
beside the database (`arena.db-votes`, only for its owner, no texts and no names in it), together with what
tells whether it still fits: how far the append-only tables had grown, and the ids of their last rows. What
was voted since is read and appended. The file may be deleted at any time; where it cannot be written, all is
read anew. Small arenas have none.

Row numbers are of this file only: nothing that is shown may depend on their order.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ftarena.store.ballots import EVERYTHING
from ftarena.store.database import mended
from ftarena.store.rows import OUTCOMES
from ftarena.store.selection import Selection, outcome_of
from ftarena.store.store import Store

Ints = npt.NDArray[np.int64]

FORMAT: Final = 1
"""Of the kept file; another one is read anew."""

WORTH_KEEPING: Final = 20_000
"""Votes from which the columns are kept: fewer are read in a tenth of a second."""

NOT_BLIND, REPEAT, LEAKED = 1, 2, 4
"""Bits of `flags`."""

_COLUMNS = ("battle", "left", "right", "outcome", "labeler", "prompt", "flags")

_CODE = " ".join(f"WHEN '{name}' THEN {place}" for place, name in enumerate(OUTCOMES))

# CROSS JOIN keeps SQLite from walking a small table and looking a million votes up for each of its rows.
_READ = f"""
SELECT b.rowid, l.rowid, r.rowid, CASE v.outcome {_CODE} END, w.rowid, coalesce(p.rowid, -b.rowid),
       (NOT v.blind) * {NOT_BLIND} + (b.repeat_of IS NOT NULL) * {REPEAT} + (b.leaked IS NOT NULL) * {LEAKED},
       b.boost
FROM votes v CROSS JOIN battles b ON b.id = v.battle_id
CROSS JOIN contestants l ON l.id = b.left_id
CROSS JOIN contestants r ON r.id = b.right_id
CROSS JOIN labelers w ON w.id = v.labeler_id
LEFT JOIN prompts p ON p.id = b.prompt_id
"""

# What the view `votes` looks up for every vote (was it taken back, is there a later one, were names shown)
# matters only where a battle has more than one event, and those are few: 8 s instead of 14 for a million.
_CONTESTED = """
WITH contested AS MATERIALIZED (
    SELECT battle_id FROM ballot_events GROUP BY battle_id HAVING count(*) > 1
    UNION
    SELECT t.battle_id FROM ballot_events u JOIN ballot_events t ON t.id = u.target_id
    WHERE u.target_id IS NOT NULL)
"""

_EVERY_VOTE = """(
    SELECT id, battle_id, labeler_id, outcome, position, created_at, 1 AS blind FROM ballot_events
    WHERE kind = 'vote' AND battle_id NOT IN (SELECT battle_id FROM contested)
    UNION ALL
    SELECT id, battle_id, labeler_id, outcome, position, created_at, blind FROM votes
    WHERE battle_id IN (SELECT battle_id FROM contested)) v"""

_READ_EVERY = _CONTESTED + _READ.replace("votes v", _EVERY_VOTE)

_ORDER = " ORDER BY v.created_at, v.position, v.id"

_TOUCHED = " WHERE b.id IN (SELECT battle_id FROM ballot_events WHERE rowid > ?)"

_LAST = "SELECT created_at, position, id FROM votes v"


@dataclass(frozen=True)
class Ledger:
    """Columns, a row a standing vote, in the order in which they were cast. (n,) int64 each."""

    battle: Ints
    """Row number of the battle."""

    left: Ints
    """Row number of the contestant on the left."""

    right: Ints
    outcome: Ints
    """Place in `OUTCOMES`."""

    labeler: Ints
    """Row number of who voted."""

    prompt: Ints
    """Row number of the prompt, or minus that of the battle where an imported vote names no prompt."""

    flags: Ints
    """`NOT_BLIND`, `REPEAT`, `LEAKED`."""

    boost: npt.NDArray[np.float64]
    """(n,) float64, how much likelier the prompt was drawn than in a uniform draw."""

    def __len__(self) -> int:
        return len(self.battle)

    def take(self, which: npt.NDArray[np.bool_]) -> "Ledger":
        """Some of the votes, in the same order.

        Args:
            which: (n,) bool.
        """
        return Ledger(*(getattr(self, name)[which] for name in (*_COLUMNS, "boost")))


def read_ledger(store: Store, selection: Selection = EVERYTHING) -> Ledger:
    """Read all votes that stand, from the file beside the database as far as it goes.

    Args:
        store: The arena.
        selection: Its times and its criterion are heeded here, and such votes are read anew; everything else
            can be told from the columns, see `ftarena.arena.standings.voting_record`.

    Returns:
        The votes; leaked ones, repeats, and those with names known among them, with their `flags`.

    Raises:
        FtarenaError: The database cannot be read.
    """
    with mended(store.path):
        # One view of the database for all that follows, whoever votes meanwhile.
        connection = store.connection
        own = not connection.in_transaction
        if own:
            connection.execute("BEGIN")
        try:
            return _read(store) if _plain(selection) else _read_some(store, selection)
        finally:
            if own:
                connection.execute("COMMIT")


def read_ahead(store: Store) -> None:
    """Read the votes of a large arena now, so that who asks for scores next need not wait for it.

    Args:
        store: The arena; one of fewer than `WORTH_KEEPING` votes is left alone.
    """
    [(events,)] = store.rows("SELECT coalesce(max(rowid), 0) FROM ballot_events")
    if events >= WORTH_KEEPING:
        read_ledger(store)


def kept_beside(database: Path) -> Path:
    """Where the columns of a database are kept."""
    return database.with_name(f"{database.name}-votes")


def _read(store: Store) -> Ledger:
    [(events, battles, prompts)] = store.rows(
        "SELECT (SELECT coalesce(max(rowid), 0) FROM ballot_events),"
        " (SELECT coalesce(max(rowid), 0) FROM battles), (SELECT coalesce(max(rowid), 0) FROM prompts)"
    )
    grown = [int(events), int(battles), int(prompts)]
    kept = _kept(store, grown) if events >= WORTH_KEEPING else None
    if kept is not None and kept[1] == events:
        return kept[0]
    ledger = None if kept is None else _continued(store, *kept)
    if ledger is None:
        ledger = _columns(store.rows(_READ_EVERY + _ORDER))
    if events >= WORTH_KEEPING:
        _keep(store, ledger, grown)
    return ledger


def _plain(selection: Selection) -> bool:
    return selection.criterion is None and selection.since is None and selection.until is None


def _read_some(store: Store, selection: Selection) -> Ledger:
    said, first = outcome_of(selection)
    parts, then = [f"{said} IS NOT NULL"], list(first)
    for comparison, moment in ((">=", selection.since), ("<", selection.until)):
        if moment is not None:
            parts.append(f"v.created_at {comparison} ?")
            then.append(moment)
    sql = f"{_READ.replace('v.outcome', said)} WHERE {' AND '.join(parts)}{_ORDER}"
    return _columns(store.rows(sql, [*first, *then]))


def _columns(rows: Sequence[tuple[object, ...]]) -> Ledger:
    kinds = np.dtype([(name, np.int64) for name in _COLUMNS] + [("boost", np.float64)])
    table = np.fromiter(rows, dtype=kinds, count=len(rows))
    return Ledger(*(np.ascontiguousarray(table[name]) for name in (*_COLUMNS, "boost")))


def _ids_at(store: Store, grown: Sequence[int]) -> list[str]:
    """The ids of the rows that were the last ones once: whether this is the same file, and not renumbered."""
    found = []
    for table, place in zip(("ballot_events", "battles", "prompts"), grown, strict=True):
        rows = store.rows(f"SELECT id FROM {table} WHERE rowid = ?", (place,))
        found.append(rows[0][0] if rows else "")
    return found


def _kept(store: Store, grown: Sequence[int]) -> tuple[Ledger, int] | None:
    """The kept columns and the event up to which they go, if they are of this database."""
    try:
        with np.load(kept_beside(store.path), allow_pickle=False) as stored:
            before = stored["grown"].tolist()
            fits = (
                int(stored["format"]) == FORMAT
                and all(then <= now for then, now in zip(before, grown, strict=True))
                and stored["ids"].tolist() == _ids_at(store, before)
            )
            if not fits:
                return None
            columns = {name: stored[name].astype(np.int64) for name in _COLUMNS}
            return Ledger(**columns, boost=stored["boost"]), int(before[0])
    except (OSError, ValueError, KeyError, EOFError):  # none, torn, or of another version
        return None


def _continued(store: Store, kept: Ledger, events: int) -> Ledger | None:
    """The columns with what was cast since; None where something of it belongs before the end."""
    (number,) = store.rows(
        "SELECT count(*) FROM (SELECT DISTINCT battle_id FROM ballot_events WHERE rowid > ?)", (events,)
    )[0]
    if number > WORTH_KEEPING:
        return None
    touched = store.rows(
        "SELECT DISTINCT b.rowid FROM ballot_events e JOIN battles b ON b.id = e.battle_id WHERE e.rowid > ?",
        (events,),
    )
    stays = ~np.isin(kept.battle, np.array([battle for (battle,) in touched], dtype=np.int64))
    added = store.rows(f"{_READ}{_TOUCHED}{_ORDER}", (events,))
    if added and stays.any():
        last = int(kept.battle[np.flatnonzero(stays)[-1]])
        latest = store.rows(
            f"{_LAST} WHERE v.battle_id = (SELECT id FROM battles WHERE rowid = ?)"
            " ORDER BY created_at DESC, position DESC, id DESC LIMIT 1",
            (last,),
        )
        earliest = store.rows(
            f"{_LAST} WHERE v.battle_id IN (SELECT battle_id FROM ballot_events WHERE rowid > ?)"
            " ORDER BY created_at, position, id LIMIT 1",
            (events,),
        )
        if not latest or earliest[0] < latest[0]:
            return None
    new = _columns(added)
    return Ledger(
        *(np.concatenate([getattr(kept, name)[stays], getattr(new, name)]) for name in (*_COLUMNS, "boost"))
    )


def _keep(store: Store, ledger: Ledger, grown: Sequence[int]) -> None:
    target = kept_beside(store.path)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    columns: dict[str, npt.NDArray[Any]] = {name: _narrow(getattr(ledger, name)) for name in _COLUMNS}
    columns |= {"boost": ledger.boost, "format": np.array(FORMAT), "grown": np.array(grown)}
    columns["ids"] = np.array(_ids_at(store, grown))
    try:
        half.touch(mode=0o600, exist_ok=False)
        with half.open("wb") as file:
            np.savez(file, allow_pickle=False, **columns)
        half.replace(target)
    except OSError:  # a read-only medium or a full disk: it is read anew next time
        half.unlink(missing_ok=True)


def _narrow(column: Ints) -> npt.NDArray[Any]:
    """The same numbers in as few bytes as hold them."""
    low, high = int(column.min(initial=0)), int(column.max(initial=0))
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column
