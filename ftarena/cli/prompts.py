"""The commands that add and list the questions that battles are fought over."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import Db, group, places

prompts_app = group("prompts", "The questions that battles are fought over.")


@prompts_app.command("add")
def prompts_add(
    file: Annotated[Path, typer.Argument(help="JSONL with `prompt` and, if you have it, `reference`.")],
    source: Annotated[str, typer.Option(help="A word for where they come from.")] = "file",
    db: Db = None,
) -> None:
    """Add questions for battles; the same ones twice are there once."""
    from ftarena.plain.contestants import add_prompts

    raise typer.Exit(add_prompts(places(db)[1], file, source=source))
