"""`ftarena data`: looking at rows, deciding about them, and writing new files of them."""

from pathlib import Path
from typing import Annotated

import typer

from ftarena.cli.app import AsJson, Labeler, group, labeler_name

data_app = group("data", "Look at rows, decide about them, and write curated, split and mixed sets.")

Places = Annotated[list[str], typer.Argument(help="Rows by their lines: FILE:3 or FILE:3-7,9.")]
Files = Annotated[list[str], typer.Argument(help="Files, folders, - for standard input, a hub id.")]
Out = Annotated[Path, typer.Option("--output", "-o", help="The file to write; its ending says the format.")]
ColumnsOption = Annotated[
    str | None, typer.Option("--columns", help="What columns mean: prompt=question,completion=answer")
]
MixColumns = Annotated[
    str | None,
    typer.Option("--columns", help="What columns mean, in the files that have them: prompt=question,…"),
]
ShapeOption = Annotated[
    str | None,
    typer.Option("--shape", help="What every row must be: messages, preference … Default: recognised."),
]
ShapeOut = Annotated[
    str | None,
    typer.Option("--shape", help="Write every row so: messages, completion, preference … Default: as it is."),
]
DropBad = Annotated[
    bool,
    typer.Option("--drop-bad", help="Leave out rows that cannot be used; they go to OUT.dropped.jsonl."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")]


@data_app.command("show")
def data_show(
    place: Annotated[str, typer.Argument(help="A file, or some of its rows: FILE, FILE:3 or FILE:3-7,9.")],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Show the tokens of this model, and which are learned."),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option("--max-length", min=1, help="Tokens an example may have. Default: 1024, as in recipes."),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show rows as JSON, as they lie in the file.")] = False,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many rows of a file.")] = 3,
    columns: ColumnsOption = None,
    shape: ShapeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show rows as the conversations that they are; with a model as tokens, the learned ones marked."""
    from ftarena.plain.data_show import show

    raise typer.Exit(
        show(
            place,
            model=model,
            max_length=max_length,
            raw=raw,
            count=count,
            columns=columns,
            shape=shape,
            as_json=as_json,
        )
    )


@data_app.command("exclude")
def data_exclude(
    places: Annotated[
        list[str], typer.Argument(help="Rows by their lines, FILE:3 or FILE:3-7,9; with --code also FILE.")
    ],
    code: Annotated[
        list[str] | None,
        typer.Option(
            "--code", help="The finding that led to it; with FILE alone every row that has it. Repeatable."
        ),
    ] = None,
    reason: Reason = "",
    evaluation: Annotated[
        list[str] | None, typer.Option("--eval", help="Held-out data, for findings about leaks.")
    ] = None,
    columns: ColumnsOption = None,
    shape: ShapeOption = None,
    labeler: Labeler = None,
) -> None:
    """Leave rows out of the curated set; the file itself is never changed.

    Every duplicate at once: ftarena data exclude sft.jsonl --code duplicate
    """
    from ftarena.plain.data_decide import exclude

    raise typer.Exit(
        exclude(
            places,
            reason=reason,
            by=labeler_name(labeler),
            codes=code or [],
            heldout=evaluation or [],
            columns=columns,
            shape=shape,
        )
    )


@data_app.command("edit")
def data_edit(
    place: Annotated[str, typer.Argument(help="One row by its line: FILE:3.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="key='new text'; messages.1.content='…' reaches inside. Repeatable."),
    ] = None,
    whole: Annotated[str | None, typer.Option("--json", help="The whole new row, as JSON.")] = None,
    reason: Reason = "",
    columns: ColumnsOption = None,
    shape: ShapeOption = None,
    labeler: Labeler = None,
) -> None:
    """Change a row in the curated set; without --set or --json in your $EDITOR.

    An edit that would leave a row that cannot be used is refused.
    """
    from ftarena.plain.data_edit import edit

    raise typer.Exit(
        edit(
            place,
            changes=changes or [],
            whole=whole,
            reason=reason,
            by=labeler_name(labeler),
            columns=columns,
            shape=shape,
        )
    )


@data_app.command("relabel")
def data_relabel(
    places: Places,
    reason: Reason = "",
    columns: ColumnsOption = None,
    shape: ShapeOption = None,
    labeler: Labeler = None,
) -> None:
    """Swap chosen and rejected of a preference pair, or flip the label of a labelled answer."""
    from ftarena.plain.data_decide import relabel

    raise typer.Exit(relabel(places, reason=reason, by=labeler_name(labeler), columns=columns, shape=shape))


@data_app.command("undo")
def data_undo(
    places: Places, columns: ColumnsOption = None, shape: ShapeOption = None, labeler: Labeler = None
) -> None:
    """Take back the newest decision about a row."""
    from ftarena.plain.data_decide import undo

    raise typer.Exit(undo(places, by=labeler_name(labeler), columns=columns, shape=shape))


@data_app.command("decisions")
def data_decisions(
    file: Annotated[str, typer.Argument(help="A file, or what else names data.")],
    columns: ColumnsOption = None,
    shape: ShapeOption = None,
    as_json: AsJson = False,
) -> None:
    """List what is decided about the rows of a file."""
    from ftarena.plain.data_decisions import list_decisions

    raise typer.Exit(list_decisions(file, as_json=as_json, columns=columns, shape=shape))


@data_app.command("apply")
def data_apply(
    files: Files,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The set to write. Default for one file: FILE.curated.jsonl"),
    ] = None,
    drop_bad: DropBad = False,
    overwrite: Overwrite = False,
    columns: ColumnsOption = None,
    shape: ShapeOption = None,
) -> None:
    """Write the curated set: what is decided is carried out, the source is left as it is.

    OUT.manifest.json beside it says what was done, by whom and why.
    """
    from ftarena.plain.data_write import apply

    raise typer.Exit(apply(files, out, drop_bad=drop_bad, overwrite=overwrite, columns=columns, shape=shape))


@data_app.command("convert")
def data_convert(
    files: Files,
    out: Out,
    shape: ShapeOut = None,
    columns: ColumnsOption = None,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Lose what the shape has no place for; it is counted.")
    ] = False,
    drop_bad: DropBad = False,
    overwrite: Overwrite = False,
) -> None:
    """Write files as one file, in another shape or format."""
    from ftarena.plain.data_write import convert

    raise typer.Exit(
        convert(
            files,
            out,
            shape=shape,
            columns=columns,
            lossy=lossy,
            drop_bad=drop_bad,
            overwrite=overwrite,
        )
    )


@data_app.command("split")
def data_split(
    files: Files,
    share: Annotated[
        float, typer.Option("--share", min=0, help="What to hold out: a share below 1, or a number of rows.")
    ] = 0.1,
    train: Annotated[
        Path | None, typer.Option("--train", help="The file to train on. Default: FILE.train.jsonl")
    ] = None,
    heldout: Annotated[
        Path | None, typer.Option("--heldout", help="The file to measure on. Default: FILE.heldout.jsonl")
    ] = None,
    columns: ColumnsOption = None,
    drop_bad: DropBad = False,
    overwrite: Overwrite = False,
) -> None:
    """Hold rows out, by what they ask: the same question is never on both sides."""
    from ftarena.plain.data_write import split

    raise typer.Exit(
        split(
            files,
            share=share,
            train=train,
            heldout=heldout,
            columns=columns,
            drop_bad=drop_bad,
            overwrite=overwrite,
        )
    )


@data_app.command("mix")
def data_mix(
    files: Annotated[
        list[str], typer.Argument(help="FILE, FILE=2 (twice the share), FILE#500 (at most 500 rows).")
    ],
    out: Out,
    replay: Annotated[
        list[str] | None,
        typer.Option("--replay", help="General examples against forgetting. Repeatable."),
    ] = None,
    ratio: Annotated[
        float | None,
        typer.Option(
            "--ratio", min=0.0001, max=0.9999, help="Share of the result that is replay. Default: 0.05."
        ),
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Rows of the result, without replay. Default: all.")
    ] = None,
    repeat: Annotated[
        bool, typer.Option("--repeat", help="Take rows of a scarce file again until its share is right.")
    ] = False,
    keep_order: Annotated[
        bool, typer.Option("--keep-order", help="One file after the other instead of shuffled.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which rows are taken, and their order.")] = 42,
    columns: MixColumns = None,
    shape: ShapeOut = None,
    drop_bad: DropBad = False,
    overwrite: Overwrite = False,
) -> None:
    """Mix files by weight, none of their rows twice; the same seed gives the same mix everywhere."""
    from ftarena.plain.data_write import mix

    raise typer.Exit(
        mix(
            files,
            out,
            replay=replay or [],
            ratio=ratio,
            rows=rows,
            seed=seed,
            repeat=repeat,
            keep_order=keep_order,
            columns=columns,
            shape=shape,
            drop_bad=drop_bad,
            overwrite=overwrite,
        )
    )
