"""The commands of whoever votes: `vote` and `chat`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, Labeler, Only, app, labeler_name, places
from ftarena.cli.opening import open_program


@app.command()
def vote(
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line: for pipes and screen readers.")
    ] = False,
    booth: Annotated[
        bool,
        typer.Option("--booth", help="Open nothing but the voting. Always so where names are never shown."),
    ] = False,
    db: Db = None,
    labeler: Labeler = None,
    contestant: Only = None,
) -> None:
    """Vote blind: which answer is better?"""
    if not plain and has_terminal():
        closed = booth or _names_are_never_shown(db)
        raise typer.Exit(open_program(db, labeler, contestant, "vote", booth=closed))
    from ftarena.plain.vote import vote as vote_plain

    workspace, database = places(db)
    raise typer.Exit(vote_plain(workspace, database, labeler=labeler_name(labeler), contestants=contestant))


def has_terminal() -> bool:
    """Return whether there is a terminal that can draw the full-screen program."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _names_are_never_shown(db: Path | None) -> bool:
    """Return what the arena says; one that is not there yet says nothing."""
    database = places(db)[1]
    if not database.exists():
        return False
    from ftarena.arena.settings import read_settings
    from ftarena.store import Store

    with Store.open_existing(database) as store:
        return read_settings(store).names == "never"


@app.command()
def chat(
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What to ask; - reads standard input.")],
    left: Annotated[str, typer.Option(help="A contestant's name, or run:ID.")] = "base",
    right: Annotated[str | None, typer.Option(help="A contestant's name, or run:ID.")] = None,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Ask two contestants the same and print both answers."""
    from ftarena.plain.chat import chat as chat_plain

    workspace, database = places(db)
    raise typer.Exit(chat_plain(workspace, database, left=left, right=right, prompt=prompt, as_json=as_json))
