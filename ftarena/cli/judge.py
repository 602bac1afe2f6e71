"""The command that has a model vote."""

from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, app, places_to_read


@app.command()
def judge(
    name: Annotated[str, typer.Option("--as", help="What the judge is called; its votes are by judge:NAME.")],
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint", help="An OpenAI-compatible server, with /v1. Key: $FTARENA_JUDGE_API_KEY."
        ),
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option("--judge-model", help="The model that judges at the endpoint.")
    ] = None,
    contestant: Annotated[
        str | None, typer.Option("--contestant", help="The contestant that judges, instead of an endpoint.")
    ] = None,
    prompts: Annotated[
        int | None,
        typer.Option("--prompts", min=1, help="Judge this many prompts in all. Default: every one."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Compare only these contestants (give it twice or more). Default: all."),
    ] = None,
    criteria: Annotated[
        str, typer.Option("--criteria", help="What else is asked, such as helpful,correct.")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also ask again about what got no verdict before.")
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Have a model vote: every pair in both orders, only what does not turn counts, never mixed with people.

    Stopped at any time, the same command goes on where it was.
    """
    from ftarena.plain.judge import judge as judge_plain

    workspace, database = places_to_read(db)
    raise typer.Exit(
        judge_plain(
            workspace,
            database,
            name,
            endpoint=endpoint,
            judge_model=judge_model,
            contestant=contestant,
            prompts=prompts,
            only=only,
            criteria=[part.strip() for part in criteria.split(",") if part.strip()],
            again=again,
            as_json=as_json,
        )
    )
