"""The command that says who is better."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, Only, app, places_to_read


@app.command()
def score(
    by: Annotated[
        str | None, typer.Option("--by", help="Take the votes apart: category, labeler or week.")
    ] = None,
    control: Annotated[
        str | None,
        typer.Option("--control", help="What to hold equal beside the plain figures: length,style."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="Where ratings come from: bt (Bradley-Terry) or davidson.")
    ] = "bt",
    anchor: Annotated[
        str | None, typer.Option("--anchor", help="The contestant whose rating is 1000. Default: the mean.")
    ] = None,
    contestant: Only = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", help="Score by this criterion instead of the vote itself.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only prompts of this category. May be repeated.")
    ] = None,
    labeler: Annotated[
        list[str] | None, typer.Option("--labeler", help="Only votes of this labeler. May be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only votes from this day (UTC) on: 2026-11-24.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Only votes before this day (UTC): 2026-12-01.")
    ] = None,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="Count battles, too, in which an answer gave itself away.")
    ] = False,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Only prompts that no contestant's run was trained on.")
    ] = False,
    judges: Annotated[
        bool, typer.Option("--judges", help="The votes of judges instead of people's.")
    ] = False,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table with a row a pair.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a report, one file that can be mailed.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option("--png", help="Write a picture: intervals, and the verdict's course.")
    ] = None,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Name the labelers in the report, who are L1, L2 … there.")
    ] = False,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Put questions, answers and comments into the report.")
    ] = False,
    recompute: Annotated[
        Path | None,
        typer.Option("--recompute", help="Score the votes that a report carries, and compare."),
    ] = None,
    db: Db = None,
) -> None:
    """Say who is better, and how sure that is.

    Verdicts may be read after every vote. Numbers and the battles behind them are of the same votes.
    """
    from ftarena.plain.scores_asking import asked_of, check_outputs, slicing_of

    asked = asked_of(
        contestants=contestant,
        criterion=criterion,
        categories=category,
        labelers=labeler,
        since=since,
        until=until,
        leaked=leaked,
        untrained=untrained,
        judges=judges,
        model=model,
        control=control,
        anchor=anchor,
    )
    slicing = slicing_of(by)
    form = check_outputs(
        as_json=as_json,
        as_csv=as_csv,
        html=html,
        png=png,
        with_names=with_names,
        with_texts=with_texts,
        recompute=recompute,
    )
    if recompute is not None:
        from ftarena.plain.report.recomputing import compare_report

        raise typer.Exit(compare_report(recompute))
    workspace, database = places_to_read(db)
    if form == "html" or form == "png":
        from ftarena.plain.report import write_picture, write_report

        if png is not None:
            write_picture(database, asked, png)
        if html is not None:
            write_report(
                database,
                asked,
                html,
                slicing=slicing,
                workspace=workspace,
                with_names=with_names,
                with_texts=with_texts,
            )
        raise typer.Exit(0)
    from ftarena.plain.scores import score as score_plain

    raise typer.Exit(score_plain(database, asked, slicing=slicing, form=form, workspace=workspace))
