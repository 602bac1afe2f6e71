"""Curves told apart: marks, dots, signs, and ASCII where there is nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from ftarena.drawing.ascii import to_ascii
from ftarena.drawing.curves import Mark, Series, plot

TRAIN = Series("train", [(x, 3 - x / 50) for x in range(101)], "first")
HELD = Series("held-out", [(x, 3 - x / 80) for x in range(0, 101, 20)], "second", "◆")


def lines(width: int, *series: Series, marks: tuple[Mark, ...] = ()) -> list[str]:
    return ["".join(piece.text for piece in row) for row in plot(series, width, 10, marks=marks)]


def test_a_mark_is_upright_and_under_the_curves() -> None:
    """A mark stands in one column, named in the legend; a curve that crosses it is not cut."""
    drawn = lines(80, TRAIN, HELD, marks=(Mark(50, "overfit since step 50", "bad"), Mark(500, "beyond")))
    columns = {line.index("┊") for line in drawn[:-2] if "┊" in line}
    assert len(columns) == 1
    assert "┊ overfit since step 50" in drawn[-1] and "beyond" not in drawn[-1]


def test_a_marker_keeps_its_style() -> None:
    """A line drawn over a marker takes neither its sign nor its colour."""
    over = Series("other", [(x, 3 - x / 80) for x in range(101)], "third")
    pieces = [piece for row in plot([HELD, over], 80, 10)[:-2] for piece in row]
    markers = [piece for piece in pieces if "◆" in piece.text]
    assert markers and {piece.style for piece in markers} == {"second"}


@given(st.integers(24, 120))
def test_no_row_is_wider_than_the_pane(width: int) -> None:
    """However narrow: names are left out whole, never cut, and values go first."""
    drawn = lines(width, TRAIN, HELD, marks=(Mark(50, "overfit since step 50"),))
    assert all(len(line) <= width for line in drawn)
    assert drawn[-1].count("overfit") == drawn[-1].count("overfit since step 50")


def test_everything_that_is_drawn_has_an_ascii_form() -> None:
    """Frame, curve, markers and marks in ASCII, column for column."""
    drawn = lines(80, TRAIN, HELD, TRAIN._replace(name="dotted", gap=3), marks=(Mark(50, "here"),))
    for line in drawn:
        plain = to_ascii(line)
        assert plain.isascii() and len(plain) == len(line)


def test_a_flat_curve_has_labels_that_differ() -> None:
    """A loss between 1.3858 and 1.3863 is not labelled 1.39 three times."""
    rows = plot([Series("loss", [(0, 1.3863), (10, 1.3858)])], 40, 10)
    labels = [row[0].text.rstrip("┤").strip() for row in rows if row[0].text.endswith("┤")]
    assert len(labels) == len(set(labels)) == 3
    assert labels == sorted(labels, reverse=True)
