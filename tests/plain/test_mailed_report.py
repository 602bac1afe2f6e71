"""The report and the picture: one file each, safe to open, with all that is needed to check it."""

import json
import random
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ftarena.arena import Arena, add_contestant
from ftarena.arena.standings.scoreboard import Asked
from ftarena.errors import FtarenaError
from ftarena.plain.report import write_picture, write_report
from ftarena.plain.report.carrying import read_carried
from ftarena.plain.report.charts import ticks
from ftarena.plain.report.recomputing import compare_report
from ftarena.plain.votes import import_votes
from ftarena.serving.contestants import Contestant
from ftarena.store import Selection, Store

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(1)> & "q" \x1b]0;t\x07 {{ 7*7 }}'

USUAL = Asked()


def voted(path: Path, names: tuple[str, ...] = ("base", "sft-1", "dpo-1"), labelers: int = 2) -> Path:
    """An arena with every battle decided by two people; texts and names may be hostile."""
    rng = random.Random(4)
    with Store.open(path) as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", system_prompt=f"{number}"))
            for number, name in enumerate(names)
        ]
        ids = store.add_prompts([([("user", f"Question {n} {EVIL}?")], None) for n in range(8)], "heldout")
        for prompt in ids:
            for number, row in enumerate(rows):
                store.add_answer(row.id, prompt, f"Secret answer {number} {EVIL}", n_tokens=5 + number)
        for number in range(labelers):
            arena = Arena(store, labeler=f"person-{number}", rng=rng)
            while (battle := arena.next()) is not None:
                arena.vote(
                    battle.id, rng.choice(["left", "left", "right", "tie", "both_bad"]), elapsed_ms=900
                )
    return path


class Tags(HTMLParser):
    """Collects what a browser would see: tags with attributes, and the text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def report(tmp_path: Path, database: Path, asked: Asked = USUAL, **more: Any) -> str:
    write_report(database, asked, tmp_path / "report.html", **more)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_report_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    """I can mail it: nothing is fetched, nothing runs, and it is mine alone until I send it."""
    page = report(tmp_path, voted(tmp_path / "a.db"))
    seen = Tags(page)
    scripts = [attrs for tag, attrs in seen.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "votes"}]
    assert not {tag for tag, _ in seen.tags} & {"link", "img", "iframe", "object", "embed"}
    for _, attrs in seen.tags:
        assert not [name for name in attrs if name.startswith("on") or name in ("src", "href")]
    assert "url(" not in page and "@import" not in page
    assert sum(tag == "svg" for tag, _ in seen.tags) == 5  # ratings, win rates, three courses
    assert "prefers-color-scheme: dark" in page
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o600


def test_hostile_names_and_texts_are_text(tmp_path: Path) -> None:
    """A contestant's name and an answer full of markup are read, not obeyed."""
    database = voted(tmp_path / "a.db", (EVIL, "sft-1", "b"))
    page = report(tmp_path, database, Asked(Selection(leaked=True)), with_texts=True)
    seen = Tags(page)
    assert [attrs for tag, attrs in seen.tags if tag == "script"] == [
        {"type": "application/json", "id": "votes"}
    ]
    assert not [tag for tag, _ in seen.tags if tag == "img"]
    assert "{{ 7*7 }}" in seen.words and "onerror=alert(1)" in seen.words
    assert "\x1b" not in page and "\x07" not in page
    carried = re.findall(r'id="votes">(.*?)</script>', page, re.DOTALL)
    assert EVIL in json.loads(carried[0])["contestants"]


def test_texts_and_names_only_on_demand(tmp_path: Path) -> None:
    """Without being asked, a report has no text of a battle and no labeler's name."""
    database = voted(tmp_path / "a.db")
    page = report(tmp_path, database, slicing="labeler")
    assert "Secret answer" not in page and "Question" not in page and "person-" not in page
    assert "L1" in page and "L2" in page
    chosen = Asked(Selection(labelers=("person-1",)))
    assert "person-" not in report(tmp_path, database, chosen)
    assert "person-0" in report(tmp_path, database, with_names=True)
    assert "Secret answer 1" in report(tmp_path, database, with_texts=True)


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(anchor="base", alpha=0.1, cluster="both"),
        Asked(model="davidson"),
        Asked(control=("length", "style")),
        Asked(Selection(labelers=("person-0",))),
    ],
)
def test_its_numbers_follow_from_its_votes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: Asked
) -> None:
    """Whoever gets the file can score its votes anew, and every number comes out again."""
    report(tmp_path, voted(tmp_path / "a.db"), asked)
    (tmp_path / "a.db").unlink()
    assert compare_report(tmp_path / "report.html") == 0
    said = capsys.readouterr().out
    assert "numbers follow from the" in said and "shows these and nothing else" in said


