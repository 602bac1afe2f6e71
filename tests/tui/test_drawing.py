"""What is drawn from text and numbers: laws that hold for any text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ftarena.drawing.curves import Series, number, plot
from ftarena.drawing.pieces import Piece, wrap
from ftarena.errors import UsageError
from ftarena.tui.drawing.differences import differing_words
from ftarena.tui.drawing.dress import dress, mark
from ftarena.tui.drawing.intervals import Axis, bar
from ftarena.tui.drawing.pacing import Stream, common_pieces
from ftarena.tui.drawing.slash import complete, parse, temperature
from ftarena.tui.screens.runs_asking import hung

LINES = st.text(st.characters(blacklist_characters="\n\r\t", blacklist_categories=("Cs", "Cc")), max_size=200)
TEXTS = st.one_of(
    LINES,
    st.text("ab `*#\u65e5\U0001f389\u0301\u200d ", max_size=300),
    st.from_regex(r"(\w{0,30} {0,3}){0,9}"),
)


def plain(row: list[Piece]) -> str:
    """Return a row's text."""
    return "".join(piece.text for piece in row)


@given(TEXTS.filter(lambda text: "\n" not in text), st.integers(2, 60), st.booleans())
def test_wrapping_fits_and_loses_nothing(text: str, width: int, fold: bool) -> None:
    """Every row fits; every sign that is not white space is there, in order and with its style."""
    pieces, _ = dress(text, False)
    rows = wrap(pieces, width, fold=fold)
    assert rows
    for row in rows:
        assert cell_len(plain(row).rstrip("\u200d\ufe0f")) <= width
    shown = [
        (sign, piece.style) for row in rows for piece in row for sign in piece.text if not sign.isspace()
    ]
    given_ = [(sign, piece.style) for piece in pieces for sign in piece.text if not sign.isspace()]
    assert shown == given_
    if fold and "\t" not in text:
        assert "".join(map(plain, rows)) == text


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("the quick brown fox", 10, ["the quick", "brown fox"]),
        ("  indented line of text", 12, ["  indented", "line of text"]),
        ("aaaaaaaaaa", 4, ["aaaa", "aaaa", "aa"]),
        ("see aaaaaaaaaa now", 4, ["see", "aaaa", "aaaa", "aa", "now"]),
        ("日本語日本語", 4, ["日本", "語日", "本語"]),
        ("", 10, [""]),
        ("a  b", 2, ["a", "b"]),
    ],
)
def test_wrapping(text: str, width: int, rows: list[str]) -> None:
    """Words stay whole where they fit; what is longer than a row is cut."""
    assert [plain(row) for row in wrap([Piece(text)], width)] == rows


def test_tabs_become_columns() -> None:
    """A tab in code moves to the next multiple of four."""
    assert plain(wrap([Piece("\tif x:\ty")], 40, fold=True)[0]) == "    if x:   y"


def test_ten_thousand_signs_are_quick() -> None:
    """One line of 10,000 signs is wrapped in a time that is not felt."""
    import time

    began = time.perf_counter()
    for text in ("x" * 10_000, "日🎉" * 5_000, "** " * 3_000 + "`" * 1_000):
        wrap(dress(text, False)[0], 38)
    assert time.perf_counter() - began < 1.0


@given(TEXTS.filter(lambda text: "\n" not in text), st.booleans())
def test_dressing_keeps_the_text(line: str, in_fence: bool) -> None:
    """Styles never change what was written."""
    assert plain(dress(line, in_fence)[0]) == line


def test_fences_and_marks() -> None:
    """Code, strong and headings are seen; a fence lasts until it closes; what is unfinished is plain text."""
    assert dress("```bash", False) == ([Piece("```bash", "fence")], True)
    assert dress("**no** `no`", True) == ([Piece("**no** `no`", "code")], True)
    assert dress("```", True) == ([Piece("```", "fence")], False)
    assert dress("# Title", False)[0] == [Piece("# Title", "strong")]
    assert dress("use `ls` or **not**", False)[0] == [
        Piece("use "), Piece("`ls`", "code"), Piece(" or "), Piece("**not**", "strong"),
    ]  # fmt: skip
    assert dress("an open ` and **", False)[0] == [Piece("an open ` and **")]


@given(LINES, LINES)
def test_differences_mirror(left: str, right: str) -> None:
    """Equal texts do not differ; swapping the sides swaps the marks; marks lie inside their text."""
    assert differing_words(left, left) == ([], [])
    for text, ranges in zip((left, right), differing_words(left, right), strict=True):
        assert all(0 <= start < end <= len(text) for start, end in ranges)
        pieces = mark(dress(text, False)[0], ranges, "changed")
        assert plain(pieces) == text
        marked = "".join(p.text for p in pieces if "changed" in p.style)
        assert marked == "".join(text[start:end] for start, end in ranges)


def test_differing_words() -> None:
    """Only the words that differ are marked, whatever the white space."""
    left, right = "Lists the  files here.", "Lists all files\nhere."
    in_left, in_right = differing_words(left, right)
    assert [left[a:b] for a, b in in_left] == ["the"]
    assert [right[a:b] for a, b in in_right] == ["all"]


TICKS = st.integers(1, 8).map(lambda n: n / 8)  # eighths of a second add up exactly


