"""How rows, tokens and long lists are drawn."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ftarena.curation.sources import Source
from ftarena.curation.tokens.mask import MaskedToken, MaskView
from ftarena.drawing.pieces import Row
from ftarena.text import clean_text
from ftarena.tui.data_lists import AllRows
from ftarena.tui.data_rows import RowTable, key_of, matcher
from ftarena.tui.drawing.example import as_json, draw_blocks, json_blocks, written_out
from ftarena.tui.drawing.mask import mask_rows
from ftarena.tui.screens.help import key_rows

from .data_support import PLANTED, write_lines


def plain(rows: list[Row]) -> list[str]:
    """Return rows as text."""
    return ["".join(piece.text for piece in row) for row in rows]


UNSEEN = {chr(n) for n in (0xAD, 0x180E, 0x200B, *range(0x2060, 0x2065), *range(0xFFF9, 0xFFFC))}
UNSEEN |= {chr(n) for n in range(0xE0000, 0xE0080)}


def test_what_no_terminal_shows() -> None:
    """A zero-width space or a text hidden in tags is seen, and in JSON stays what it is; emoji stay whole."""
    assert written_out("a\u200bb \U000e0041") == "a‹U+200B›b ‹U+E0041›"
    assert as_json("a\u200b\U000e0041") == '"a\\u200b\\udb40\\udc41"'
    assert written_out("👩\u200d🚒") == "👩\u200d🚒"


def test_json_is_broken_between_words() -> None:
    """A long text in the JSON view is wrapped between words."""
    shown = plain(draw_blocks(json_blocks({"prompt": "many words " * 30}), 40))
    assert all(len(row) <= 40 for row in shown) and not any(row.endswith((" wor", " man")) for row in shown)


@pytest.mark.parametrize("width", [40, 70, 104])
def test_help_hangs(width: int) -> None:
    """What a key does goes on below itself, not below the key."""
    keys = [("o  O", "open files, a folder or a data set " * 4), ("x", "exclude")]
    shown = plain(key_rows("Here", keys, width))
    assert shown[0] == "Here" and shown[1].startswith("o  O   open files")
    assert all(row.startswith("       ") for row in shown[2:-1]) and shown[-1] == "x      exclude"
    assert all(cell_len(row) <= width for row in shown)


@given(st.text())
def test_written_out_is_clean(text: str) -> None:
    """Whatever a row holds, nothing that a terminal obeys is left when it is written out."""
    shown = written_out(text)
    assert clean_text(shown) == shown
    assert shown == text or clean_text(text) != text or set(text) & UNSEEN


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_shown_json_is_the_same_row(value: dict[str, object]) -> None:
    """What I edit is the row: it reads back as what was in the file, and is clean."""
    text = as_json(value)
    assert json.loads(text) == value and clean_text(text) == text


TOKENS = st.lists(
    st.builds(
        MaskedToken,
        id=st.integers(0, 9),
        text=st.text(st.characters(codec="utf-8"), max_size=12),
        trained=st.booleans(),
        special=st.booleans(),
    ),
    max_size=30,
)


@given(TOKENS, st.integers(4, 60))
def test_every_token_has_its_mark(tokens: list[MaskedToken], width: int) -> None:
    """Each token begins at one mark of the ruler, which says whether it is learned; no row is too wide."""
    view = MaskView(tuple(tokens), sum(token.trained for token in tokens), None, ())
    shown = plain(mask_rows([("conversation", view)], width))
    assert all(cell_len(row) <= width for row in shown)
    head = len(mask_rows([("conversation", MaskView((), 0, None, ()))], width))
    rulers = [row for row in shown[head:] if row and set(row) <= set("┗━╵ ")]
    marks = [sign == "┗" for row in rulers for sign in row if sign in "┗╵"]
    assert marks == [token.trained for token in tokens] or any(
        set(token.text) & set("┗━╵ ") for token in tokens
    )


def test_where_it_is_cut() -> None:
    """What max_length cuts off lies below a line that says so, and carries no mark of learning."""
    tokens = tuple(MaskedToken(n, f"w{n} ", True, False) for n in range(6))
    shown = plain(mask_rows([("conversation", MaskView(tokens, 6, 4, ()))], 40))
    cut = next(n for n, row in enumerate(shown) if row.startswith("── ✂ cut here: 4 tokens fit"))
    assert shown[cut - 1].count("┗") == 4 and "┗" not in shown[cut + 2]
    assert "✂ 2 cut off" in shown[0]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
def test_a_table_of_rows(tmp_path: Path, name: str) -> None:
    """All rows of a file are listed with their lines, whatever its format; rows are found by their words."""
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text('prompt,completion\nOne?,1\n"Two\nlines?",2\nGröße?,3\n')
        source, lines = Source(path, "csv"), [2, 3, 5]
    else:
        write_lines(
            path, ['{"prompt": "One?"}', "", '{"prompt": "Two\\nlines?"}', '{"prompt": "Gr\\u00f6\\u00dfe?"}']
        )
        source, lines = Source(path), [1, 3, 4]
    table = RowTable.build(source)
    assert list(table.lines) == lines
    assert table.beginnings(0, 3) == ["One?", "Two lines?", "Größe?"]
    assert list(RowTable.build(source, matcher("GRÖß")).lines) == lines[2:]
    assert not len(RowTable.build(source, matcher("nowhere")))


def test_what_is_no_row(tmp_path: Path) -> None:
    """In the list of all rows, a line that holds no object says so."""
    table = RowTable.build(Source(write_lines(tmp_path / "odd.jsonl", ["null", '["a", "b"]', "3"])))
    assert table.beginnings(0, 3) == [
        "✕ no row but null: null",
        '✕ no row but a list: ["a", "b"]',
        "✕ no row but a number: 3",
    ]


def test_rows_are_read_when_looked_at(tmp_path: Path) -> None:
    """Two files are one list; how a row begins is read with its neighbours, once it is looked at."""
    sources = [Source(write_lines(tmp_path / name, PLANTED)) for name in ("a.jsonl", "b.jsonl")]
    wanted: list[int] = []
    listed = AllRows([RowTable.build(s) for s in sources], lambda place: " ", lambda: wanted.append(1))
    assert len(listed) == 2 * len(PLANTED)
    assert listed[9].cells == (" ", "b.jsonl:2", "…") and wanted == [1]
    listed.fetch()
    assert listed[9].cells[2] == "How do I find files larger than 1 GB?"
    assert listed.place_of(key_of((tmp_path / "b.jsonl", 2))) == 9
    assert listed.place_of("#3") is None
    assert [row.key for row in listed][9] == listed[9].key