@pytest.mark.parametrize(
    "change",
    [
        (" won, ", " won, 1"),
        ("<h1>", "<h1>not "),
        ("Secret answer", "Better answer"),
        ("</body>", "<p>PS</p></body>"),
        ("<td>L1</td>", "<td>L9</td>"),
    ],
)
def test_a_page_that_was_edited_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str]
) -> None:
    """Somebody changed what I read and left the data as it was: I am told where."""
    page = report(tmp_path, voted(tmp_path / "a.db"), slicing="labeler", with_texts=True)
    assert compare_report(tmp_path / "report.html") == 0
    assert change[0] in page
    (tmp_path / "report.html").write_text(page.replace(change[0], change[1], 1))
    assert compare_report(tmp_path / "report.html") == 1
    said = capsys.readouterr().out
    assert "the page shows" in said and "The page was changed" in said


def test_imported_votes_are_in_their_order(tmp_path: Path) -> None:
    """Votes of a file are all of one moment: a report has them in the order of the lines, as scores do."""
    rng = random.Random(6)
    lines = [
        f"{a},{b},{rng.choice(['a', 'b', 'tie'])},{rng.choice('xyz')},p{rng.randrange(20)}"
        for a, b in (rng.sample(["one", "two", "six"], 2) for _ in range(300))
    ]
    (tmp_path / "votes.csv").write_text("a,b,outcome,labeler,prompt\n" + "\n".join(lines) + "\n")
    import_votes(tmp_path / "a.db", tmp_path / "votes.csv")
    report(tmp_path, tmp_path / "a.db")
    assert compare_report(tmp_path / "report.html") == 0


def test_a_forged_report_is_found_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody turned a vote round: the numbers no longer follow, and I am told which."""
    page = report(tmp_path, voted(tmp_path / "a.db"))
    head, votes = page.split('"votes":[[', 1)
    first, rest = votes.split("]", 1)
    cells = first.split(",")
    cells[2] = "1" if cells[2] == "0" else "0"
    forged = tmp_path / "forged.html"
    forged.write_text(f'{head}"votes":[[{",".join(cells)}]{rest}')
    assert compare_report(forged) == 1
    said = capsys.readouterr().out
    assert "the report says" in said and "numbers differ" in said


def test_weights_are_carried(tmp_path: Path) -> None:
    """A vote that weighs less does so in the file, too."""
    database = voted(tmp_path / "a.db", ("base", "sft-1"))
    with Store.open(database) as store:
        contestants = {row.name: row.id for row in store.contestants()}
        [prompt] = store.add_prompts([([("user", "Boosted?")], None)], "heldout")
        sides = [
            (contestants[name], store.add_answer(contestants[name], prompt, name))
            for name in ("base", "sft-1")
        ]
        battle = store.ballots.add_battle("cleo", prompt_id=prompt, left=sides[0], right=sides[1], boost=4.0)
        store.ballots.add_event(battle, "cleo", "vote", outcome="left", elapsed_ms=1, names_shown="never")
    page = report(tmp_path, database)
    assert sorted({vote.weight for vote in read_carried(page, "x").votes}) == [0.25, 1.0]
    assert compare_report(tmp_path / "report.html") == 0


def test_what_cannot_be_reported(tmp_path: Path) -> None:
    """No votes, a folder that is not there, a file that is no report: one message each."""
    with pytest.raises(FtarenaError, match="no votes to report on"):
        write_report(tmp_path / "none.db", Asked(), tmp_path / "x.html")
    database = voted(tmp_path / "a.db")
    with pytest.raises(FtarenaError, match="cannot write"):
        write_report(database, Asked(), tmp_path / "none" / "x.html")
    (tmp_path / "x.html").write_text("<html>")
    with pytest.raises(FtarenaError, match="no report of ftarena"):
        compare_report(tmp_path / "x.html")
    with pytest.raises(FtarenaError, match="cannot read"):
        compare_report(tmp_path / "none.html")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("names", [("base", "sft-$1$"), ("base", "sft-1", "dpo-1")])
def test_a_picture(tmp_path: Path, names: tuple[str, ...]) -> None:
    """--png is a picture without a browser; the same votes make the same bytes."""
    pytest.importorskip("matplotlib")
    database = voted(tmp_path / "a.db", names)
    write_picture(database, Asked(), tmp_path / "one.png")
    write_picture(database, Asked(), tmp_path / "two.png")
    first = (tmp_path / "one.png").read_bytes()
    assert first.startswith(b"\x89PNG") and first == (tmp_path / "two.png").read_bytes()


def test_ticks_are_round() -> None:
    """An axis has a handful of values that people would have chosen."""
    assert ticks(0, 100) == [0, 20, 40, 60, 80, 100]
    assert ticks(1, 2) == [1.0, 1.2, 1.4, 1.6, 1.8, 2.0]
    assert ticks(912.3, 1187.4) == [950, 1000, 1050, 1100, 1150]
    assert ticks(3, 3) == [3]
