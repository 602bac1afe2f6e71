"""Reports and pictures as files: there whole or not at all, and readable for their owner only."""

import os
import sys
from pathlib import Path

from ftarena.arena.labeler import default_labeler
from ftarena.arena.standings.history import cast_votes, voted_battles
from ftarena.arena.standings.scoreboard import Asked
from ftarena.errors import FtarenaError
from ftarena.plain.report.page import MOST_BATTLES, fill
from ftarena.plain.report.picture import draw
from ftarena.plain.report.styles import read_looks
from ftarena.plain.scores_view import Slicing, View, look
from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.text import clean_line, size
from ftarena.workspace import Workspace


def write_report(
    database: Path,
    asked: Asked,
    path: Path,
    *,
    slicing: Slicing | None = None,
    workspace: Workspace | None = None,
    with_names: bool = False,
    with_texts: bool = False,
) -> None:
    """Write the scores as one HTML file without scripts or anything to load, and say so.

    Args:
        database: The arena.
        asked: Which votes, and how they are to be taken.
        path: The file; one that is there is replaced.
        slicing: Take the votes apart by this, too.
        workspace: The project whose measurements stand beside the votes.
        with_names: Name the labelers, who are L1, L2 … else.
        with_texts: Put in questions, answers and comments of the newest battles.

    Raises:
        FtarenaError: There are no votes, something cannot be read, or the file cannot be written.
    """
    view = _something(look(database, asked, slicing=slicing, workspace=workspace))
    with Store.open_existing(database) as store:
        votes = cast_votes(store, asked.selection)
        looks = read_looks(store, votes, asked.control)
        battles = (
            voted_battles(store, reader=default_labeler(), selection=asked.selection, most=MOST_BATTLES)
            if with_texts
            else []
        )
    page = fill(view, votes, battles, looks, with_names=with_names).encode()
    _write(path, page)
    texts = f", {counted(len(battles), 'battle')} with texts" if with_texts else ", no texts"
    _say(f"{clean_line(str(path))}: {counted(len(votes), 'vote')}{texts}, {size(len(page))}.")


def write_picture(database: Path, asked: Asked, path: Path) -> None:
    """Write intervals and the course of the verdict as a PNG, and say so.

    Args:
        database: The arena.
        asked: Which votes, and how they are to be taken.
        path: The file; one that is there is replaced.

    Raises:
        FtarenaError: There are no votes, matplotlib is not installed, or the file cannot be written.
    """
    picture = draw(_something(look(database, asked)))
    _write(path, picture)
    _say(f"{clean_line(str(path))}: {size(len(picture))}.")


def _something(view: View) -> View:
    if not view.standing.report.votes:
        raise FtarenaError("there are no votes to report on", "cast some: ftarena vote")
    return view


def _write(path: Path, content: bytes) -> None:
    try:
        if path.exists() and not path.is_file():  # a pipe, or /dev/null, which must not be replaced
            path.write_bytes(content)
            return
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            aside.touch(mode=0o600)
            aside.write_bytes(content)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        where = clean_line(str(path))
        raise FtarenaError(
            f"cannot write {where}: {error.strerror or error}", "give another place"
        ) from error


def _say(words: str) -> None:
    print(words, file=sys.stderr)
