"""The model card of what is shipped: what it is, what it learned from, how well it did, who preferred it.

Everything in it is read from the run's own files; what a run did not measure is not mentioned. Folders of
this machine are cut from paths, since a card is made to be published.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ftarena import __version__
from ftarena.processes import read_json
from ftarena.text import clean_line
from ftarena.training.guards import read_guards
from ftarena.training.runs import DATA_LOCK, RESOLVED_RECIPE, Run, read_metrics

CARD = "README.md"

_TOLD = (
    ("learning_rate", "learning rate"),
    ("num_train_epochs", "epochs"),
    ("max_steps", "steps at most"),
    ("per_device_train_batch_size", "examples a batch"),
    ("gradient_accumulation_steps", "batches a step"),
    ("max_length", "longest example, in tokens"),
    ("beta", "beta"),
    ("lora_r", "rank"),
    ("lora_alpha", "alpha"),
    ("seed", "seed"),
)


_DEMO_IDS = {"demo:smollm2": "HuggingFaceTB/SmolLM2-135M-Instruct"}
_DEMO_LICENCES = {"demo:smollm2": "apache-2.0"}  # https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct


@dataclass(frozen=True)
class CardFacts:
    """What only who ships knows."""

    name: str
    """Of the folder."""

    form: str
    """`merged`, `adapter` or `model`."""

    step: int | None
    """Of the checkpoint that was taken; None for what the run ended with."""

    scale: float
    dtype: str
    base_folder: Path | None
    """Where the base lies, for its licence; None where whole weights were trained."""

    agreement: Mapping[str, Any] | None
    """How the merged weights compare with the adapter."""

    arena: tuple[str, ...]
    """What people voted, a line each."""


def public_name(name: str) -> str:
    """Return a path without its folders, and anything else (a hub id, a word) as it is."""
    return name.rstrip("/").rpartition("/")[2] if name.startswith(("/", "~", "./", "../")) else name


def hub_name(name: str) -> str:
    """Return a base model as the hub knows it: the demo's by its own id, a folder by its last name."""
    return _DEMO_IDS.get(name) or public_name(name)


def write_card(folder: Path, run: Run, facts: CardFacts) -> None:
    """Write `README.md`.

    Args:
        folder: The folder that is made.
        run: The run that is shipped.
        facts: What is not in the run's files.
    """
    recipe = _recipe(run)
    sections = [
        _front_matter(run, facts),
        _title(run, facts),
        _use(run, facts),
        _data(run),
        _training(run, recipe),
        _losses(run),
        _guards(run),
        _listed("What people preferred", facts.arena),
        _check(facts),
        _licence(run),
    ]
    text = "\n\n".join(section for section in sections if section)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def _front_matter(run: Run, facts: CardFacts) -> str:
    values: dict[str, Any] = {"base_model": hub_name(run.base_model)}
    values["base_model_relation"] = "adapter" if facts.form == "adapter" else "finetune"
    values["library_name"] = "peft" if facts.form == "adapter" else "transformers"
    values["pipeline_tag"] = "text-generation"
    if licence := _base_licence(facts.base_folder) or _DEMO_LICENCES.get(run.base_model):
        values["license"] = licence
    values["tags"] = [run.method, run.tuning, "ftarena"]
    return f"---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True)}---"


def _title(run: Run, facts: CardFacts) -> str:
    base, how = f"`{hub_name(run.base_model)}`", f"{run.method.upper()} ({run.tuning})"
    what = {
        "merged": f"{base} with what it learned by {how} merged into its weights",
        "adapter": f"An adapter of {base}, trained by {how}",
        "model": f"{base} with weights of its own, trained by {how}",
    }[facts.form]
    words = f"# {clean_line(facts.name)}\n\n{what}, with ftarena {__version__}: run `{run.id}`"
    words += f", checkpoint at step {facts.step}" if facts.step is not None else f", {run.step} steps"
    if run.base_model in _DEMO_IDS:
        words += f". The base is `{run.base_model}`: those weights as a GGUF of 4 bits holds them"
    if facts.scale != 1:
        words += f". Only {facts.scale:g} of what was learned is applied"
    return words + "."


def _use(run: Run, facts: CardFacts) -> str:
    if facts.form == "adapter":
        return (
            "## Use\n\n```python\nfrom peft import AutoPeftModelForCausalLM\n\n"
            f'model = AutoPeftModelForCausalLM.from_pretrained("{facts.name}")\n```\n\n'
            f"`adapter_config.json` names the base `{hub_name(run.base_model)}`; where the hub knows no "
            "such name, put the path of its folder there."
        )
    return (
        "## Use\n\n```console\n"
        f"$ vllm serve {facts.name}\n"
        f"$ ollama create {facts.name} -f {facts.name}/Modelfile\n```\n\n"
        "```python\nfrom transformers import pipeline\n\n"
        f'pipeline("text-generation", "{facts.name}")([{{"role": "user", "content": "…"}}])\n```'
    )


