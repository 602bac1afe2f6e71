"""Voting from a script that doesn't know what is asked."""

import io
from pathlib import Path

import pytest

from ftarena.arena import Arena
from ftarena.arena.settings import in_words, write_settings
from ftarena.errors import FtarenaError
from ftarena.plain.vote import sitting
from ftarena.store import Store

from .conftest import fill


def _arena(path: Path, labeler: str, **settings: str) -> tuple[Store, Arena]:
    store = Store.open(path / "arena.db")
    if not store.contestants():
        fill(store, ["base", "sft-1"], ["One?", "Two?"])
    write_settings(store, settings)
    return store, Arena(store, labeler=labeler)


def _sit(arena: Arena, keys: str) -> str:
    out = io.StringIO()
    assert sitting(arena, lambda: False, io.StringIO(keys), out) == 0
    return out.getvalue()


def test_a_stream_of_one_key_ends(tmp_path: Path) -> None:
    """`yes a | ftarena vote --plain` ends although it is asked how clear each preference is."""
    store, arena = _arena(tmp_path, "ana", strength="on")
    with store:
        said = _sit(arena, "a\n" * 50)
        assert "the rest is skipped" in said
        assert "Enter skips the rest, m turns these off" in said
        assert len(store.standing_votes()) == 2


def test_q_and_help_work_in_second_questions(tmp_path: Path) -> None:
    """Where I'm asked something more, ? helps and q quits; my vote is kept."""
    store, arena = _arena(tmp_path, "ana", strength="on")
    with store:
        said = _sit(arena, "a\n?\nq\na\n")
        assert "Your vote is kept already." in said
        assert "1 vote in this sitting" in said


def test_overlap_keeps_a_third_voter_out(tmp_path: Path) -> None:
    """With overlap=2 the third voter finds nothing left to vote on."""
    for name in ("ana", "bo", "cy"):
        store, arena = _arena(tmp_path, name, overlap="2")
        with store:
            said = _sit(arena, "a\n" * 2)
            assert ("0 votes in this sitting" in said) == (name == "cy")


@pytest.mark.parametrize("word", ["none", "off", "-", ""])
def test_criteria_can_be_cleared(tmp_path: Path, word: str) -> None:
    """`arena set criteria=none` (or off, or -) asks nothing more, and is shown as none."""
    store, _ = _arena(tmp_path, "ana", criteria="helpful")
    with store:
        assert in_words(write_settings(store, {"criteria": word}), "criteria") == "none"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("criteria", "a,a"),
        ("criteria", "vote"),
        ("criteria", "../x"),
        ("lease_minutes", "0"),
        ("overlap", "0"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, key: str, value: str) -> None:
    """A criterion twice or that is no word, and a lease of no time, are refused with what to give."""
    store, _ = _arena(tmp_path, "ana")
    with store, pytest.raises(FtarenaError, match=key) as caught:
        write_settings(store, {key: value})
    if key == "overlap":
        assert "all" in caught.value.hint
