"""Write commands.md, recipes.md, recipe.schema.json and findings.md from the program, so that they keep up.

.venv/bin/python docs/make_reference.py            write them
.venv/bin/python docs/make_reference.py --check    exit 1 if one is not what it would write
"""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from ftarena.curation.check import leakage, near, sampling
from ftarena.curation.findings import CODES
from ftarena.recipes.catalogue import METHODS, Key, as_yaml, groups
from ftarena.recipes.data_entries import DataEntry
from ftarena.recipes.defaults import FULL_LR_DIVISOR, defaults_of
from ftarena.recipes.json_schema import recipe_schema
from ftarena.recipes.keys.task import Method

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
    ("plan",),
    ("sft",),
    ("dpo",),
    ("ipo",),
    ("kto",),
    ("orpo",),
    ("simpo",),
    ("cpo",),
    ("reward",),
    ("grpo",),
    ("recipe", "presets"),
    ("recipe", "show"),
    ("recipe", "import"),
    ("recipe", "schema"),
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
    ("prompts", "list"),
    ("prompts", "categorise"),
    ("prompts", "check"),
    ("prompts", "measure"),
    ("vote",),
    ("arena",),
    ("arena", "set"),
    ("chat",),
    ("score",),
    ("why",),
    ("judge",),
    ("eval",),
    ("improve",),
    ("generations",),
    ("votes", "import"),
    ("votes", "merge"),
    ("export", "model"),
    ("export", "dpo"),
    ("export", "kto"),
    ("export", "hf"),
    ("export", "csv"),
    ("export", "jsonl"),
    ("export", "votes"),
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


KEYS_BELOW = """

Task:
  … and so on: every key that {0} has, see recipes.md"""
"""What stands for the keys in a verb's help, which recipes.md says in full."""


ROWS = (
    ("sft", '{"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}'),
    ("sft", '{"prompt": …, "completion": …}'),
    ("sft", '{"text": …}'),
    ("dpo, ipo, orpo, simpo, cpo, reward", '{"prompt": …, "chosen": …, "rejected": …}'),
    ("kto", '{"prompt": …, "completion": …, "label": true}'),
    ("grpo; held out, questions", '{"prompt": …, "reference": …}'),
    ("grpo; questions", '{"prompt": …}'),
)
"""What is trained on, by method."""


DEFAULTS = f"""## Defaults by method

The learning rate is that of an adapter of rank 16 on all linear layers with 16 examples a step; full
fine-tuning starts from a {FULL_LR_DIVISOR:g}th of it (Schulman et al. 2025, "LoRA Without Regret").

| method | learning rate | full | beta | loss | from |
|---|---|---|---|---|---|"""


ABOUT = """A recipe is a flat YAML file with the names that Hugging Face and TRL users type; examples are in
[configs/](../configs/). Every key is also an option of `ftarena train`: `learning_rate: 2e-4` is
`--learning-rate 2e-4`. Without a file, each method is a command: `ftarena sft --model M --data F`, and
its help lists its keys. `--dry-run` prints what it comes to. Which method and which tuning to take is in
[methods.md](methods.md), what a run takes in [plan.md](plan.md).

An unknown key is an error that names the nearest one. The names of LLaMA-Factory, axolotl, torchtune
and others for the same thing are understood and reported once; a whole recipe of theirs is taken over
by `ftarena recipe import`, see [importing.md](importing.md).

A relative path is looked for in the current folder, then in the recipe's folder, then in the one
above it.

A run keeps the recipe as it was written (`recipe.yaml`) and, with what the command line said and
every default, as it was understood (`recipe.resolved.yaml`). The latter does the same again:

```console
$ ftarena train .ftarena/runs/sft-20260109-101500/recipe.resolved.yaml
```

What is trained on, by the shape of its rows; every format and spelling that is read is in
[data-formats.md](data-formats.md), what can be done about a messy file in [data.md](data.md):
"""
"""What the page of recipes opens with."""


EDITORS = """## In an editor

[recipe.schema.json](recipe.schema.json) is the schema of all this. An editor with a YAML language server
completes keys, shows what they mean and marks what is wrong, where the first line of a recipe names it:

```console
$ ftarena recipe schema > recipe.schema.json
```

```yaml
# yaml-language-server: $schema=recipe.schema.json
method: sft
```
"""


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
        if words and words[0] in METHODS:
            help_text = re.sub(r"\n\nTask:\n.*", KEYS_BELOW.format(*words), help_text, flags=re.DOTALL)
        title = " ".join(("ftarena", *words))
        parts.append(f"## {title}\n\n```console\n$ {title} --help\n{trimmed(help_text)}\n```\n")
    return "\n".join(parts)


def recipes() -> str:
    """Return the page of recipe keys: by concern, type, default, methods and meaning of each."""
    parts = [
        "# Recipes\n",
        ABOUT,
        "| for | a row |\n|---|---|",
        *(f"| {methods} | `{row}` |" for methods, row in ROWS),
        "\n`prompt` and answers are lists of turns as above, or plain text. Other keys are left alone. A\n"
        "row without an answer can be asked (`ftarena prompts add`), but not trained on or measured,\n"
        "unless functions score the answers (`grpo`).\n",
        DEFAULTS,
        *map(_defaults, METHODS),
        "",
        EDITORS,
        ENTRIES,
    ]
    for name, field in DataEntry.model_fields.items():
        parts.append(f"- `{name}`: {' '.join((field.description or '').split())}")
    for group in groups():
        parts.append(f"\n## {group.title}\n\n{group.about}.\n")
        parts += [_key(key) for key in group.keys]
    return "\n".join(parts)


def _defaults(method: Method) -> str:
    usual = defaults_of(method)
    cells = (
        f"`{method}`",
        f"{usual.lora_learning_rate:g}",
        f"{usual.learning_rate(has_adapter=False):g}",
        "" if usual.beta is None else f"{usual.beta:g}",
        ", ".join(usual.loss_type) or "its own",
        usual.source,
    )
    return f"| {' | '.join(cells)} |"


def _key(key: Key) -> str:
    default = "required" if key.required else f"default `{as_yaml(key.default)}`"
    only = f" Only {', '.join(f'`{method}`' for method in key.methods)}." if key.methods != METHODS else ""
    others = f" Elsewhere: {', '.join(f'`{name}`' for name in key.aliases)}." if key.aliases else ""
    head = textwrap.fill(f"{key.kind}, {default}.{only}{others}", 110, break_on_hyphens=False)
    return f"### `{key.name}`\n\n{head}\n\n{textwrap.fill(key.meaning, 110)}\n"


def schema() -> str:
    """Return the JSON Schema of a recipe."""
    return json.dumps(recipe_schema(), ensure_ascii=False, indent=1) + "\n"


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


def trimmed(text: str) -> str:
    """Return text without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines())


def main() -> int:
    """Write or check the pages and return the exit code."""
    stale = []
    for name, text in (
        ("commands.md", commands()),
        ("recipes.md", recipes()),
        ("recipe.schema.json", schema()),
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
