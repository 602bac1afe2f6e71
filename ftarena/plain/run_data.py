"""What a run was trained on, in words: files, rows, the mix, replay, and what was left out."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ftarena.processes import read_json
from ftarena.training.runs import DATA_LOCK, DROPPED, Run


def data_of(run: Run) -> dict[str, Any] | None:
    """Return what `data.lock.json` says; None as long as the run has not read its data."""
    return read_json(run.directory / DATA_LOCK) or None


def data_lines(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run's data were, line by line: its name and the words."""
    lock = data_of(run)
    if lock is None:
        return
    # “held out” is what its loss is called already.
    for part, title in (("train", "data"), ("heldout", "evaluated")):
        for account in lock.get(part, ()):
            yield title, _file(account)
    if split := lock.get("eval_split"):
        yield "split", f"{split['train']:,} rows to train on, {split['heldout']:,} held out"
    if replay := lock.get("replay"):
        share = f"{replay['share']:.1%}".replace("%", " %")
        yield "replay", f"{_rows(replay['rows'])}, {share} of all that is trained on"
    for part in ("train", "heldout"):
        if long := lock.get(f"{part}_too_long"):
            which = "training" if part == "train" else "held-out"
            words = f"of the {which} rows {long['dropped']:,} were left out and {long['truncated']:,} cut"
            yield "too long", words
    if (path := run.directory / DROPPED).exists():
        yield "left out", f"rows that cannot be used are listed in {path}"


def _file(account: Mapping[str, Any]) -> str:
    used, rows = account["used"], account["rows"]
    told = f"{Path(account['path'])}: " + (
        f"all {_rows(rows)}" if used == rows else f"{used:,} of {_rows(rows)}"
    )
    notes = [f"weight {account['weight']:g}"] if "weight" in account else []
    notes += [f"{_rows(account['dropped'])} left out as unusable"] if "dropped" in account else []
    notes += ["replay"] if account.get("replay") else []
    return told + "".join(f", {note}" for note in notes)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
