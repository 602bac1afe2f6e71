"""What the engine tells of a run: exam, less of its adapter, checkpoints; and a base's own answers."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, places
from ftarena.cli.data import Overwrite, data_app
from ftarena.cli.runs import RunId, runs_app


@runs_app.command("examine")
def runs_examine(run: RunId, as_json: AsJson = False) -> None:
    """Let the engine answer as a run and as its base: does it stop, does it recite, does it still know?

    This happens by itself after training (examine: false turns that off). Exit code 1 on an alarm.
    """
    from ftarena.plain.exam import examine_run

    raise typer.Exit(examine_run(places(None)[0], run, as_json=as_json))


@runs_app.command("scale")
def runs_scale(
    run: RunId,
    scales: Annotated[
        str | None,
        typer.Option("--scales", help="Strengths, 0 (the base) to 2. Default: 0,0.25,0.5,0.75,1."),
    ] = None,
    keep: Annotated[
        float | None, typer.Option("--keep", help="Make a run of the adapter at this strength instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what is learned and what is forgotten at part of an adapter's strength."""
    from ftarena.plain.scale import scale

    raise typer.Exit(scale(places(None)[0], run, scales=scales, keep=keep, as_json=as_json))


@runs_app.command("compare")
def runs_compare(run: RunId, as_json: AsJson = False, db: Db = None) -> None:
    """Let the kept checkpoints of a run take part in the arena, so that people choose the best."""
    from ftarena.plain.compare import compare

    workspace, database = places(db)
    raise typer.Exit(compare(workspace, database, run, as_json=as_json))


@data_app.command("replay")
def data_replay(
    model: Annotated[str, typer.Option("--model", "-m", help="The base model that answers, as in a recipe.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1_000_000, help="How many rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The JSONL file to write.")],
    prompts: Annotated[
        str, typer.Option("--prompts", help="What is answered: a file, or the set that comes along.")
    ] = "builtin:replay",
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, max=2, help="1 is the model's own distribution.")
    ] = 1.0,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="Longest answer; what reaches it is left out.")
    ] = 512,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which answers are drawn.")] = 42,
    overwrite: Overwrite = False,
) -> None:
    """Write a base model's own answers to general prompts, to be replayed against forgetting.

    Interrupted and repeated, it goes on. A recipe can do this by itself: replay_dataset: self
    """
    from ftarena.plain.replay import replay

    raise typer.Exit(
        replay(
            places(None)[0],
            model,
            count=count,
            output=output,
            prompts=prompts,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            overwrite=overwrite,
        )
    )
