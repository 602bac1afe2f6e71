"""How long lines of code go on below themselves."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ftarena.drawing.pieces import Piece, wrap


def test_code_is_broken_between_words() -> None:
    """A comment in a code block isn't broken in the middle of a word."""
    rows = [
        "".join(piece.text for piece in row)
        for row in wrap([Piece("x = 1  # This is practice")], 14, fold=True)
    ]
    assert rows == ["x = 1  # This ", "is practice"]


@given(st.text(st.sampled_from("ab \u4e2d\u0301"), max_size=60), st.integers(2, 20))
def test_nothing_of_code_is_lost(text: str, width: int) -> None:
    """Every character of a code block is shown, in rows that fit."""
    rows = ["".join(piece.text for piece in row) for row in wrap([Piece(text)], width, fold=True)]
    assert "".join(rows) == text
    assert all(cell_len(row) <= width for row in rows)
