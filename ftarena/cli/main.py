"""The commands, and the last line of defence against what goes wrong in them."""

import io
import sys
from typing import Annotated

import typer

import ftarena
import ftarena.cli.arena  # the commands register themselves
import ftarena.cli.check  # as do these
import ftarena.cli.data
import ftarena.cli.eval
import ftarena.cli.exam
import ftarena.cli.export
import ftarena.cli.improve
import ftarena.cli.judge
import ftarena.cli.plan
import ftarena.cli.prompts
import ftarena.cli.recipe
import ftarena.cli.runs
import ftarena.cli.score
import ftarena.cli.train
import ftarena.cli.vote
import ftarena.cli.votes
import ftarena.cli.watch
import ftarena.cli.why
from ftarena.cli.app import AsJson, Db, Labeler, Only, app, group, places, places_to_read
from ftarena.cli.opening import open_program
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.complaints import complain, drop_output, explain

engine_app = group("engine", "The server that answers, for a base and all its adapters.")
contestants_app = group("contestants", "Who answers: a model, its prompt and its sampling.")


def _version(value: bool) -> None:
    if value:
        print(f"ftarena {ftarena.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    db: Db = None,
    labeler: Labeler = None,
    contestant: Only = None,
    place: Annotated[
        str | None, typer.Option("--place", help="Where to open: chat, vote, scores, runs or data.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="What the place Data opens: a file or folder. May be given twice."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="What columns of these mean: prompt=question,completion=answer"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Fine-tune a model, compare it blind with what it was before, vote, and know whether it got better.

    Without a command it opens the full-screen program.
    """
    if context.invoked_subcommand is None:
        if columns and not data:
            raise UsageError("--columns of which file?", "such as: ftarena --data FILE --columns …")
        place = place or ("data" if data else "chat")
        raise typer.Exit(open_program(db, labeler, contestant, place, data or (), columns))
    if db or labeler or contestant or place or data or columns:
        raise UsageError(
            "options go behind the whole command, not before it",
            f"such as: ftarena {context.invoked_subcommand} … --db FILE",
        )


@app.command()
def demo(
    db: Db = None,
    labeler: Labeler = None,
    report: Annotated[
        bool, typer.Option("--report", help="Print the report instead of opening the arena.")
    ] = False,
) -> None:
    """Run the whole loop once, on a small real model.

    Trains SFT and DPO, starts the engine and opens the first blind battle; without a terminal it prints a
    report instead. Repeating it skips what is done.
    """
    from ftarena.plain.demo import prepare_demo
    from ftarena.plain.demo_report import report_demo
    from ftarena.plain.goes_on import told_what_goes_on

    workspace, database = places(db)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and not report
    with told_what_goes_on(workspace):
        done = prepare_demo(workspace, database)
    if interactive:
        raise typer.Exit(open_program(db, labeler, None, "vote"))
    report_demo(done)


ModelName = Annotated[
    str, typer.Option("--model", "-m", help="Base model: demo:smollm2, a folder, a .gguf file or a hub id.")
]


@engine_app.command("status")
def engine_status(as_json: AsJson = False) -> None:
    """Say which engines there are and how they are."""
    from ftarena.plain.engine import status

    raise typer.Exit(status(places(None)[0], as_json=as_json))


@engine_app.command("start")
def engine_start(
    model: ModelName = "demo:smollm2",
    wait: Annotated[bool, typer.Option(help="Wait until it answers.")] = True,
    max_lora_rank: Annotated[
        int | None,
        typer.Option(min=1, help="Largest rank of an adapter to be served. Default: what the runs need."),
    ] = None,
    max_model_len: Annotated[
        int | None,
        typer.Option(
            min=16, help="Context in tokens. Default: the model's, at most 2048 (CPU) or 8192 (GPU)."
        ),
    ] = None,
) -> None:
    """Start the engine of a base model and keep it warm."""
    from ftarena.plain.engine import start

    workspace = places(None)[0]
    raise typer.Exit(
        start(workspace, model, wait=wait, max_lora_rank=max_lora_rank, max_model_len=max_model_len)
    )


@engine_app.command("stop")
def engine_stop() -> None:
    """Stop every engine of this project and free its memory."""
    from ftarena.plain.engine import stop

    raise typer.Exit(stop(places(None)[0]))


@engine_app.command("logs")
def engine_logs(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0)] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is added.")] = False,
) -> None:
    """Print the last lines of the engine's log."""
    from ftarena.plain.engine import logs

    raise typer.Exit(logs(places(None)[0], lines=lines, follow=follow))


@contestants_app.command("list")
def contestants_list(db: Db = None, as_json: AsJson = False) -> None:
    """List what can answer, and what only imported votes know."""
    from ftarena.plain.contestants import list_contestants

    workspace, database = places_to_read(db)
    raise typer.Exit(list_contestants(workspace, database, as_json=as_json))


@contestants_app.command("add")
def contestants_add(
    name: Annotated[str, typer.Argument(help="What it is called in scores.")],
    model: ModelName = "demo:smollm2",
    run: Annotated[str | None, typer.Option("--run", help="The run whose adapter it uses.")] = None,
    system: Annotated[str | None, typer.Option("--system", help="Its system prompt.")] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Base URL of another OpenAI-compatible server.")
    ] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0, max=2)] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, max=1_000_000)] = None,
    db: Db = None,
) -> None:
    """Add a contestant: a base with a system prompt, an adapter sampled differently, another server."""
    from ftarena.plain.contestants import add

    workspace, database = places(db)
    raise typer.Exit(
        add(
            workspace,
            database,
            name,
            model=model,
            run=run,
            system=system,
            endpoint=endpoint,
            temperature=temperature,
            max_tokens=max_tokens,
        )
    )


@contestants_app.command("hide")
def contestants_hide(
    name: Annotated[str, typer.Argument(help="Its name.")],
    undo: Annotated[bool, typer.Option("--undo", help="Let it take part again.")] = False,
    db: Db = None,
) -> None:
    """Take a contestant out of battles and scores; its votes are kept."""
    from ftarena.plain.contestants import hide

    raise typer.Exit(hide(places(db)[1], name, not undo))


@app.command()
def doctor(as_json: AsJson = False, db: Db = None) -> None:
    """Say what is here, what is missing, what to do."""
    from ftarena.plain.doctor import doctor as examine
    from ftarena.workspace import Workspace

    workspace = Workspace.find()  # looking must not create it
    raise typer.Exit(examine(workspace, db or workspace.database, named=db is not None, as_json=as_json))


def main() -> None:
    """Run the command line; every error a user can mend is one message and what to do."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that is not UTF-8 gets "?" for what it lacks
            stream.reconfigure(errors="replace")
    try:
        try:
            app()
        except SystemExit:
            sys.stdout.flush()  # what cannot be written is said here, not while Python shuts down
            raise
    except FtarenaError as error:
        complain(error.message, error.hint)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        drop_output()  # the reader (head, less) has gone
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the last line of defence; the traceback is kept, not hidden
        complain(*explain(error))
        sys.exit(1)
