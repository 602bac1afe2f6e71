"""Looking at a run while it goes, and at its curves."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import places
from ftarena.cli.runs import RunId, runs_app


@runs_app.command("watch")
def runs_watch(run: RunId) -> None:
    """Watch a run until it ends: progress, losses, curves, guards; ctrl+c stops watching, not the run."""
    from ftarena.plain.watch import watch
    from ftarena.training.runs import find_run

    workspace = places(None)[0]
    raise typer.Exit(watch(workspace, find_run(workspace, run)))


@runs_app.command("chart")
def runs_chart(
    run: RunId,
    other: Annotated[str | None, typer.Argument(help="A second run, laid over the first.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write it: FILE.csv (all figures), FILE.png or FILE.svg."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="What to draw: loss,grad_norm,… Default: loss; into a file, all."),
    ] = None,
) -> None:
    """Draw the curves of a run, or of two over each other."""
    from ftarena.plain.chart import chart

    names = [name.strip() for given in metric or () for name in given.split(",") if name.strip()]
    raise typer.Exit(chart(places(None)[0], run, other, file=output, metrics=names))
