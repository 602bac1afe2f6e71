"""The commands about runs: looking at them, stopping, pausing and resuming them.

Other modules register their commands about runs on `runs_app`.
"""

from typing import Annotated

import typer

from ftarena.cli.app import AsJson, group, places

runs_app = group("runs", "What is training and what was trained.")


@runs_app.callback(invoke_without_command=True)
def runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List every run, the newest first."""
    if context.invoked_subcommand is None:
        from ftarena.plain.runs import list_all

        raise typer.Exit(list_all(places(None)[0], as_json=as_json))


RunId = Annotated[
    str, typer.Argument(help="A run's id, the beginning of one, or its name (then the newest).")
]


@runs_app.command("show")
def runs_show(run: RunId, as_json: AsJson = False) -> None:
    """Show one run: state, losses, adapter, and the command that made it."""
    from ftarena.plain.runs import show

    raise typer.Exit(show(places(None)[0], run, as_json=as_json))


@runs_app.command("logs")
def runs_logs(
    run: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 40,
) -> None:
    """Print the log of a run."""
    from ftarena.plain.runs import logs

    raise typer.Exit(logs(places(None)[0], run, follow=follow, lines=lines))


@runs_app.command("stop")
def runs_stop(
    run: RunId,
    now: Annotated[
        bool, typer.Option("--now", help="Kill it; what it learned since its last checkpoint is lost.")
    ] = False,
) -> None:
    """Stop a run after the current step; what it has learned so far is kept and can be used."""
    from ftarena.plain.run_control import stop

    raise typer.Exit(stop(places(None)[0], run, now=now))


@runs_app.command("pause")
def runs_pause(run: RunId) -> None:
    """Let a run save a checkpoint after the current step and give the device back, to go on later."""
    from ftarena.plain.run_control import pause

    raise typer.Exit(pause(places(None)[0], run))


@runs_app.command("resume")
def runs_resume(
    run: RunId,
    queue: Annotated[bool, typer.Option("--queue", help="Wait until the runs before it have ended.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Go on though packages have other versions than it began with.")
    ] = False,
) -> None:
    """Let an interrupted, stopped or paused run go on from its newest whole checkpoint.

    It is the same run on the same data. A new run from an old adapter is: ftarena train R.yaml --init-from ID
    """
    from ftarena.plain.run_control import resume

    raise typer.Exit(resume(places(None)[0], run, queue=queue, force=force))