def watched(counts: tuple[int, int], steps: tuple[float, float], frames: int) -> list[tuple[int, int]]:
    """Return what is shown of two answers, frame by frame, that are written a piece every so often."""
    seen, most = [], 0
    for frame in range(frames):
        now = frame / 8
        arrived = [min(int(now / step), count) for step, count in zip(steps, counts, strict=True)]
        most = max(most, common_pieces(
            [
                Stream(have, step if have else None, have * step if have else None, have == count)
                for have, step, count in zip(arrived, steps, counts, strict=True)
            ],
            now,
        ))  # fmt: skip
        seen.append((min(most, counts[0], arrived[0]), min(most, counts[1], arrived[1])))
    return seen


@given(st.tuples(st.integers(3, 30), st.integers(3, 30)), st.tuples(TICKS, TICKS))
def test_swapped_speeds_look_the_same(counts: tuple[int, int], steps: tuple[float, float]) -> None:
    """Whichever of two models is the faster one, at any time as much of both answers is to be seen."""
    frames = 8 * (2 + max(counts))
    shown = watched(counts, steps, frames)
    assert shown == watched(counts, steps[::-1], frames)
    assert shown[-1] == counts


@given(st.tuples(st.integers(0, 30), st.integers(0, 30)), st.booleans(), st.booleans(), st.floats(0, 100))
def test_pacing_knows_no_sides(pieces: tuple[int, int], one: bool, other: bool, now: float) -> None:
    """What is shown depends on what has arrived, not on the side; a running one shows no more than it has."""
    streams = [
        Stream(count, 1.0 if count else None, 2.0 + place if count else None, ended)
        for place, (count, ended) in enumerate(zip(pieces, (one, other), strict=True))
    ]
    shown = common_pieces(streams, now)
    assert shown == common_pieces(streams[::-1], now)
    assert all(shown <= stream.pieces for stream in streams if not stream.ended)


FINITE = st.floats(-1e6, 1e6)
POINTS = st.lists(st.tuples(FINITE, st.one_of(FINITE, st.just(math.nan), st.just(math.inf))), max_size=40)


@given(POINTS, POINTS, st.integers(1, 120), st.integers(1, 30))
def test_curves_fit(
    first: list[tuple[float, float]], second: list[tuple[float, float]], w: int, h: int
) -> None:
    """Any figures, also none, equal ones, NaN and infinity, make a drawing that fits its place."""
    rows = plot([Series("a", first, "first"), Series("b", second, "second", "◆")], w, h)
    assert len(rows) == 1 or len(rows) == h
    if len(rows) > 1:
        assert all(cell_len(plain(row)) <= w for row in rows[:-1])


def test_a_falling_curve_falls() -> None:
    """The line goes from top left to bottom right, with labels for both axes and a marker for each point."""
    rows = [plain(r) for r in plot([Series("loss", [(0, 3), (50, 2), (100, 1)], "first", "◆")], 40, 10)]
    assert [row.index("◆") for row in rows[:8] if "◆" in row] == sorted(
        r.index("◆") for r in rows[:8] if "◆" in r
    )
    assert "◆" in rows[0] and "◆" in rows[7]
    assert "step 100" in rows[8] and "◆ loss 1.00" in rows[9]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (2.914, "2.91"), (0.01234, "0.0123"), (1204.4, "1,204"), (1.2e-5, "1.2e-05"), (125.04, "125")],
)
def test_numbers(value: float, words: str) -> None:
    """A label has the digits that can be used."""
    assert number(value) == words


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 60))
def test_bars_fit(a: float, b: float, c: float, width: int) -> None:
    """A bar is as wide as it is told, with its point on it."""
    low, point, high = sorted((a, b, c))
    drawn = bar(Axis(0, 1, width), low, point, high, mark=0.5)
    assert cell_len(drawn) == width and drawn.count("●") == 1


def test_open_ends() -> None:
    """A bound that the votes do not give is drawn as open, not as a number."""
    assert bar(Axis(0, 10, 11), None, 5, 8) == "‹────●──┤  "
    assert bar(Axis(0, 10, 11), 2, 5, None) == "  ├──●────›"
    assert bar(Axis(0, 10, 11), None, None, None, mark=5) == "     ┊     "


def test_commands_are_read() -> None:
    """A command is one line of / and letters; paths, comments and pasted code are prompts."""
    assert parse("/left base") == ("left", "base")
    assert parse("/sys  Be brief. ") == ("system", "Be brief.")
    assert parse("/usr/bin/env python") is None
    assert parse("/* a comment */") is None
    assert parse("/left base\nand more") is None
    with pytest.raises(UsageError, match="no /nothing"):
        parse("/nothing")


def test_completion() -> None:
    """Commands and their arguments are completed, best first; a prompt is not."""
    assert complete("/l", {}) == ["/left "]
    assert complete("/left s", {"left": ["base", "sft-1", "dpo-s"]}) == [
        "/left sft-1", "/left base", "/left dpo-s",
    ]  # fmt: skip
    assert complete("hello", {}) == []
    assert complete("/left base", {"left": ["base"]}) == []


@pytest.mark.parametrize("argument", ["hot", "", "-1", "3", "nan"])
def test_temperatures(argument: str) -> None:
    """/temp takes numbers from 0 to 2 and says so."""
    assert temperature("0.7") == 0.7
    with pytest.raises(UsageError):
        temperature(argument)


def test_a_plan_wraps_below_its_own_column() -> None:
    """In a narrow window what does not fit goes on under its figures, never at the left edge."""
    text = "data    a great many examples of every kind, and more\n"
    text += "          weights in bfloat16 and more words\nfits: yes"
    rows = ["".join(piece.text for piece in row) for row in hung(text, 30)]
    assert rows == [
        "data    a great many examples",
        "        of every kind, and",
        "        more",
        "          weights in bfloat16",
        "          and more words",
        "fits: yes",
    ]
