"""What `ftarena score` can be asked: slices, selections, forms; wrong values are one message each."""

import csv
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ftarena.arena import Arena, add_contestant
from ftarena.arena.questions.categories import add_categories
from ftarena.arena.standings.scoreboard import Asked
from ftarena.cli.app import app
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain import scores
from ftarena.serving.contestants import Contestant
from ftarena.store import Selection, Store


@pytest.fixture
def voted(tmp_path: Path) -> Path:
    """Two people and a judge; prompts in two categories; one answer that gives itself away."""
    path = tmp_path / "arena.db"
    rng = random.Random(9)
    with Store.open(path) as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", system_prompt=name))
            for name in ("base", "sft-1")
        ]
        ids = store.add_prompts([([("user", f"Question {n}?")], None) for n in range(12)], "heldout")
        add_categories(store, {prompt: ["even" if n % 2 == 0 else "odd"] for n, prompt in enumerate(ids)})
        for n, prompt in enumerate(ids):
            store.add_answer(rows[0].id, prompt, "a longer answer " * 5, n_tokens=15)
            text = "<|im_end|> short" if n == 0 else f"short {n}"
            store.add_answer(rows[1].id, prompt, text, n_tokens=3)
        for labeler, kind in (("ana", "human"), ("ben", "human"), ("judge:opal", "judge")):
            arena = Arena(store, labeler=labeler, rng=rng, kind=kind)
            while (battle := arena.next()) is not None:
                better = "left" if len(battle.left) < len(battle.right) else "right"
                arena.vote(battle.id, "tie" if rng.random() < 0.2 else better, elapsed_ms=2500)
    return path


def printed(database: Path, asked: Asked | None = None, **more: Any) -> str:
    out = io.StringIO()
    assert scores.score(database, asked or Asked(), out=out, **more) == 0
    return out.getvalue()


def test_the_sentence_comes_first(voted: Path) -> None:
    """The first line answers the question; what was left out is counted below."""
    lines = printed(voted).splitlines()
    assert re.match(r"sft-1 is better than base: decided after \d+ votes\.", lines[0])
    text = "\n".join(lines)
    assert "22 votes, 2 labelers, 11 prompts" in text
    assert "2 votes on battles in which an answer gave itself away" in " ".join(text.split())
    assert "judge:opal (11 votes, not counted above)" in text


def test_taken_apart(voted: Path) -> None:
    """--by shows each category, seen from the same side; in CSV the slice is the first column."""
    text = printed(voted, slicing="category")
    assert "even" in text and "odd" in text and text.count("sft-1 against base") == 3
    rows = list(csv.DictReader(io.StringIO(printed(voted, slicing="category", form="csv"))))
    assert [row["category"] for row in rows] == ["even", "odd"]
    assert sum(int(row["wins"]) + int(row["losses"]) + int(row["ties"]) for row in rows) == 22
    told = json.loads(printed(voted, slicing="labeler", form="json"))
    assert list(told["by"]["slices"]) == ["ana", "ben"]
    assert told["by"]["slices"]["ana"]["votes"] == 11


def test_selections(voted: Path) -> None:
    """Category, labeler, judges, leaked: each says on the page what it means."""
    for selection, votes, words in (
        (Selection(categories=("odd",)), "12 votes", "in odd"),
        (Selection(labelers=("ben",)), "11 votes", "of ben"),
        (Selection(voters="judges"), "11 votes, 1 judge", "votes of judges only"),
        (Selection(leaked=True), "24 votes", "with battles in which an answer gave itself away"),
    ):
        text = printed(voted, Asked(selection))
        assert votes in text and words in text
    none = printed(voted, Asked(Selection(since="2100-01-01")))
    assert "No votes that are meant here" in none and "since 2100-01-01" in none


def test_held_equal(voted: Path) -> None:
    """--control tells what is left at equal length, and how much longer one is."""
    text = " ".join(printed(voted, Asked(control=("length",))).split())
    assert re.search(r"with length held equal \d+ % \(.*\); base is 4\.0 times as long", text)
    [row] = csv.DictReader(io.StringIO(printed(voted, Asked(control=("length",)), form="csv")))
    assert row["control"] == "length" and 0 < float(row["equal_rate"]) < 1


@pytest.mark.parametrize("columns", ["80", "50"])
def test_no_line_is_wider_than_the_terminal(
    voted: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """Everything on: slices, labelers, control; still it fits."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(voted, Asked(control=("length", "style")), slicing="week")
    assert max(map(len, text.splitlines())) <= int(columns)
    assert "\x1b" not in text


def test_names_that_are_not_there(voted: Path) -> None:
    """A typing error is a message with the nearest name, not an empty board."""
    for selection, words, near in (
        (Selection(labelers=("bne",)), "no labeler .* 'bne'", "ben"),
        (Selection(categories=("evne",)), "no category .* 'evne'", "even"),
        (Selection(criterion="helpful"), "no criterion .* 'helpful'", "no criterion yet"),
        (Selection(contestants=("sft1", "base")), "no contestant .* 'sft1'", "sft-1"),
    ):
        with pytest.raises(FtarenaError, match=words) as caught:
            printed(voted, Asked(selection))
        assert near in caught.value.hint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--by", "day"], "cannot be taken apart by 'day'"),
        (["--control", "size"], "cannot hold 'size' equal"),
        (["--model", "elo"], "--model cannot be 'elo'"),
        (["--since", "yesterday"], "--since cannot be 'yesterday'"),
        (["--json", "--csv"], "exclude each other"),
        (["--json", "--html", "x.html"], "exclude each other"),
        (["--with-texts"], "about a report"),
    ],
)
def test_options_that_cannot_be(voted: Path, options: list[str], words: str) -> None:
    """A value that there is not, or two forms at once: one message, exit code 2."""
    done = CliRunner().invoke(app, ["score", "--db", str(voted), *options])
    assert isinstance(done.exception, UsageError)
    assert words in done.exception.message and done.exception.exit_code == 2


def test_the_command_line(voted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report and its check, from the command line; times are of any zone."""
    monkeypatch.chdir(tmp_path)
    command = ["score", "--db", str(voted), "--control", "length,style", "--by", "week"]
    done = CliRunner().invoke(app, [*command, "--html", "r.html", "--since", "2020-01-01T01:00+02:00"])
    assert (done.exit_code, done.exception) == (0, None)
    assert "2019-12-31T23:00:00.000Z" in Path("r.html").read_text()
    checked = CliRunner().invoke(app, ["score", "--recompute", "r.html"])
    assert checked.exit_code == 0 and "numbers follow from the 22 votes" in checked.stdout


def test_json_is_the_same_bytes_after_a_merge_in_either_order(voted: Path, tmp_path: Path) -> None:
    """Whoever merges whose votes into whose: the same votes give the same bytes."""
    from ftarena.store.imports import import_votes_csv
    from ftarena.store.merging import merge

    other = tmp_path / "other.db"
    (tmp_path / "v.csv").write_text(
        "a,b,outcome,labeler,prompt\n"
        + "base,sft-1,b,cleo,Q1\nbase,sft-1,a,dan,Q1\nsft-1,x,tie,cleo,Q2\n" * 3
    )
    with Store.open(other) as store:
        import_votes_csv(store, tmp_path / "v.csv")
    said = []
    for first, second in ((voted, other), (other, voted)):
        merged = tmp_path / f"merged-{len(said)}.db"
        with Store.open(merged) as store:
            merge(store, [first])
            merge(store, [second])
        said.append(printed(merged, form="json", slicing="labeler"))
    assert said[0] == said[1]
    assert json.loads(said[0])["votes"] == 31
