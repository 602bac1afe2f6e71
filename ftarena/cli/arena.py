"""How votes are collected: `arena` and `arena set`."""

from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, group, places, places_to_read
from ftarena.errors import UsageError

arena_app = group("arena", "How votes are collected, and who has voted how much.")


@arena_app.callback(invoke_without_command=True)
def show(context: typer.Context, as_json: AsJson = False, db: Db = None) -> None:
    """Show how votes are collected here, and who has voted how much."""
    if context.invoked_subcommand is not None:
        if as_json or db:
            raise UsageError(
                "options go behind the whole command, not before it", "such as: ftarena arena set … --db FILE"
            )
        return
    from ftarena.plain.arena import show as show_plain

    raise typer.Exit(show_plain(places_to_read(db)[1], as_json=as_json))


@arena_app.command("set")
def change(
    changes: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", help="Such as overlap=3 names=never.")
    ],
    db: Db = None,
) -> None:
    """Change how votes are collected.

    sampler=uniform|balanced|informative, overlap=N|all, lease_minutes=N, names=never|after|end,
    criteria=helpful,correct,…, strength=on|off, attention=0 to 0.5, pace=together|paced|raw.
    """
    from ftarena.plain.arena import change as change_plain

    raise typer.Exit(change_plain(places(db)[1], changes))
