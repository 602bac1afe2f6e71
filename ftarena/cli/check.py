"""`ftarena check`: what is wrong with data files."""

from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, app


@app.command()
def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Data: files, folders, - for standard input, a dataset_info.json, a hub id.",
            show_default=False,
        ),
    ] = None,
    evaluation: Annotated[
        list[str] | None,
        typer.Option("--eval", help="Held-out data: their prompts must not be in the others."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Look at the tokens of this model, too: what is cut and learned."),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option("--max-length", min=1, help="Tokens an example may have. Default: 1024, as in recipes."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="What columns mean: prompt=question,completion=answer"),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option("--shape", help="What every row must be: messages, preference … Default: recognised."),
    ] = None,
    code: Annotated[
        list[str] | None, typer.Option("--code", help="Show only this kind of finding (may be repeated).")
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show all places of a finding, not only the first ten.")
    ] = False,
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="Keep this many findings of a kind; all are counted.")
    ] = 1000,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings, too.")] = False,
    arena: Annotated[
        bool, typer.Option("--arena/--no-arena", help="Look for the arena's prompts in the data.")
    ] = True,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="Default: one for each processor, at most 8.")
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Say what is wrong with data, line by line.

    Each finding has a code, a place and a remedy; docs/findings.md explains them all. Exit code 1 on errors.
    """
    from ftarena.plain.check import check as run_check
    from ftarena.workspace import Workspace

    raise typer.Exit(
        run_check(
            files or [],
            eval_specs=evaluation or [],
            model=model,
            max_length=max_length,
            columns=columns,
            shape=shape,
            database=(db or Workspace.find().database) if arena else None,
            as_json=as_json,
            strict=strict,
            codes=code or [],
            show_all=show_all,
            keep=keep,
            processes=processes,
        )
    )
