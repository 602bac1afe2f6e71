"""Odd votes and odd options: scores stay the same, and stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.report.recomputing import compare_report
from ftarena.plain.scores_asking import asked_of
from ftarena.plain.votes import import_votes
from ftarena.store import Store

_NONE_ASKED = {
    "contestants": None, "criterion": None, "categories": None, "labelers": None, "until": None,
    "leaked": False, "untrained": False, "judges": False, "model": "bt", "control": None, "anchor": None,
}  # fmt: skip


def test_kappa_is_the_same_in_every_process() -> None:
    """`score --json` of one arena is the same bytes today and tomorrow, down to the last digit of κ."""
    script = (
        "from ftarena.scoring.agreement import cohen_kappa;"
        "a = ['left', 'right', 'tie', 'both_bad'] * 7 + ['left'] * 5;"
        "b = ['left', 'tie', 'right'] * 11;"
        "print(repr(cohen_kappa(a, b)))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(said) == 1


@pytest.mark.parametrize("value", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_day_outside_of_the_calendar(value: str) -> None:
    """A time that does not exist in UTC is told as a wrong value."""
    with pytest.raises(UsageError, match="--since cannot be"):
        asked_of(since=value, **_NONE_ASKED)  # type: ignore[arg-type]  # values of many types


@pytest.mark.parametrize("weight", ["1e300", "1e-300", "0", "nan", "-1"])
def test_a_weight_that_drowns_all_others(tmp_path: Path, weight: str) -> None:
    """One line that weighs more than any sampler makes it is refused, with its number."""
    file = tmp_path / "votes.csv"
    file.write_text(f"a,b,outcome,weight\nx,y,a,1\nx,y,b,{weight}\n")
    with pytest.raises(FtarenaError, match=r"3.*weight"):
        import_votes(tmp_path / "a.db", file)


def test_a_weight_that_is_there_already(tmp_path: Path) -> None:
    """An arena into which such a weight came earlier is scored all the same."""
    from ftarena.arena.standings.scoreboard import standing

    file = tmp_path / "votes.csv"
    file.write_text("a,b,outcome,weight\nx,y,a,1\nx,y,b,2\nx,y,b,3\n")
    import_votes(tmp_path / "a.db", file)
    with Store.open(tmp_path / "a.db") as store:
        for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            store.connection.execute(f"DROP TRIGGER {name}")
        for boost in (1e300, 1e-300):
            store.connection.execute("UPDATE battles SET boost = ? WHERE rowid = 1", (boost,))
            assert standing(store).report.votes == 3


def test_nested_without_end(tmp_path: Path) -> None:
    """A file whose votes are a hundred thousand brackets is no report, and no crash."""
    page = tmp_path / "x.html"
    page.write_text(f'<script type="application/json" id="votes">{"[" * 100_000}</script>')
    with pytest.raises(FtarenaError, match="no report of ftarena"):
        compare_report(page)
