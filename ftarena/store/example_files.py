"""Training examples out of votes as files: what is trained on, what is held out, and where both come from.

    pairs.train.jsonl  pairs.heldout.jsonl  pairs.manifest.json      of -o pairs.jsonl --hold-out 0.1

The manifest says which votes the files were made of and why others are not in it. The same votes give the
same bytes: nothing in them tells the time. All files appear at the end, whole, or none does.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ftarena import __version__
from ftarena.errors import FtarenaError
from ftarena.store.holding_out import split_by_prompt
from ftarena.store.kto import KtoExample, KtoReport, kto_examples, kto_line
from ftarena.store.preferences import (
    PairFilter,
    PreferencePair,
    PreferenceReport,
    pair_line,
    preference_pairs,
)
from ftarena.store.store import Store

Kind = Literal["dpo", "kto"]
"""Preference pairs, or labelled answers."""

SEED = 42
"""Which prompts are held out, unless another is named."""


@dataclass(frozen=True)
class Examples:
    """What votes give to train on, in two parts."""

    kind: Kind
    train: tuple[str, ...]
    """Lines of JSON, without line ends."""

    held_out: tuple[str, ...]
    """The same of the prompts that are held out."""

    prompts: tuple[int, int]
    """How many prompts each part has."""

    vote_ids: tuple[str, ...]
    """Ids of all votes behind them, sorted."""

    report: PreferenceReport | KtoReport


@dataclass(frozen=True)
class Written:
    """What was written where."""

    files: tuple[Path, ...]
    """The examples, or the folder that holds them."""

    manifest: Path
    examples: tuple[Examples, ...]


def examples_of(
    store: Store, kind: Kind, which: PairFilter, hold_out: float = 0.0, seed: int = SEED
) -> Examples:
    """Return the training examples that votes give.

    Args:
        store: Where the votes are.
        kind: Preference pairs, or labelled answers.
        which: Which votes, and how sure one must be.
        hold_out: Share of the prompts to hold out, 0 to below 1.
        seed: Another one holds out other prompts.

    Raises:
        FtarenaError: The share is none.
    """
    found: Sequence[PreferencePair] | Sequence[KtoExample]
    report: PreferenceReport | KtoReport
    if kind == "dpo":
        pairs, report = preference_pairs(store, which)
        parts: Sequence[Sequence[PreferencePair | KtoExample]] = split_by_prompt(pairs, hold_out, seed)
        found = pairs
    else:
        answers, report = kto_examples(store, which)
        parts = split_by_prompt(answers, hold_out, seed)
        found = answers
    train, held_out = parts
    return Examples(
        kind,
        tuple(map(_line, train)),
        tuple(map(_line, held_out)),
        (len({one.prompt_id for one in train}), len({one.prompt_id for one in held_out})),
        tuple(sorted({vote_id for one in found for vote_id in one.vote_ids})),
        report,
    )


def _line(example: PreferencePair | KtoExample) -> str:
    line = pair_line(example) if isinstance(example, PreferencePair) else kto_line(example)
    return json.dumps(line, ensure_ascii=False)


def write_examples(
    store: Store,
    output: Path,
    kind: Kind,
    which: PairFilter,
    *,
    hold_out: float = 0.0,
    seed: int = SEED,
) -> Written:
    """Write examples as JSON lines beside a manifest, in two files where some prompts are held out.

    Args:
        store: Where the votes are.
        output: The file; with a share to hold out, `NAME.jsonl` stands for `NAME.train.jsonl` and
            `NAME.heldout.jsonl`.
        kind: Preference pairs, or labelled answers.
        which: Which votes, and how sure one must be.
        hold_out: Share of the prompts to hold out, 0 to below 1.
        seed: Another one holds out other prompts.

    Raises:
        FtarenaError: The share is none, or a file cannot be written.
    """
    examples = examples_of(store, kind, which, hold_out, seed)
    stem = output.with_suffix("") if output.suffix in (".jsonl", ".json") else output
    if hold_out:
        parts = {
            stem.with_name(f"{stem.name}.train.jsonl"): examples.train,
            stem.with_name(f"{stem.name}.heldout.jsonl"): examples.held_out,
        }
    else:
        parts = {output: examples.train}
    manifest = stem.with_name(f"{stem.name}.manifest.json")
    files = {path: _text(lines) for path, lines in parts.items()}
    files[manifest] = _manifest_text(
        [examples], which, hold_out, seed, {path.name: files[path] for path in parts}
    )
    _write_all(files)
    return Written(tuple(parts), manifest, (examples,))


def write_dataset(
    store: Store, folder: Path, which: PairFilter, *, hold_out: float = 0.0, seed: int = SEED
) -> Written:
    """Write a folder that `datasets.load_dataset` reads: pairs as `dpo`, labelled answers as `kto`.

    Args:
        store: Where the votes are.
        folder: Made anew; one that an earlier export made is replaced.
        which: Which votes, and how sure one must be.
        hold_out: Share of the prompts to hold out as the split `test`, 0 to below 1.
        seed: Another one holds out other prompts.

    Raises:
        FtarenaError: There is nothing to write, something else lies there, or it cannot be written.
    """
    both = tuple(examples_of(store, kind, which, hold_out, seed) for kind in ("dpo", "kto"))
    data = {
        f"data/{examples.kind}-{split}.jsonl": _text(lines)
        for examples in both
        for split, lines in (("train", examples.train), ("test", examples.held_out))
        if lines  # `datasets` refuses empty files
    }
    if not data:
        raise FtarenaError("the votes give no pair and no labelled answer", "see why: ftarena export dpo")
    files = {
        **data,
        "README.md": _card(both, data),
        "manifest.json": _manifest_text(both, which, hold_out, seed, data),
    }
    ours = (folder / "manifest.json").is_file() and (folder / "data").is_dir()
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise FtarenaError(f"{folder} is there already", "name a new folder with -o")
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    with _said(folder):
        try:
            for name, text in files.items():
                path = beside / name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_private(path, text)
            if folder.exists():
                shutil.rmtree(folder)
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Written((folder,), folder / "manifest.json", both)


def manifest_of(
    examples: Sequence[Examples],
    which: PairFilter,
    hold_out: float,
    seed: int,
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Return what tells where examples come from.

    Args:
        examples: What was made.
        which: What was asked for.
        hold_out: Share of the prompts that was asked to be held out.
        seed: What it was drawn with.
        files: Name and content of each file.
    """
    votes = sorted({vote_id for one in examples for vote_id in one.vote_ids})
    return {
        "made_by": f"ftarena {__version__}",
        "votes": {"number": len(votes), "sha256_of_ids": _sha256("\n".join(votes))},
        "filters": filters_of(which),
        "hold_out": {"share": hold_out, "seed": seed, "by": "prompt"} if hold_out else None,
        "examples": {
            one.kind: {
                "train": len(one.train),
                "held_out": len(one.held_out),
                "prompts_train": one.prompts[0],
                "prompts_held_out": one.prompts[1],
                "account": asdict(one.report),
            }
            for one in examples
        },
        "files": {
            name: {"sha256": _sha256(text), "lines": text.count("\n")} for name, text in sorted(files.items())
        },
    }


