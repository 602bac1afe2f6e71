"""The commands that bring votes in from elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, group, places

votes_app = group("votes", "Votes from elsewhere: other arenas, and files of other programs.")


@votes_app.command("import")
def votes_import(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV (a,b,outcome[,labeler,prompt]; outcome a, b, tie, both_bad), or another program's file."
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="auto (looks into the file), csv, jsonl, fastchat (LMArena), alpaca_eval, argilla or"
            " label-studio.",
        ),
    ] = "auto",
    db: Db = None,
) -> None:
    """Import votes. A bad line is named and nothing is imported; the same file twice adds nothing."""
    from ftarena.plain.votes import import_votes

    raise typer.Exit(import_votes(places(db)[1], file, form))


@votes_app.command("merge")
def votes_merge(
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER.db...", help="Other arenas. They are only read.")
    ],
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Add everything that is in other arenas. In whatever order and however often, the result is the same."""
    from ftarena.plain.merge import merge_votes

    raise typer.Exit(merge_votes(places(db)[1], others, as_json=as_json))
