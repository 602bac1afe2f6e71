"""Write commands.md, recipes.md and findings.md from the program, so that they cannot fall behind it.

.venv/bin/python docs/make_reference.py            write them
.venv/bin/python docs/make_reference.py --check    exit 1 if one is not what it would write
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from ftarena.curation.check import leakage, near, sampling
from ftarena.curation.findings import CODES
from ftarena.recipes.data_entries import DataEntry
from ftarena.recipes.schema import Recipe

DOCS = Path(__file__).parent

COMMANDS: tuple[tuple[str, ...], ...] = (
    (),
    ("demo",),
    ("check",),
    ("data", "show"),
    ("data", "exclude"),
    ("data", "edit"),
    ("data", "relabel"),
    ("data", "undo"),
    ("data", "decisions"),
    ("data", "apply"),
    ("data", "convert"),
    ("data", "split"),
    ("data", "mix"),
    ("data", "replay"),
    ("train",),
    ("runs",),
    ("runs", "show"),
    ("runs", "watch"),
    ("runs", "chart"),
    ("runs", "examine"),
    ("runs", "scale"),
    ("runs", "compare"),
    ("runs", "logs"),
    ("runs", "stop"),
    ("runs", "pause"),
    ("runs", "resume"),
    ("engine", "status"),
    ("engine", "start"),
    ("engine", "stop"),
    ("engine", "logs"),
    ("contestants", "list"),
    ("contestants", "add"),
    ("contestants", "hide"),
    ("prompts", "add"),
    ("vote",),
    ("chat",),
    ("score",),
    ("votes", "import"),
    ("export", "votes"),
    ("export", "dpo"),
    ("doctor",),
)


FINDINGS: dict[str, str] = {
    "json": "Rows that cannot be read",
    "shape": "Rows that are not what they must be",
    "refusal": "What the texts hold",
    "duplicate": "Rows that are the trouble together",
    "no-preference": "Preference pairs and labels",
    "template": "With a model: tokens and what is learned of them",
    "secret": "Secrets and personal data",
}
"""By the first code below it, each heading of the page of findings."""


COMPARED = f"""
Rows are the same if everything that is learned from is the same but for white space. Case counts
there: it may matter to a command.

Two rows are near duplicates if the Jaccard index of their word {near.GRAM}-grams is at least
{near.THRESHOLD * 100:.0f} %: of the sequences of {near.GRAM} words that either has, so many are in
both. Candidates are found by MinHash; what is shown was then measured on the texts. Questions and
answers are compared, without the system prompt, case and punctuation. Rows of fewer than 13 words
are near duplicates only with the very same words, and rows of fewer than
{near.GRAM + near.FEWEST_GRAMS - 1} are not looked at.

A held-out question leaks in whole if a training row asks the same but for case, punctuation and
white space. It leaks in part if at least {leakage.THRESHOLD * 100:.0f} % of its words stand in one
training row, in sequences of {leakage.SIZES[0]} words ({leakage.SIZES[1]} for questions of
{leakage.LONG_QUESTION} words and more). Questions of fewer than {leakage.FEWEST_WORDS} words leak
only in whole.

Sequences that at least {sampling.SHARE * 100:.0f} % of the rows have, and {sampling.FEWEST_ROWS}
rows at the least, are the words of a template or a turn of phrase: they count neither for near
duplicates nor for leaks in part. They are learned from a sample, the first {sampling.ROWS:,} rows.
"""
"""How rows are compared, the last section of the page of findings."""


ENTRIES = """## Entries of `dataset`

Where a path alone does not say enough, an entry of `dataset`, `eval_dataset` or `replay_dataset` is an
object:

```yaml
dataset:
  - {path: mine.jsonl, weight: 3}          # three times the share of the next one
  - {path: theirs.csv, weight: 1, columns: {prompt: question, completion: answer}}
  - more.jsonl#500                         # weight 1 as well, and at most 500 rows of it
replay_dataset: general.jsonl              # 5 % of all rows, against forgetting
```

On the command line a list is YAML on one line: `--dataset '[{path: a.jsonl, weight: 3}, b.jsonl]'`.
Entries of axolotl's `datasets` (`type`, `ds_type`, `field_…`) are understood as they are. The keys:
"""
"""What an entry may say, before its keys."""


def commands() -> str:
    """Return the page of commands: each one's own help."""
    parts = [
        "# Commands\n",
        "Each command's own `--help`. Exit codes: 0 done; 1 something is wrong with the data, a run, an\n"
        "engine or the machine; 2 the command line or a recipe says something impossible; 130 interrupted.\n",
    ]
    for words in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "ftarena", *words, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={
                **os.environ,
                "COLUMNS": "100",
                "NO_COLOR": "1",
                "TERM": "dumb",
                "_TYPER_FORCE_DISABLE_TERMINAL": "1",
            },
        )
        help_text = done.stdout.replace("python -m ftarena", "ftarena").strip("\n")
        title = " ".join(("ftarena", *words))
        parts.append(f"## {title}\n\n```console\n$ {title} --help\n{trimmed(help_text)}\n```\n")
    return "\n".join(parts)


