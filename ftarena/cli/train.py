"""The commands that start a run: `train` with a recipe, and one verb a method that needs no file."""

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ftarena.cli.app import app, places

if TYPE_CHECKING:
    from ftarena.recipes.schema import Method

VERBS: dict["Method", str] = {
    "sft": "Teach answers by example (supervised fine-tuning).",
    "dpo": "Teach which of two answers is better (direct preference optimisation).",
    "ipo": "As dpo, with a bounded margin: where nearly all votes agree.",
    "kto": "Teach from answers that are each labelled good or bad.",
    "orpo": "Answers and preferences at once, without a reference model.",
    "simpo": "Preferences without a reference, answers weighed by their length.",
    "cpo": "Preferences without a reference, with an SFT term.",
    "reward": "Train a model that scores answers, from pairs.",
    "grpo": "Let it answer questions itself, and reinforce what functions score high.",
}
"""Each method and what it is for. Written here, since `ftarena --help` must not load the recipes' schema."""

_KEYS = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Every key of a recipe is an option, and the schema, not the command line's parser, knows them."""

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Watch it; ctrl+c stops watching, not the run.")]
After = Annotated[
    str | None, typer.Option("--after", metavar="RUN", help="Start when this run has ended well.")
]
Queue = Annotated[bool, typer.Option("--queue", help="Wait for the device where other runs have it.")]
Force = Annotated[bool, typer.Option("--force", help="Start it even if the plan says that it cannot fit.")]
_ALLOW_CODE = "Run the Python file that reward_file names (grpo)."
PrintRecipe = Annotated[
    bool,
    typer.Option("--dry-run", "--print-recipe", help="Print the resolved recipe and start nothing."),
]


class KeysCommand(TyperCommand):
    """A command whose help goes on with the keys of its method, by concern."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the keys: name and default, and below them what the key means."""
        super().format_options(ctx, formatter)
        # Imported here: the schema costs what pydantic costs, and only this help needs it.
        from ftarena.plain.recipe_help import key_lines

        for title, lines in key_lines(self.name or "", width=formatter.width):
            with formatter.section(title):
                formatter.write("\n".join(lines) + "\n")


@app.command(context_settings=_KEYS)
def train(
    context: typer.Context,
    recipe: Annotated[
        str, typer.Argument(help="A recipe (YAML), or the name of a preset.", metavar="RECIPE")
    ],
    follow: Follow = False,
    after: After = None,
    queue: Queue = False,
    force: Force = False,
    allow_code: Annotated[bool, typer.Option("--allow-code", help=_ALLOW_CODE)] = False,
    print_recipe: PrintRecipe = False,
) -> None:
    """Start a training run. It is detached: it goes on when the terminal closes.

    Every key of a recipe is also an option, such as --learning-rate 2e-4 --max-steps 10. Without a file, use
    a verb: ftarena sft --model M --data F; its help lists the keys.
    """
    from ftarena.plain.train import parse_overrides, recipe_path, train_recipe

    raise typer.Exit(
        train_recipe(
            places(None)[0],
            recipe_path(recipe),
            parse_overrides(context.args),
            follow_it=follow,
            after=after,
            queue=queue,
            force=force,
            allow_code=allow_code,
            print_it=print_recipe,
        )
    )


def _add_verb(method: "Method", about: str) -> None:
    def verb(
        context: typer.Context,
        model: Annotated[
            str | None,
            typer.Option(
                "--model", "-m", metavar="M", help="Base model: demo:smollm2, a folder or a hub id."
            ),
        ] = None,
        data: Annotated[
            list[str] | None,
            typer.Option(
                "--data", metavar="F", help="What to train on; may be given twice. F#500: 500 rows."
            ),
        ] = None,
        follow: Follow = False,
        after: After = None,
        queue: Queue = False,
        force: Force = False,
        allow_code: Annotated[
            bool, typer.Option("--allow-code", help=_ALLOW_CODE, hidden=method != "grpo")
        ] = False,
        print_recipe: PrintRecipe = False,
    ) -> None:
        from ftarena.plain.train import parse_overrides, train_recipe, verb_overrides

        raise typer.Exit(
            train_recipe(
                places(None)[0],
                None,
                verb_overrides(method, model, data or (), parse_overrides(context.args)),
                follow_it=follow,
                after=after,
                queue=queue,
                force=force,
                allow_code=allow_code,
                print_it=print_recipe,
            )
        )

    verb.__doc__ = textwrap.dedent(
        f"""\
        {about}

        Needs no recipe: ftarena {method} --model M --data F --key value … The keys are below.
        """
    )
    app.command(method, cls=KeysCommand, context_settings=_KEYS)(verb)


for _method, _about in VERBS.items():
    _add_verb(_method, _about)
