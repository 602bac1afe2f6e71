"""The command that says who is better."""

import typer

from ftarena.cli.app import AsJson, Db, app, places_to_read


@app.command()
def score(as_json: AsJson = False, db: Db = None) -> None:
    """Say who is better, and how sure that is."""
    from ftarena.plain.scores import score as score_plain

    raise typer.Exit(score_plain(places_to_read(db)[1], as_json=as_json))
