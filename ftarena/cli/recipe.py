"""The commands about recipes: taking over other tools', the schema, and those that come along."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, group

recipe_app = group("recipe", "Recipes: from other tools, for your editor, to start from.")


@recipe_app.command("import")
def recipe_import(
    file: Annotated[Path, typer.Argument(help="A training recipe (YAML) of LLaMA-Factory or axolotl.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The recipe to write. Default: standard output.")
    ] = None,
    data_folder: Annotated[
        Path | None,
        typer.Option("--dataset-dir", help="Where LLaMA-Factory's dataset_info.json lies."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over a recipe of another tool, and say what became of each key.

    Exit code 1 if the result cannot run as it stands; it is written nonetheless, with the reasons on top.
    """
    from ftarena.plain.recipe import import_file

    raise typer.Exit(import_file(file, output, data_folder=data_folder, as_json=as_json, force=force))


@recipe_app.command("schema")
def recipe_schema() -> None:
    """Print JSON Schema of a recipe, by which editors complete and check it."""
    from ftarena.plain.recipe import print_schema

    raise typer.Exit(print_schema())


@recipe_app.command("presets")
def recipe_presets(as_json: AsJson = False) -> None:
    """List the recipes that come along: a name is given to train or plan where a file would be."""
    from ftarena.plain.presets import list_presets

    raise typer.Exit(list_presets(as_json=as_json))


@recipe_app.command("show")
def recipe_show(name: Annotated[str, typer.Argument(help="The name of a preset.")]) -> None:
    """Print a preset as it is written, to start a recipe of your own: ftarena recipe show NAME > mine.yaml"""
    from ftarena.plain.presets import show_preset

    raise typer.Exit(show_preset(name))
