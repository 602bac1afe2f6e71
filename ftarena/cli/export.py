"""The commands that write files for elsewhere: votes, preference pairs, and models to ship."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, group, places_to_read

export_app = group("export", "A model to ship, and votes as files: a table, or pairs for DPO.")

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file to write. Default: standard output.")
]


@export_app.command("model")
def export_model(
    run: Annotated[str, typer.Argument(help="A run's id, the beginning of one, or its name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    adapter: Annotated[
        bool, typer.Option("--adapter", help="The adapter alone, not merged into its base.")
    ] = False,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="A step, or `best`. Default: as the run ended.")
    ] = None,
    scale: Annotated[
        float,
        typer.Option(
            "--scale", help="How much of what was learned, above 0: 0.5 is half the way, 2 the most."
        ),
    ] = 1.0,
    dtype: Annotated[
        str, typer.Option("--dtype", help="as-base, float32 or bfloat16: how numbers are stored.")
    ] = "as-base",
    verify: Annotated[
        bool,
        typer.Option(help="Compare it with the adapter before it is called done; needs the model in memory."),
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that lies there.")] = False,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Write what a run learned as a model that transformers, vLLM and Ollama load.

    An adapter is merged into its base, and the result is compared with the adapter: it gives the same
    log-probabilities, or nothing is left of it.
    """
    from ftarena.plain.export_model import export_model as export

    workspace, database = places_to_read(db)
    raise typer.Exit(
        export(
            workspace,
            database,
            run,
            output,
            adapter_only=adapter,
            checkpoint=checkpoint,
            scale=scale,
            dtype=dtype,
            verify=verify,
            force=force,
            as_json=as_json,
        )
    )


@export_app.command("votes")
def export_votes(
    output: Output = None,
    form: Annotated[
        str, typer.Option("--format", help="csv (can be imported again) or jsonl (everything).")
    ] = "csv",
    db: Db = None,
) -> None:
    """Write every vote that stands."""
    from ftarena.plain.votes import export_votes as export

    raise typer.Exit(export(places_to_read(db)[1], output, form))


@export_app.command("dpo")
def export_dpo(output: Output = None, db: Db = None) -> None:
    """Write preference pairs as TRL reads them; ties and both bad are left out."""
    from ftarena.plain.votes import export_dpo as export

    raise typer.Exit(export(places_to_read(db)[1], output))
