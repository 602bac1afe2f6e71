"""Foreign text on its way to a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.text import clean_line, clean_text, duration, shorten, size


@given(st.text())
def test_nothing_a_terminal_would_obey_is_left(text: str) -> None:
    """Whatever a model writes, my terminal only ever shows it."""
    cleaned = clean_text(text)
    assert all(sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs") for sign in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """Text may pass the door more than once."""
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Accents, emoji, CJK and mathematical signs are nobody's enemy."""
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "]52;c;aGk="),
        ("\x1b]0;I am dpo-1\x1b\\hi", "]0;I am dpo-1\\hi"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x9b31mred", "31mred"),
        ("a\u202eb", "ab"),
    ],
)
def test_sequences_become_harmless_text(raw: str, shown: str) -> None:
    """A clipboard write or a title change in an answer does nothing."""
    assert clean_text(raw) == shown


def test_a_line_is_one_line_and_a_short_one_is_short() -> None:
    """A table cell never breaks its row."""
    assert clean_line("a\nb\t\x1b[2J c") == "a b [2J c"
    assert shorten("abcdefgh", 5) == "abcd…"
    assert shorten("abc", 5) == "abc"


def test_spans_and_sizes_read_as_people_say_them() -> None:
    """A wait is in minutes, a disk in gigabytes."""
    assert [duration(s) for s in (0.4, 59, 125, 12_000)] == ["0 s", "59 s", "2 min 05 s", "3 h 20 min"]
    assert [size(n) for n in (12, 98_000_000, 4_100_000_000)] == ["12 B", "98 MB", "4.1 GB"]
