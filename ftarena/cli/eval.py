"""The command that measures what stands beside preference: losses and tasks."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, app, places


@app.command("eval")
def evaluate(
    task: Annotated[
        list[str] | None,
        typer.Argument(help="Files with `prompt` and `reference`, builtin:general, or lm-eval:TASK."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            help="exact, number, accept, regex, choice, choice-logprob, json, python. Default: by the rows.",
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="What columns mean: prompt=question,reference=answer")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="For --metric regex: in all rows that say none.")
    ] = None,
    scorer: Annotated[
        Path | None, typer.Option("--scorer", help="A Python file with score(prompt, answer, reference).")
    ] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the scorer, which may do whatever you may.")
    ] = False,
    contestant: Annotated[
        list[str] | None,
        typer.Option("--contestant", help="Measure only this one; may be given several times. Default: all."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Whom to compare with. Default: the base.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="So many items of each task, the same for all.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Longest answer. Default: by the metric.")
    ] = None,
    loss: Annotated[
        list[str] | None,
        typer.Option("--loss", help="Answers to measure the loss on. Default: what the run holds out."),
    ] = None,
    no_loss: Annotated[bool, typer.Option("--no-loss", help="Measure no losses.")] = False,
    no_prompt: Annotated[
        bool, typer.Option("--no-prompt", help="Leave out the base with a good prompt.")
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="Write all questions, answers and scores there, as JSONL."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print what was measured, and ask nobody.")] = False,
    as_json: AsJson = False,
    db: Db = None,
) -> None:
    """Measure what votes do not say: held-out and general loss, tasks, length, speed.

    All are asked the same, greedily, and compared item by item. The base with a good prompt is always among
    them. Interrupted and repeated, it goes on.
    """
    from ftarena.plain.eval import Wish, evaluate

    workspace, database = places(db)
    wish = Wish(
        tasks=tuple(task or ()),
        metric=metric,
        columns=columns,
        pattern=pattern,
        scorer=scorer,
        allow_code=allow_code,
        contestants=tuple(contestant or ()),
        baseline=baseline,
        limit=limit,
        max_tokens=max_tokens,
        losses=tuple(loss or ()),
        no_loss=no_loss,
        no_prompt=no_prompt,
        answers=answers,
    )
    raise typer.Exit(evaluate(workspace, database, wish, show=show, as_json=as_json))
