"""How an answer looks, in counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.scoring.looks import looks


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("", (0, 0, 0, 0)),
        ("Two words", (2, 0, 0, 0)),
        (
            "# Title\n\nSome **bold** and **more of it**.\n\n- one\n- two\n  * three\n1. four\n2) five",
            (18, 1, 2, 5),
        ),
        ("#hashtag, 3.14 and 2 * 3 * 4, a**b**c", (9, 0, 1, 0)),
        ("```md\n# not a header\n- not an item\n```\nend", (11, 0, 0, 0)),
        ("```\n- an open fence\n- goes on to the end", (11, 0, 0, 0)),
        ("__init__ is a name, __two words__ are bold", (8, 0, 2, 0)),
    ],
)
def test_counts(text: str, counted: tuple[int, ...]) -> None:
    """Headers, bold spans and list items are counted outside of code; words everywhere."""
    assert tuple(looks(text)) == counted


@given(st.text(max_size=200))
def test_any_text_has_looks(text: str) -> None:
    """Whatever a model writes has counts, none of them negative."""
    assert min(looks(text)) >= 0