def recipes() -> str:
    """Return the page of recipe keys: name, type, default and meaning of each."""
    parts = [
        "# Recipes\n",
        "A recipe is a flat YAML file with the names that Hugging Face and TRL users type; examples are in\n"
        "[configs/](../configs/). Every key is also an option of `ftarena train`: `learning_rate: 2e-4` is\n"
        "`--learning-rate 2e-4`. An unknown key is an error that names the nearest one; the names of\n"
        "LLaMA-Factory and axolotl for the same thing are understood and reported once.\n\n"
        "A relative path is looked for in the current folder, then in the recipe's folder, then in the one\n"
        "above it.\n\n"
        "A run keeps the recipe as it was written (`recipe.yaml`) and, with what the command line said and\n"
        "every default, as it was understood (`recipe.resolved.yaml`). The latter does the same again:\n\n"
        "```console\n$ ftarena train .ftarena/runs/sft-20260109-101500/recipe.resolved.yaml\n```\n\n"
        "What is trained on, by the shape of its rows; every format and spelling that is read is in\n"
        "[data-formats.md](data-formats.md), what can be done about a messy file in [data.md](data.md):\n\n"
        "| for | a row |\n|---|---|\n"
        '| `sft` | `{"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}` |\n'
        '| `sft` | `{"prompt": …, "completion": …}` |\n'
        '| `sft` | `{"text": …}` |\n'
        '| `dpo` | `{"prompt": …, "chosen": …, "rejected": …}` |\n'
        '| held out, questions | `{"prompt": …, "reference": …}` |\n'
        '| questions | `{"prompt": …}` |\n\n'
        "`prompt` and answers are lists of turns as above, or plain text. Other keys are left alone. A row\n"
        "without an answer can be asked (`ftarena prompts add`), but not trained on or measured.\n",
        ENTRIES,
    ]
    for name, field in DataEntry.model_fields.items():
        parts.append(f"- `{name}`: {' '.join((field.description or '').split())}")
    parts.append("\n## Keys\n")
    for name, field in Recipe.model_fields.items():
        kind = field_type(field.annotation)
        default = "required" if field.is_required() else f"default `{shown(field.get_default())}`"
        meaning = " ".join((field.description or "").split())
        parts.append(f"### `{name}`\n\n{kind}, {default}.\n\n{textwrap.fill(meaning, 110)}\n")
    return "\n".join(parts)


def findings() -> str:
    """Return the page of findings: what each code means, why it hurts and what to do."""
    assert FINDINGS.keys() <= CODES.keys()
    parts = [
        "# Findings\n",
        "What [`ftarena check`](commands.md#ftarena-check) finds in data. A code is stable: scripts\n"
        "and decisions may refer to it. An **error** spoils training or its evaluation for certain, and\n"
        "the exit code is 1; a **warning** is worth a look, and counts for the exit code with\n"
        "`--strict`; a **note** is good to know.\n",
        "```console\n"
        "$ ftarena check train.jsonl --eval heldout.jsonl          # the model-free checks\n"
        "$ ftarena check train.jsonl --model demo:smollm2          # and what is cut, and what is learned\n"
        "$ ftarena check train.jsonl --code duplicate --all        # every place of one kind\n"
        "$ ftarena check train.jsonl --json | jq .stats.counts     # for programs\n"
        "```\n",
    ]
    for name, code in CODES.items():
        if name in FINDINGS:
            parts.append(f"## {FINDINGS[name]}\n")
        why = textwrap.fill(f"{sentence(code.what)} {code.why}", 110)
        remedy = textwrap.fill(f"**To do:** {code.remedy}.", 110, break_on_hyphens=False)
        parts.append(f"### `{name}` ({code.severity})\n\n{why}\n\n{remedy}\n")
    parts.append("## How rows are compared\n")
    parts += [
        f"{textwrap.fill(' '.join(paragraph.split()), 110)}\n" for paragraph in COMPARED.strip().split("\n\n")
    ]
    return "\n".join(parts)


def sentence(text: str) -> str:
    """Return words as a sentence."""
    return f"{text[0].upper()}{text[1:]}."


def field_type(annotation: object) -> str:
    """Return a type as a person would say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "One of " + ", ".join(f"`{choice}`" for choice in arguments)
    if origin is list:
        choices = get_args((get_args(arguments[0]) or [None])[0])  # of Annotated[A | B, …]
        kind = "text or entry" if DataEntry in choices else field_type(arguments[0]).lower()
        return {"text or entry": "List of texts or entries"}.get(kind, f"List of {kind}s")
    if origin is Annotated or arguments:  # Annotated[X, …] or X | None
        return field_type(arguments[0])
    return {bool: "True or false", int: "Whole number", float: "Number", str: "Text"}[annotation]


def shown(value: object) -> str:
    """Return a default as it would stand in YAML."""
    if value is None:
        return "unset"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def trimmed(text: str) -> str:
    """Return text without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines())


def main() -> int:
    """Write or check the pages and return the exit code."""
    stale = []
    for name, text in (
        ("commands.md", commands()),
        ("recipes.md", recipes()),
        ("findings.md", findings()),
    ):
        path = DOCS / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    if stale:
        print(
            f"docs/{' and docs/'.join(stale)} differ from the program; write them anew: "
            "python docs/make_reference.py",
            file=sys.stderr,
        )
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
