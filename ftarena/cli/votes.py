"""The commands that bring votes in from elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import Db, group, places

votes_app = group("votes", "Votes from elsewhere.")


@votes_app.command("import")
def votes_import(
    file: Annotated[
        Path, typer.Argument(help="CSV: a,b,outcome[,labeler,prompt]; outcome a, b, tie, both_bad.")
    ],
    db: Db = None,
) -> None:
    """Import votes. A bad line is named and nothing is imported; the same file twice adds nothing."""
    from ftarena.plain.votes import import_votes

    raise typer.Exit(import_votes(places(db)[1], file))