def _data(run: Run) -> str:
    lock = read_json(run.directory / DATA_LOCK)
    rows = [
        (use, entry)
        for use, key in (("trained on", "train"), ("held out", "heldout"), ("general", "general"))
        for entry in lock.get(key) or ()
        if isinstance(entry, dict)
    ]
    if not rows:
        return ""
    lines = ["## Data", "", "| file | used as | rows | sha256 |", "|---|---|---|---|"]
    for use, entry in rows:
        name = clean_line(Path(str(entry.get("path", "?"))).name).replace("|", "\\|")
        kind = "replay, against forgetting" if entry.get("replay") else use
        digest = str(entry.get("sha256", ""))
        lines.append(f"| {name} | {kind} | {entry.get('used')} of {entry.get('rows')} | `{digest}` |")
    return "\n".join(lines)


def _training(run: Run, recipe: Mapping[str, Any]) -> str:
    adapter = run.tuning in ("lora", "dora", "rslora", "qlora")
    limited = (recipe.get("max_steps") or -1) > 0  # then the epochs in the recipe mean nothing
    told = [
        f"- {words}: {recipe[key]:g}" if isinstance(recipe[key], float) else f"- {words}: {recipe[key]}"
        for key, words in _TOLD
        if recipe.get(key) is not None
        and (adapter or not key.startswith("lora_"))
        and not (key == "num_train_epochs" and limited)
        and not (key == "max_steps" and not limited)
    ]
    epochs = [row["epoch"] for row in read_metrics(run) if isinstance(row.get("epoch"), int | float)]
    if told and epochs:
        told.insert(0, f"- trained for: {max(epochs):.3g} epochs, {run.step} steps")
    if not told:
        return ""
    environment = read_json(run.directory / "environment.json")
    versions = environment.get("versions")
    if isinstance(versions, dict):
        told.append("- made with " + ", ".join(f"{name} {number}" for name, number in versions.items()))
    return "\n".join(["## Recipe", "", *told, "", f"The whole of it is in `{RESOLVED_RECIPE}`."])


def _losses(run: Run) -> str:
    """Return what was measured while it trained, the first and the last of each, and the best."""
    lines = []
    rows = read_metrics(run)
    for key, words in (("eval_loss", "held-out loss"), ("general_loss", "loss on general text")):
        found = [(row[key], row.get("step")) for row in rows if isinstance(row.get(key), int | float)]
        if found:
            best, step = min(found)
            lines.append(f"| {words} | {found[0][0]:.3f} | {found[-1][0]:.3f} | {best:.3f} (step {step}) |")
    if not lines:
        return ""
    table = ["| nats per answer token | first | last | lowest |", "|---|---|---|---|", *lines]
    return "\n".join(["## Measured", "", *table])


def _guards(run: Run) -> str:
    return _listed(
        "Guards", [f"{guard.name}: {guard.verdict}. {clean_line(guard.words)}" for guard in read_guards(run)]
    )


def _check(facts: CardFacts) -> str:
    if facts.agreement is None:
        return ""
    told = facts.agreement
    words = (
        f"Over {told['tokens']} tokens these weights give the log-probabilities that PEFT computes from base "
        f"and adapter, within {told['largest_error']:.1g} nats in float32."
    )
    if told["rounding"] > told["largest_error"]:
        words += (
            f" Storing them in fewer bits moves log-probabilities by {told['rounding']:.2g} nats on average, "
            f"{told['largest_rounding']:.2g} at most"
        )
        if told["effect"] is not None:
            words += f"; what was learned moves the same texts by {told['effect']:.2g} on average"
        words += "."
    return f"## Checked\n\n{words}"


def _licence(run: Run) -> str:
    return (
        f"## Licence\n\nThe licence of `{hub_name(run.base_model)}` applies to what was made from it, and "
        "so do the terms of the data. See that they allow what you have in mind."
    )


def _listed(title: str, lines: Iterable[str]) -> str:
    told = [f"- {line}" for line in lines]
    return "\n".join([f"## {title}", "", *told]) if told else ""


def _base_licence(base: Path | None) -> str | None:
    """Return the licence that the card of the base names, if it has one."""
    try:
        text = (base / CARD).read_text(encoding="utf-8", errors="replace") if base else ""
    except OSError:
        return None
    found = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    try:
        values = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError:
        return None
    licence = values.get("license") if isinstance(values, dict) else None
    return licence if isinstance(licence, str) else None


def _recipe(run: Run) -> dict[str, Any]:
    try:
        value = yaml.safe_load((run.directory / RESOLVED_RECIPE).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return value if isinstance(value, dict) else {}