def write_manifest(
    path: Path,
    examples: Sequence[Examples],
    which: PairFilter,
    hold_out: float,
    seed: int,
    files: Mapping[str, str],
) -> None:
    """Write what `manifest_of` returns into a file of its own.

    Raises:
        FtarenaError: It cannot be written.
    """
    _write_all({path: _manifest_text(examples, which, hold_out, seed, files)})


def filters_of(which: PairFilter) -> dict[str, Any]:
    """Return what was asked of the votes, the same whatever the order in which it was named."""
    chosen = {
        name: sorted(value) if isinstance(value, Collection) and not isinstance(value, str) else value
        for name, value in asdict(which.selection).items()
    }
    return {**chosen, "agreement": which.agreement, "margin": which.margin}


def _manifest_text(*asked: Any) -> str:
    return json.dumps(manifest_of(*asked), indent=2, ensure_ascii=False) + "\n"


def _card(both: Sequence[Examples], data: Mapping[str, str]) -> str:
    """Return the README.md of a data set: which file is which split of what, and what they are."""
    lines = ["---", "tags: [preference, dpo, kto, trl, ftarena]", "configs:"]
    default = True
    for examples in both:
        splits = [split for split in ("train", "test") if f"data/{examples.kind}-{split}.jsonl" in data]
        if splits:
            lines.append(f"- config_name: {examples.kind}")
            lines += ["  default: true"] * default
            lines.append("  data_files:")
            for split in splits:
                lines += [f"  - split: {split}", f"    path: data/{examples.kind}-{split}.jsonl"]
            default = False
    pairs, answers = both
    votes = len({*pairs.vote_ids, *answers.vote_ids})
    lines += [
        "---",
        "",
        "# Votes on answers",
        "",
        f"Made by ftarena {__version__} of {votes:,} blind votes; see `manifest.json`.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'load_dataset("THIS FOLDER", "dpo")  # prompt, chosen, rejected, votes',
        'load_dataset("THIS FOLDER", "kto")  # prompt, completion, label, votes',
        "```",
        "",
        f"- `dpo`: {len(pairs.train):,} pairs to train on, {len(pairs.held_out):,} held out.",
        f"- `kto`: {len(answers.train):,} labelled answers to train on, {len(answers.held_out):,} held out.",
        "- No prompt is in two splits.",
        "",
    ]
    return "\n".join(lines)


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_all(files: Mapping[Path, str]) -> None:
    """Write files beside their places, and move them there when all are whole."""
    waiting: list[tuple[Path, Path]] = []
    first = next(iter(files))
    with _said(first):
        try:
            for path, text in files.items():
                aside = path.with_name(f".{path.name}.{os.getpid()}")
                waiting.append((aside, path))
                _write_private(aside, text)
            for aside, path in waiting:
                aside.replace(path)
        finally:
            for aside, _ in waiting:
                aside.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone: prompts and votes are as private as the database they come from."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FtarenaError(
            f"cannot write {path}: {error.strerror or error}", f"ls -la {path.parent}"
        ) from error
