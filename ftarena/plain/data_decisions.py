"""`ftarena data decisions`: what stands about the rows of a file, since when, and whether it counts."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ftarena.curation.decisions.ledger import Decision
from ftarena.curation.resolving import resolve
from ftarena.curation.sources import Source
from ftarena.plain.data_decide import apply_command, opened
from ftarena.plain.data_specs import columns_named, shape_named
from ftarena.scoring.words import counted
from ftarena.text import clean_line, shorten


def list_decisions(name: str, *, as_json: bool, columns: str | None = None, shape: str | None = None) -> int:
    """Print what stands about the rows of some files, with those that apply to no row any more.

    Returns:
        The exit code 0.

    Raises:
        FtarenaError: A file or its sidecar cannot be read.
    """
    sources = resolve(name, columns=columns_named(columns), shape=shape_named(shape))
    found = [_account(source) for source in sources]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=True))
        return 0
    for source, account in zip(sources, found, strict=True):
        _print_account(source, account)
    return 0


def _account(source: Source) -> dict[str, object]:
    """Return what stands about the rows of a file, as JSON."""
    decisions = opened(source)
    lines: dict[int, int] = {}
    counting: set[int] = set()
    changed: dict[int, list[str]] = {}
    for decided in decisions.walk() if decisions else ():
        row = decided.item.row
        counting.update(id(decision) for decision in decided.effective)
        for decision in decided.decisions:
            lines[id(decision)] = row.line
            if decision.value is not None:
                changed[id(decision)] = changed_keys(getattr(row, "value", None), decision.value)
    return {
        "file": str(source.path),
        "sidecar": str(decisions.sidecar.path),
        "counts": dict(decisions.counts),
        "decisions": [
            {
                **decision.to_json(),
                "line": lines.get(id(decision), decision.line),
                "applies": id(decision) in lines,
                "effective": id(decision) in counting,
                **({"keys": changed[id(decision)]} if id(decision) in changed else {}),
            }
            for decision in _in_order(decisions.standing, lines)
        ],
    }


def _in_order(standing: Sequence[Decision], lines: dict[int, int]) -> list[Decision]:
    return sorted(standing, key=lambda decision: lines.get(id(decision), sys.maxsize))


def _print_account(source: Source, account: dict[str, object]) -> None:
    shown = clean_line(str(account["file"]))
    decisions = account["decisions"]
    assert isinstance(decisions, list)
    if not decisions:
        print(f"{shown}: nothing is decided")
        return
    for decision in decisions:
        edited = ", ".join(decision.get("keys", []))
        why = " ".join(part for part in (edited, decision["code"], shorten(decision["reason"], 40)) if part)
        when = clean_line(f"{decision['at'][:16].replace('T', ' ')} UTC")
        who = shorten(decision["by"], 12)
        line = f"{decision['line']:>6}  {decision['action']:<8} {who:<12} {when:<20}  {why}".rstrip()
        note = "applies to no row" if not decision["applies"] else "has no effect"
        print(line if decision["effective"] else f"{line}  ({note})")
    strays = Counter(bool(decision["applies"]) for decision in decisions)[False]
    if strays:
        print(f"{strays:,} of them: there is no such row any more")
    kept = clean_line(str(account["sidecar"]))
    print(f"{shown}: {counted(len(decisions), 'decision')}, kept in {kept}")
    print(f"next: {apply_command(str(source.path), source)}")


def changed_keys(before: Any, after: Mapping[str, Any]) -> list[str]:
    """Return which keys of a row an edit changes, `-key` for those that it takes away."""
    was = before if isinstance(before, dict) else {}
    changed = [key for key, value in after.items() if key not in was or was[key] != value]
    return [*changed, *(f"-{key}" for key in was if key not in after)]
