"""The commands that close the loop: `improve` trains on the votes, `generations` shows the tree."""

from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, Only, app, places, places_to_read
from ftarena.cli.train import Follow, Queue

_KEYS = {"ignore_unknown_options": True, "allow_extra_args": True}


@app.command(context_settings=_KEYS)
def improve(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(help="The run to go on from. Default: the best-rated one.", show_default=False),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="dpo learns from pairs, kto from answers labelled good and bad.")
    ] = "dpo",
    agreement: Annotated[
        float | None,
        typer.Option("--agreement", min=0, max=1, help="Least share of the votes for the better answer."),
    ] = None,
    margin: Annotated[
        int | None, typer.Option("--margin", min=1, help="Least votes that the better answer is ahead.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only prompts of this category (may be repeated).")
    ] = None,
    contestant: Only = None,
    labeler: Annotated[
        list[str] | None, typer.Option("--labeler", help="Only votes of this labeler (may be repeated).")
    ] = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", help="By this criterion instead of the vote itself.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only votes since this time, ISO 8601 in UTC.")
    ] = None,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="Also battles in which an answer gave itself away.")
    ] = False,
    judges: Annotated[
        bool, typer.Option("--judges", help="Votes of judges instead of people's; never both.")
    ] = False,
    hold_out: Annotated[
        float | None,
        typer.Option("--hold-out", min=0, max=0.9, help="Share of prompts kept for the next comparison."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also use pairs that the run was trained on already.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be trained, and start nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    follow: Follow = False,
    queue: Queue = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Also with fewer than 8 pairs, votes like coin flips, errors, or too little memory.",
        ),
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Train the next run on the votes, from the best one, and bring it into the arena.

    Makes preference pairs, takes how far labelers agree as the doubt (label_smoothing), checks the pairs,
    plans, asks, and trains. Every key of a recipe is also an option, such as --learning-rate 2e-5.
    """
    from ftarena.plain.improve import Asked, selection_of
    from ftarena.plain.improve import improve as improve_plain
    from ftarena.plain.train import parse_overrides
    from ftarena.store.preferences import PairFilter

    words = list(context.args)
    if run is not None and run.startswith("--"):  # a key of the recipe stood first: no run was named
        words, run = [run, *words], None
    selection = selection_of(
        contestants=contestant,
        labelers=labeler,
        categories=category,
        criterion=criterion,
        since=since,
        leaked=leaked,
        judges=judges,
    )
    asked = Asked(
        run=run,
        method=method,
        which=PairFilter(selection, agreement, margin),
        overrides=parse_overrides(words),
        hold_out=hold_out,
        again=again,
        plan=plan,
        yes=yes,
        follow=follow,
        queue=queue,
        force=force,
        as_json=as_json,
    )
    raise typer.Exit(improve_plain(*places(db), asked))


@app.command()
def generations(as_json: AsJson = False, db: Db = None) -> None:
    """Tell which votes made which model, and what each gained and forgot."""
    from ftarena.plain.generations import generations as generations_plain

    workspace, database = places_to_read(db)
    raise typer.Exit(generations_plain(workspace, database, as_json=as_json))
