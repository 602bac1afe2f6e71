"""`ftarena plan`: what a run will take, before anything is loaded."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, app


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def plan(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="A recipe (YAML) or the name of a preset.", metavar="RECIPE")],
    gpu: Annotated[
        str | None,
        typer.Option("--gpu", metavar="CARD", help='Plan for another card: 24GB, "H100 80GB", 4090, or cpu.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run will take: steps, memory, time, disk; whether it fits, and if not, what to change.

    Nothing is loaded but the model's config.json and its tokenizer, and nothing is started. Every key of a
    recipe is also an option, as with train; without a recipe they say everything: ftarena plan --method sft
    --model M --data F. Exit code 1 where it does not fit.
    """
    from ftarena.plain.plan import plan_recipe
    from ftarena.plain.train import parse_overrides

    # What the parser does not know stays in its place, so that without a recipe the first key is in its.
    file, words = (None, [recipe, *context.args]) if recipe.startswith("--") else (Path(recipe), context.args)
    raise typer.Exit(plan_recipe(file, parse_overrides(words), gpu=gpu, as_json=as_json))
