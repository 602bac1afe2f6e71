"""`ftarena score`, `votes import` and `export`, as a person and as a program read them."""

import io
import json
from pathlib import Path

import pytest

from ftarena.plain import scores, votes
from ftarena.plain.merge import merge_votes
from ftarena.store import Store, ledger


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Ten votes, eight of them for sft."""
    file = tmp_path / "votes.csv"
    lines = (
        ["base,sft,b"] * 4 + ["base,sft,a"] * 2 + ["sft,base,a"] * 4 + ["sft,base,tie", "sft,base,both_bad"]
    )
    file.write_text("a,b,outcome\n" + "\n".join(lines) + "\n")
    votes.import_votes(tmp_path / "arena.db", file)
    return tmp_path / "arena.db"


def printed(database: Path, *, as_json: bool = False) -> str:
    out = io.StringIO()
    assert scores.score(database, form="json" if as_json else "text", out=out) == 0
    return out.getvalue()


def test_eight_of_ten(board: Path) -> None:
    """Eight wins of ten are 80 %, E is 2.07, and that is no verdict yet."""
    report = json.loads(printed(board, as_json=True))
    assert report["votes"] == 12
    [pair] = report["pairs"]
    assert (pair["a"], pair["b"], pair["wins"], pair["losses"], pair["ties"], pair["both_bad"]) == (
        "base",
        "sft",
        2,
        8,
        1,
        1,
    )
    assert pair["win_rate"] == pytest.approx(0.2)
    assert pair["e_value"] == pytest.approx(2.0687, abs=1e-4)
    assert pair["verdict"] == "undecided"
    assert {contestant["name"] for contestant in report["contestants"]} == {"base", "sft"}


def test_words_for_people(board: Path) -> None:
    """Who is ahead is named first; counts, interval and verdict are in words."""
    text = printed(board)
    assert "12 votes, 1 labeler, 12 prompts" in text
    assert "sft against base" in text
    assert "8 wins, 2 losses, 1 tie, 1 both bad" in text
    assert "win rate 80 %, 95 % interval 49 to 94" in text
    assert "undecided" in text


def test_a_large_import_is_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first score after a large import or merge finds the votes read; a small one leaves no file."""
    file = tmp_path / "votes.csv"
    file.write_text("a,b,outcome\n" + "base,sft,b\n" * 12)
    votes.import_votes(tmp_path / "small.db", file)
    assert not ledger.kept_beside(tmp_path / "small.db").exists()
    monkeypatch.setattr(ledger, "WORTH_KEEPING", 10)
    votes.import_votes(tmp_path / "large.db", file)
    assert ledger.kept_beside(tmp_path / "large.db").exists()
    merge_votes(tmp_path / "merged.db", [tmp_path / "small.db"])
    assert ledger.kept_beside(tmp_path / "merged.db").exists()


@pytest.mark.parametrize("columns", ["80", "40"])
def test_it_fits_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Long names wrap instead of being cut, and no line is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    names = ["a-contestant-with-a-very-long-name-" * 3 + str(number) for number in range(3)]
    file = tmp_path / "votes.csv"
    rows = [f"{names[number % 3]},{names[(number + 1) % 3]},{'ab'[number % 2]}\n" for number in range(30)]
    file.write_text("a,b,outcome\n" + "".join(rows))
    votes.import_votes(tmp_path / "arena.db", file)
    text = printed(tmp_path / "arena.db")
    assert max(len(line) for line in text.splitlines()) <= int(columns)
    assert "\x1b" not in text
    joined = "".join(line.replace(" ", "") for line in text.splitlines())
    assert all(name in joined for name in names)


def test_hostile_names_do_nothing(tmp_path: Path) -> None:
    """A name full of control sequences and markup is shown without them; in JSON it is whole, as ASCII."""
    name = "\x1b]52;c;aGk=\x07[red]evil[/] [/\u202e"
    file = tmp_path / "votes.csv"
    file.write_text(f"a,b,outcome\nbase,{name},a\n")
    votes.import_votes(tmp_path / "arena.db", file)
    text = printed(tmp_path / "arena.db")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]evil[/] [/" in text
    raw = printed(tmp_path / "arena.db", as_json=True)
    assert raw.isascii()
    assert "\x1b" not in raw
    assert {contestant["name"] for contestant in json.loads(raw)["contestants"]} == {"base", name}


def test_no_votes_yet(tmp_path: Path) -> None:
    """Before the first vote there is a sentence, valid JSON, and no file that was not there."""
    assert "No votes yet" in printed(tmp_path / "arena.db")
    report = json.loads(printed(tmp_path / "arena.db", as_json=True))
    assert (report["votes"], report["contestants"], report["pairs"]) == (0, [], [])
    assert list(tmp_path.iterdir()) == []


def test_hidden_contestants_are_off_the_board(board: Path) -> None:
    """Hiding a contestant takes its pair off the board."""
    with Store.open(board) as store:
        store.hide_contestant("sft")
    assert "No votes yet" in printed(board)
