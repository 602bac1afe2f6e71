"""The commands that write files for elsewhere: votes, preference pairs, and models to ship."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ftarena.cli.app import AsJson, Db, group, places_to_read

export_app = group(
    "export", "A model to ship, and votes as files: tables, pairs for DPO, labelled answers for KTO."
)

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


Criterion = Annotated[
    str | None, typer.Option("--criterion", help="Take the outcome by this criterion, not the vote itself.")
]
Category = Annotated[
    list[str] | None, typer.Option("--category", help="Only prompts of this category. May be repeated.")
]
OfLabeler = Annotated[
    list[str] | None, typer.Option("--labeler", help="Only votes of this labeler. May be repeated.")
]
OfContestant = Annotated[
    list[str] | None,
    typer.Option("--contestant", help="Only votes between these (give it twice or more). Default: all."),
]
Since = Annotated[str | None, typer.Option("--since", help="Only votes from this day (UTC) on: 2026-11-24.")]
Until = Annotated[str | None, typer.Option("--until", help="Only votes before this day (UTC): 2026-12-01.")]
Leaked = Annotated[
    bool, typer.Option("--leaked", help="Take battles, too, in which an answer gave itself away.")
]
Untrained = Annotated[
    bool, typer.Option("--untrained", help="Only prompts that neither contestant's run was trained on.")
]
Judges = Annotated[bool, typer.Option("--judges", help="The votes of judges instead of people's.")]
Agreement = Annotated[
    float | None,
    typer.Option(
        "--agreement", help="Least share of the votes that must agree, 0 to 1. Default: a majority."
    ),
]
Margin = Annotated[
    int | None, typer.Option("--margin", help="Least number of votes between the two. Default: 1.")
]
HoldOut = Annotated[
    float,
    typer.Option("--hold-out", help="Share of the prompts to hold out: NAME.train and NAME.heldout."),
]
Seed = Annotated[int, typer.Option("--seed", help="Another one holds out other prompts.")]


def _examples_command(form: Literal["dpo", "kto"], about: str) -> None:
    """Add the command that writes examples of one form; both take the same options."""

    def command(
        output: Output = None,
        agreement: Agreement = None,
        margin: Margin = None,
        hold_out: HoldOut = 0.0,
        seed: Seed = 42,
        contestant: OfContestant = None,
        labeler: OfLabeler = None,
        category: Category = None,
        criterion: Criterion = None,
        since: Since = None,
        until: Until = None,
        leaked: Leaked = False,
        untrained: Untrained = False,
        judges: Judges = False,
        db: Db = None,
    ) -> None:
        from ftarena.plain.export_votes import export_examples, which_of

        which = which_of(
            contestant,
            labeler,
            category,
            criterion,
            since,
            until,
            leaked,
            untrained,
            judges,
            agreement,
            margin,
        )
        raise typer.Exit(
            export_examples(places_to_read(db)[1], output, form, which, hold_out=hold_out, seed=seed)
        )

    command.__doc__ = about
    export_app.command(form)(command)


_examples_command("dpo", "Write preference pairs as TRL reads them; ties and both bad make none.")
_examples_command(
    "kto",
    "Write answers labelled good or bad as TRL's KTO reads them; both bad is two bad ones, a tie neither.",
)


@export_app.command("hf")
def export_hf(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    agreement: Agreement = None,
    margin: Margin = None,
    hold_out: Annotated[
        float, typer.Option("--hold-out", help="Share of the prompts for the split `test`.")
    ] = 0.0,
    seed: Seed = 42,
    contestant: OfContestant = None,
    labeler: OfLabeler = None,
    category: Category = None,
    criterion: Criterion = None,
    since: Since = None,
    until: Until = None,
    leaked: Leaked = False,
    untrained: Untrained = False,
    judges: Judges = False,
    db: Db = None,
) -> None:
    """Write a folder that `datasets.load_dataset` reads, with pairs and labelled answers."""
    from ftarena.plain.export_votes import export_dataset, which_of

    which = which_of(
        contestant, labeler, category, criterion, since, until, leaked, untrained, judges, agreement, margin
    )
    raise typer.Exit(export_dataset(places_to_read(db)[1], output, which, hold_out=hold_out, seed=seed))


@export_app.command("csv")
def export_csv(
    output: Output = None,
    contestant: OfContestant = None,
    labeler: OfLabeler = None,
    category: Category = None,
    criterion: Criterion = None,
    since: Since = None,
    until: Until = None,
    leaked: Leaked = False,
    untrained: Untrained = False,
    judges: Judges = False,
    db: Db = None,
) -> None:
    """Write the votes that a score rests on as a table, which can be imported again."""
    from ftarena.plain.export_votes import export_votes, which_of

    which = which_of(contestant, labeler, category, criterion, since, until, leaked, untrained, judges)
    raise typer.Exit(export_votes(places_to_read(db)[1], output, "csv", which.selection))


@export_app.command("jsonl")
def export_jsonl(
    output: Output = None,
    contestant: OfContestant = None,
    labeler: OfLabeler = None,
    category: Category = None,
    criterion: Criterion = None,
    since: Since = None,
    until: Until = None,
    leaked: Leaked = False,
    untrained: Untrained = False,
    judges: Judges = False,
    db: Db = None,
) -> None:
    """Write every vote with all texts; those that no score rests on are marked, and are left out if asked
    for some."""
    from ftarena.plain.export_votes import export_votes, which_of

    which = which_of(contestant, labeler, category, criterion, since, until, leaked, untrained, judges)
    raise typer.Exit(export_votes(places_to_read(db)[1], output, "jsonl", which.selection))


@export_app.command("votes")
def export_votes(
    output: Output = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="csv (can be imported again), jsonl (everything) or lmarena (battles as FastChat has them).",
        ),
    ] = "csv",
    db: Db = None,
) -> None:
    """Write every vote that stands."""
    from ftarena.plain.export_votes import export_votes as export

    raise typer.Exit(export(places_to_read(db)[1], output, form))
