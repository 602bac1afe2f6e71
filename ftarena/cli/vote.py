"""The commands of whoever votes: `vote` and `chat`."""

import os
import sys
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, Labeler, Only, app, labeler_name, places
from ftarena.cli.opening import open_program


@app.command()
def vote(
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line: for pipes and screen readers.")
    ] = False,
    db: Db = None,
    labeler: Labeler = None,
    contestant: Only = None,
) -> None:
    """Vote blind: which answer is better?"""
    if not plain and sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        raise typer.Exit(open_program(db, labeler, contestant, "vote"))
    from ftarena.plain.vote import vote as vote_plain

    workspace, database = places(db)
    raise typer.Exit(vote_plain(workspace, database, labeler=labeler_name(labeler), contestants=contestant))


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
