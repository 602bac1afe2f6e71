"""What all commands share: the app, its groups, options of the same name, and where things lie."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ftarena.workspace import Workspace

app = typer.Typer(
    name="ftarena",
    help="Fine-tune a model, compare it blind with what it was before, vote, and know whether it got better.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Db = Annotated[
    Path | None,
    typer.Option("--db", help="The SQLite file with prompts, answers and votes. Default: .ftarena/arena.db"),
]
Labeler = Annotated[
    str | None,
    typer.Option("--labeler", help="Whose votes these are. Default: $FTARENA_LABELER, else your login."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--contestant", help="Compare only these (give it twice or more). Default: all."),
]


def group(name: str, text: str) -> typer.Typer:
    """Add a group of commands, such as `runs`."""
    made = typer.Typer(help=text, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


def places(db: Path | None) -> tuple["Workspace", Path]:
    """Return the workspace and the database; the workspace's folder is made if the database lies in it."""
    from ftarena.workspace import Workspace

    workspace = Workspace.find()
    if db is None:
        workspace.ensure()
        return workspace, workspace.database
    return workspace, db


def places_to_read(db: Path | None) -> tuple["Workspace", Path]:
    """Return what `places` does; a database that is named must be there already."""
    if db is not None:
        from ftarena.store.database import need_database

        need_database(db)
    return places(db)


def labeler_name(name: str | None) -> str:
    """Return whose votes these are."""
    from ftarena.arena.labeler import default_labeler

    return name or default_labeler()
