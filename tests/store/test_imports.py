"""Votes from files: all or nothing, each once, and every mistake with its line."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.store import Store, VoteRow
from ftarena.store.imports import ImportReport, import_votes_csv


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


def written(folder: Path, text: str | bytes, name: str = "votes.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_the_shortest_file(store: Store, tmp_path: Path) -> None:
    """Three columns are enough: names stay as named, a is on the left, and each line is its own prompt."""
    file = written(tmp_path, "a,b,outcome\nbase,sft,b\nsft,base,a\nbase,sft,tie\nbase,sft,both_bad\n")
    assert import_votes_csv(store, file) == ImportReport(4, 0, ("base", "sft"))
    votes = store.standing_votes()
    assert [vote[:4] for vote in votes] == [
        ("base", "sft", "right", "imported"),
        ("sft", "base", "left", "imported"),
        ("base", "sft", "tie", "imported"),
        ("base", "sft", "both_bad", "imported"),
    ]
    assert len({vote.prompt for vote in votes}) == 4


def test_all_columns_in_any_order(store: Store, tmp_path: Path) -> None:
    """Labelers and prompts are taken where they are given; the order of columns does not matter."""
    file = written(
        tmp_path,
        "prompt,labeler,outcome,b,a\nwhy?,ana,a,sft,base\nwhy?,bo,b,sft,base\nhow?,,tie,sft,base\n,ana,a,sft,base\n",
    )
    import_votes_csv(store, file)
    votes = store.standing_votes()
    assert [(vote.left, vote.right, vote.outcome, vote.labeler) for vote in votes] == [
        ("base", "sft", "left", "ana"),
        ("base", "sft", "right", "bo"),
        ("base", "sft", "tie", "imported"),
        ("base", "sft", "left", "ana"),
    ]
    assert votes[0].prompt == votes[1].prompt
    assert len({vote.prompt for vote in votes}) == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_spreadsheets_write_it_their_way(store: Store, tmp_path: Path, end: str, mark: bytes) -> None:
    """A byte order mark, Windows line ends, blank lines and quotes are all read."""
    lines = [
        "a,b,outcome,labeler,prompt",
        "",
        '"base, v2","sft ""final""",a,ana,"first line',
        'second line"',
        "",
    ]
    import_votes_csv(store, written(tmp_path, mark + end.join(lines).encode()))
    [vote] = store.standing_votes()
    assert (vote.left, vote.right) == ("base, v2", 'sft "final"')
    assert vote.labeler == "ana"


def test_the_same_file_twice_adds_nothing(store: Store, tmp_path: Path) -> None:
    """Whoever is not sure whether a file was imported may import it again."""
    file = written(tmp_path, "a,b,outcome\n" + "base,sft,a\n" * 5 + "base,sft,b\n")
    assert import_votes_csv(store, file).added == 6
    before = store.standing_votes()
    assert import_votes_csv(store, file) == ImportReport(0, 6, ())
    assert store.standing_votes() == before


def test_a_file_that_grew_adds_what_is_new(store: Store, tmp_path: Path) -> None:
    """A file that is appended to and imported every evening adds the new lines only."""
    import_votes_csv(store, written(tmp_path, "a,b,outcome\nbase,sft,a\nbase,sft,a\n"))
    grown = written(tmp_path, "a,b,outcome\nbase,sft,a\nbase,sft,a\nbase,sft,a\nbase,dpo,b\n")
    assert import_votes_csv(store, grown) == ImportReport(2, 2, ("dpo",))
    assert len(store.standing_votes()) == 4


def test_a_known_name_is_that_contestant(store: Store, tmp_path: Path) -> None:
    """A name in the file that takes part here already is the one that takes part here."""
    store.add_contestant("base", contestant_id="b" * 16, spec_json="{}", kind="base", model="demo")
    report = import_votes_csv(store, written(tmp_path, "a,b,outcome\nbase,sft,a\n"))
    assert report.contestants_new == ("sft",)
    base = store.contestant("base")
    assert base is not None
    assert base.id == "b" * 16


