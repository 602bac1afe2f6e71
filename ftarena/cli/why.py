"""The command that says why two contestants differ."""

from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, app, places_to_read


@app.command()
def why(
    one: Annotated[str, typer.Argument(help="A contestant; everything is seen from it.")],
    other: Annotated[str, typer.Argument(help="Another contestant.")],
    judges: Annotated[bool, typer.Option("--judges", help="Explain judges' votes, not people's.")] = False,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only prompts of this category. Repeatable.")
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Say why they differ: what either shows more of, what of it explains the votes, and where it turns."""
    from ftarena.plain.why import why as why_plain
    from ftarena.store import Selection

    selection = Selection(voters="judges" if judges else "people", categories=category)
    raise typer.Exit(why_plain(places_to_read(db)[1], one, other, selection, as_json=as_json))
