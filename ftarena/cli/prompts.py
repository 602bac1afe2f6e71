"""The commands on the questions that battles are fought over."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Db, group, places, places_to_read

prompts_app = group("prompts", "The questions that battles are fought over.")

Category = Annotated[str | None, typer.Option("--category", help="Put all of them into this category.")]
CategoryKey = Annotated[
    str | None,
    typer.Option(
        "--category-key",
        help="The key of a line that names its category, or a list of them. Default: category.",
    ),
]


@prompts_app.command("add")
def prompts_add(
    file: Annotated[
        str | None,
        typer.Argument(help="JSONL with `prompt` and, if you have it, `reference`; or builtin:general."),
    ] = None,
    category: Category = None,
    category_key: CategoryKey = None,
    source: Annotated[
        str | None, typer.Option(help="A word for where they come from. Default: file, heldout or general.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Add the questions that this run held out.")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Let what was asked in chats be drawn too.")] = False,
    near: Annotated[
        bool, typer.Option("--near", help="Add also those of which nearly the same one is there.")
    ] = False,
    db: Db = None,
) -> None:
    """Add questions for battles; the same ones twice are there once, and their categories add up."""
    from ftarena.plain.prompts import add_prompts, add_what

    workspace, database = places(db)
    what = add_what(workspace, file, run=run, chat=chat, category=category, category_key=category_key)
    raise typer.Exit(add_prompts(database, what, source=source, near=near))


@prompts_app.command("list")
def prompts_list(as_json: AsJson = False, db: Db = None) -> None:
    """Count the questions by where they come from and by category."""
    from ftarena.plain.prompts import list_prompts

    raise typer.Exit(list_prompts(places_to_read(db)[1], as_json=as_json))


@prompts_app.command("categorise")
def prompts_categorise(
    file: Annotated[Path, typer.Argument(help="JSONL with the prompts, as for `add`.")],
    category: Category = None,
    category_key: CategoryKey = None,
    db: Db = None,
) -> None:
    """Put questions that are there into categories; none is added, and none leaves a category."""
    from ftarena.plain.prompts import categorise_prompts

    raise typer.Exit(categorise_prompts(places(db)[1], file, category=category, category_key=category_key))


@prompts_app.command("check")
def prompts_check(as_json: AsJson = False, db: Db = None) -> None:
    """Look for the questions in what each contestant's run was trained on, and mark them."""
    from ftarena.plain.prompts import check_prompts

    workspace, database = places(db)
    raise typer.Exit(check_prompts(workspace, database, as_json=as_json))


@prompts_app.command("measure")
def prompts_measure(
    most: Annotated[int | None, typer.Option("--limit", min=1, help="Measure at most so many.")] = None,
    db: Db = None,
) -> None:
    """Measure how much answers differ, for the informative sampler; also done while you vote."""
    from ftarena.plain.prompts import measure_prompts

    workspace, database = places(db)
    raise typer.Exit(measure_prompts(workspace, database, limit=most))