def test_a_text_that_is_asked_here_is_the_same_prompt(store: Store, tmp_path: Path) -> None:
    """A colleague's votes on a question that is asked here count as votes on that question."""
    [prompt_id] = store.add_prompts([([("user", "why?")], None)], "heldout")
    import_votes_csv(
        store, written(tmp_path, f"a,b,outcome,prompt\nbase,sft,a,why?\nbase,sft,b,{prompt_id}\n")
    )
    assert {vote.prompt for vote in store.standing_votes()} == {prompt_id}
    assert [prompt.source for prompt in store.prompts()] == ["heldout"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("\n\n", 1, "the file is empty"),
        ("model_a,model_b,winner\n", 1, "unknown column 'model_a'"),
        ("a,b\n", 1, "no column 'outcome'"),
        ("a,b,outcome,a\n", 1, "column 'a' twice"),
        ("a,b,outcome\nbase,sft,a\nbase,sft\n", 3, "2 cells where the first line has 3"),
        ("a,b,outcome\nbase,sft,left\n", 2, "outcome 'left' is none of a, b, tie, both_bad"),
        ("a,b,outcome\nbase,sft,A\n", 2, "outcome 'A' is none of a, b, tie, both_bad"),
        ("a,b,outcome\n,sft,a\n", 2, "no name in column a"),
        ("a,b,outcome\nbase,  ,a\n", 2, "no name in column b"),
        ("a,b,outcome\nbase,base,tie\n", 2, "'base' against itself"),
        ('a,b,outcome,prompt\nbase,sft,a,"two\nlines"\nbase,sft,a,"two\nlines",\n', 4, "5 cells"),
        ('a,b,outcome\nbase,sft,a\nbase,"sft,a\n', 3, "unexpected end of data"),
        ('a,b,outcome\nbase,"sft"x,a\n', 2, "expected after"),
        ("a,b,outcome\nbase,sft,a\rbase,sft,a\n", 2, "new-line character"),
        (b"a,b,outcome\nbase,sft,a\nbase,caf\xe9,a\n", 3, "not UTF-8"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_imported(
    store: Store, tmp_path: Path, text: str | bytes, line: int, words: str
) -> None:
    """A bad line is shown as file, line and what is wrong with it, and none of the file is imported."""
    file = written(tmp_path, text)
    with pytest.raises(FtarenaError) as caught:
        import_votes_csv(store, file)
    assert caught.value.message.startswith(f"{file}:{line}: ")
    assert words in caught.value.message
    assert caught.value.hint
    assert store.standing_votes() == []
    assert store.contestants() == []
    assert store.rows("SELECT count(*) FROM labelers") == [(0,)]
    import_votes_csv(store, written(tmp_path, "a,b,outcome\nbase,sft,a\n"))  # and the next one works


def test_a_file_that_is_not_there(store: Store, tmp_path: Path) -> None:
    """A wrong path is one message."""
    with pytest.raises(FtarenaError, match="cannot read"):
        import_votes_csv(store, tmp_path / "none.csv")
    with pytest.raises(FtarenaError, match="cannot read"):
        import_votes_csv(store, tmp_path)


def test_hostile_names_stay_data(store: Store, tmp_path: Path) -> None:
    """SQL, escapes and markup in names are names."""
    names = ["'; DROP TABLE battles; --", "\x1b]52;c;aGk=\x07", "[@click=app.quit]x[/]", "=1+1", "\u202etfs"]
    lines = "".join(
        f"base,{json.dumps(name, ensure_ascii=False)},a\n" for name in names if "\x1b" not in name
    )
    lines += f'base,"{names[1]}",a\n'
    import_votes_csv(store, written(tmp_path, "a,b,outcome\n" + lines))
    assert {vote.right for vote in store.standing_votes()} == set(names)


def test_a_file_is_imported_while_others_vote(store: Store, tmp_path: Path) -> None:
    """Reading a large file locks nobody out: only the copying of what was read does."""
    with Store.open(store.path) as other:

        def lines() -> Iterator[bytes]:
            yield b"a,b,outcome\n"
            other.add_contestant("while reading")  # would wait 30 s and fail if the arena were locked
            yield b"base,sft,a\n"

        fifo = tmp_path / "fifo.csv"
        import os
        import threading

        os.mkfifo(fifo)

        def feed() -> None:
            with fifo.open("wb") as out:
                for line in lines():
                    out.write(line)
                    out.flush()

        feeder = threading.Thread(target=feed)
        feeder.start()
        report = import_votes_csv(store, fifo)
        feeder.join()
    assert report.added == 1
    assert store.contestant("while reading") is not None


def test_a_large_file_needs_no_more_memory(store: Store, tmp_path: Path) -> None:
    """Memory does not grow with the file: thirty thousand lines take a few MB."""
    rows = "".join(
        f"m{number % 7},n{number % 5},{'a' if number % 3 else 'b'},l{number % 50},question number {number}\n"
        for number in range(30_000)
    )
    file = written(tmp_path, "a,b,outcome,labeler,prompt\n" + rows)
    import_votes_csv(store, written(tmp_path, "a,b,outcome\nx,y,a\n", "small.csv"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert import_votes_csv(store, file).added == 30_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16_000  # kB
    assert store.rows("SELECT count(*) FROM prompts") == [(30_000,)]


def test_votes_are_in_the_order_of_the_file(store: Store, tmp_path: Path) -> None:
    """The sequential test looks after every vote, so the order of the file is the order they were cast."""
    outcomes = ["a", "b", "b", "a", "tie", "a", "both_bad", "b", "a", "a"]
    lines = "".join(f"base,sft,{outcome}\n" for outcome in outcomes)
    import_votes_csv(store, written(tmp_path, "a,b,outcome\n" + lines))
    words = {"left": "a", "right": "b"}
    assert [words.get(vote.outcome, vote.outcome) for vote in store.standing_votes()] == outcomes
    assert isinstance(store.standing_votes()[0], VoteRow)


def test_a_disk_that_gets_full_is_what_i_am_told(store: Store, tmp_path: Path) -> None:
    """When the disk is full half way, that is said, nothing is imported, and it works with more room."""
    lines = "".join(f"base,sft,a,me,prompt {number}\n" for number in range(20_000))
    file = written(tmp_path, f"a,b,outcome,labeler,prompt\n{lines}")
    (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
    # Room for the prompts, not for all of the votes: full while the staged lines are being read.
    store.connection.execute(f"PRAGMA max_page_count = {pages + 2500}")
    with pytest.raises(FtarenaError, match="no space left on the disk") as caught:
        import_votes_csv(store, file)
    assert "df -h" in caught.value.hint
    assert store.standing_votes() == []
    store.connection.execute("PRAGMA max_page_count = 1000000")
    assert import_votes_csv(store, file).added == 20_000


def test_a_full_temporary_folder_is_what_i_am_told(store: Store, tmp_path: Path) -> None:
    """When there is no room even for reading the file, that is said too."""
    lines = "".join(f"base,sft,a,me,prompt {number}\n" for number in range(2_000))
    file = written(tmp_path, f"a,b,outcome,labeler,prompt\n{lines}")
    (pages,) = store.connection.execute("PRAGMA temp.page_count").fetchone()
    store.connection.execute(f"PRAGMA temp.max_page_count = {pages + 10}")
    with pytest.raises(FtarenaError, match="no space left on the disk"):
        import_votes_csv(store, file)


@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_named(store: Store, tmp_path: Path, code: str) -> None:
    """A spreadsheet's "Unicode text" is called UTF-16, with the command that converts that."""
    file = written(tmp_path, "\ufeffa,b,outcome\nbase,sft,a\n".encode(code))
    with pytest.raises(FtarenaError, match="UTF-16") as caught:
        import_votes_csv(store, file)
    assert "iconv -f UTF-16 -t UTF-8" in caught.value.hint


def test_a_mistake_among_lone_returns_has_its_line(store: Store, tmp_path: Path) -> None:
    """Lines that end as they did on old Macs are counted as lines."""
    file = written(tmp_path, b"a,b,outcome\rbase,sft,a\rbase,sft,c\r")
    with pytest.raises(FtarenaError, match=r"votes\.csv:3: outcome"):
        import_votes_csv(store, file)
