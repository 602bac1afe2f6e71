"""`ftarena check`: what is wrong with data files."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, app


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Data files (JSONL).")],
    evaluation: Annotated[
        list[Path] | None,
        typer.Option("--eval", help="Held-out files: their prompts must not be in the data."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with data, line by line.

    Each finding has a code, a place and a remedy. Exit code 1 on errors.
    """
    from ftarena.plain.check import check as run_check

    raise typer.Exit(run_check(files, eval_files=evaluation or [], as_json=as_json))
