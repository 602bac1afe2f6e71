"""Carrying decisions out: the curated set, written beside its sources with an account of what was done.

The sources are only read. The set and its manifest appear whole or not at all: a run that is killed leaves
neither, and a set never lies there without its manifest.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ftarena.curation.decisions.identity import Item
from ftarena.curation.decisions.ledger import Decisions
from ftarena.curation.rows import Problem
from ftarena.curation.sets.manifest import Manifest, SourceAccount, manifest_path, sha256_of
from ftarena.curation.sets.usable import BadRows, check_targets, dropped_path, usable_rows
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.processes import write_json


def apply_decisions(
    sources: Sequence[Source], out: Path, *, drop_bad: bool = False, overwrite: bool = False
) -> Manifest:
    """Write the curated set of some sources, one after the other, and `OUT.manifest.json`.

    Rows are written as they are in their source, with all their keys; columns that had to be named get our
    names. The same sources and decisions give the same bytes.

    Args:
        sources: Where the rows are; the decisions are looked up in the sidecar of each.
        out: The set's file; its ending says the format.
        drop_bad: Leave rows out that cannot be used, and write them to `OUT.dropped.jsonl`.
        overwrite: Whether a set that is there may be replaced.

    Returns:
        The account, as it was written.

    Raises:
        DataError: Rows cannot be used and may not be dropped; nothing is written.
        FtarenaError: A file is there already, cannot be read or cannot be written; nothing is written.
    """
    from ftarena.curation.writing import write_rows

    check_targets([out], sources, overwrite=overwrite)
    manifest = Manifest(out.name)

    def account(whole: Path, rows: int) -> None:
        # Before the set gets its name: it never lies there without its manifest.
        if not manifest.rows_in:
            raise FtarenaError(f"{sources[0].path} holds no row", "check the path")
        if not rows:
            raise FtarenaError(
                "no row would be left, so nothing was written",
                f"see what was decided: ftarena data decisions {sources[0].path}",
            )
        manifest.rows, manifest.sha256 = rows, sha256_of(whole)
        write_json(manifest_path(out), manifest.to_json())

    with BadRows(dropped_path(out) if drop_bad else None) as bad:
        rows = (row for source in sources for row in _curated(source, bad, manifest))
        write_rows(rows, out, overwrite=overwrite, finish=account)
    return manifest


def _curated(source: Source, bad: BadRows, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield the rows that one source contributes, keeping account."""
    decisions = Decisions.open(source)
    account = SourceAccount(str(source.path), sha256_of(source.path))
    manifest.sources.append(account)
    before = bad.count
    found: Counter[str] = Counter()
    for usable in usable_rows(source, bad, _outcomes(decisions, account, manifest, found)):
        account.kept += 1
        yield usable.value()
    account.dropped = bad.count - before
    account.strays = len(decisions.standing) - found["decisions"]


def _outcomes(
    decisions: Decisions, account: SourceAccount, manifest: Manifest, found: Counter[str]
) -> Iterator[Item]:
    """Yield what the decisions leave of a source, row by row."""
    for decided in decisions.walk():
        account.rows += 1
        if not decided.decisions:
            yield decided.item
            continue
        found["decisions"] += len(decided.decisions)
        row = decisions.outcome(decided)
        for decision in decided.effective:
            manifest.note(decisions.source.path, decided.item.row.line, decision)
        if row is None:
            account.excluded += 1
            continue
        actions = {decision.action for decision in decided.effective}
        account.edited += "edit" in actions
        account.relabelled += "relabel" in actions
        yield Item(row, decided.item.text if isinstance(row, Problem) else "")
