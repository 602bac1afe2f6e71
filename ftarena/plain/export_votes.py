"""`ftarena export dpo|kto|csv|jsonl|hf`: files get the data, standard error the counts."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast, get_args

from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.scores_asking import asked_of
from ftarena.plain.scores_view import check_names
from ftarena.scoring.words import counted
from ftarena.store import Selection, Store
from ftarena.store.example_files import (
    SEED,
    Kind,
    Written,
    examples_of,
    write_dataset,
    write_examples,
)
from ftarena.store.exports import VotesForm
from ftarena.store.exports import export_votes as write_votes
from ftarena.store.kto import KtoReport
from ftarena.store.preferences import PairFilter, PreferenceReport
from ftarena.text import clean_line


def which_of(
    contestants: Sequence[str] | None,
    labelers: Sequence[str] | None,
    categories: Sequence[str] | None,
    criterion: str | None,
    since: str | None,
    until: str | None,
    leaked: bool,
    untrained: bool,
    judges: bool,
    agreement: float | None = None,
    margin: int | None = None,
) -> PairFilter:
    """Return which votes are asked for by the options of a command.

    Raises:
        UsageError: A value is none of those that there are.
        FtarenaError: The agreement or the margin is none.
    """
    asked = asked_of(
        contestants=contestants,
        criterion=criterion,
        categories=categories,
        labelers=labelers,
        since=since,
        until=until,
        leaked=leaked,
        untrained=untrained,
        judges=judges,
        model="bt",
        control=None,
        anchor=None,
    )
    return PairFilter(asked.selection, agreement=agreement, margin=margin)


def export_votes(database: Path, output: Path | None, form: str, selection: Selection | None = None) -> int:
    """Write votes to a file or standard output.

    Args:
        database: The arena.
        output: The file; `None` is standard output.
        form: `csv`, `jsonl` or `lmarena`.
        selection: Which votes; `None` is every one that stands (in CSV, that a score rests on).

    Raises:
        FtarenaError: There is no such arena or form, or the file cannot be written.
    """
    forms = get_args(VotesForm)
    if form not in forms:
        raise FtarenaError(f"votes cannot be written as {form!r}", f"--format {', '.join(forms)}")
    with Store.open_existing(database) as store:
        check_names(store, selection or Selection())
        with _opened(output) as out:
            count = write_votes(store, out, cast(VotesForm, form), selection or Selection())
    _say(f"{counted(count, 'vote')} written{_where(output)}.")
    return 0


def export_examples(
    database: Path,
    output: Path | None,
    kind: Kind,
    which: PairFilter | None = None,
    *,
    hold_out: float = 0.0,
    seed: int = SEED,
) -> int:
    """Write training examples to files or standard output, and account for every vote.

    Args:
        database: The arena.
        output: The file, beside which a manifest is written; `None` is standard output.
        kind: Preference pairs, or labelled answers.
        which: Which votes, and how sure one must be; `None` is every blind vote of a person.
        hold_out: Share of the prompts to hold out, in a file of their own.
        seed: Another one holds out other prompts.

    Raises:
        FtarenaError: There is no such arena, the share is none, or a file cannot be written.
    """
    which = which or PairFilter()
    if hold_out and output is None:
        raise UsageError("what is held out needs a file of its own", "name the files: -o pairs.jsonl")
    with Store.open_existing(database) as store:
        check_names(store, which.selection)
        if output is None or (output.exists() and not output.is_file()):
            examples = examples_of(store, kind, which)
            with _opened(output) as out:
                out.writelines(f"{line}\n" for line in examples.train)
            _say(account(examples.report, _where(output)))
            return 0
        written = write_examples(store, output, kind, which, hold_out=hold_out, seed=seed)
    [examples] = written.examples
    _say(account(examples.report, _where(None if hold_out else output)))
    if hold_out:
        _say_parts(written)
    return 0


def export_dataset(
    database: Path, output: Path, which: PairFilter, *, hold_out: float = 0.0, seed: int = SEED
) -> int:
    """Write a folder that `datasets.load_dataset` reads, and account for every vote.

    Args:
        database: The arena.
        output: The folder.
        which: Which votes, and how sure one must be.
        hold_out: Share of the prompts for the split `test`.
        seed: Another one holds out other prompts.

    Raises:
        FtarenaError: There is no such arena, nothing to write, or the folder cannot be written.
    """
    with Store.open_existing(database) as store:
        check_names(store, which.selection)
        written = write_dataset(store, output, which, hold_out=hold_out, seed=seed)
    for examples in written.examples:
        _say(f"{examples.kind}: {account(examples.report)}")
    _say(f"Written to {clean_line(str(output))}; read it with datasets.load_dataset.")
    return 0


def _say_parts(written: Written) -> None:
    for path, lines, prompts in zip(
        written.files,
        (written.examples[0].train, written.examples[0].held_out),
        written.examples[0].prompts,
        strict=True,
    ):
        _say(f"{clean_line(str(path))}: {counted(len(lines), 'line')} of {counted(prompts, 'prompt')}")


def account(report: PreferenceReport | KtoReport, where: str = "") -> str:
    """Return in words what became of the votes when examples were made of them."""
    if isinstance(report, PreferenceReport):
        made = counted(report.pairs, "pair")
        unit = "pair", "pairs"
        both_bad = [(report.both_bad, "both bad", "both bad")]
    else:
        made = f"{report.good:,} good and {counted(report.bad, 'bad answer')}"
        unit = "answer", "answers"
        both_bad = []
    one, many = unit
    left_out = [
        (report.ties, "tie", "ties"),
        *both_bad,
        (report.undecided, f"{one} with as many votes either way", f"{many} with as many votes either way"),
        (report.low_agreement, f"{one} with too little agreement", f"{many} with too little agreement"),
        (report.low_margin, f"{one} with too small a margin", f"{many} with too small a margin"),
        (report.identical, "vote between equal texts", "votes between equal texts"),
        (report.apart, "chat vote on different histories", "chat votes on different histories"),
        (report.not_blind, "vote cast again with the names known", "votes cast again with the names known"),
        (report.repeated, "vote on a battle shown again", "votes on battles shown again"),
        (
            report.leaked,
            "vote on an answer that gave itself away",
            "votes on answers that gave themselves away",
        ),
        (report.not_selected, "vote that was not asked for", "votes that were not asked for"),
        (report.without_text, "imported vote without texts", "imported votes without texts"),
    ]
    words = f"{made} from {counted(report.votes, 'vote')}{where}."
    reasons = [
        f"{number:,} {single if number == 1 else several}" for number, single, several in left_out if number
    ]
    if reasons:
        words += f"\nLeft out: {', '.join(reasons)}."
    if report.cut_off:
        were, them = ("was", "it") if report.cut_off == 1 else ("were", "them")
        words += (
            f"\n{counted(report.cut_off, 'chosen answer')} {were} cut off at the length limit; training on"
            f" {them} teaches not to end. Raise max_tokens."
        )
    return words


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Open a file that appears, whole, only at the end; or standard output."""
    if output is None:
        yield sys.stdout
        return
    try:
        if output.exists() and not output.is_file():  # a pipe, or /dev/null, which must not be replaced
            with output.open("w", encoding="utf-8", newline="") as out:
                yield out
            return
        aside = output.with_name(f".{output.name}.{os.getpid()}")
        try:
            aside.touch(mode=0o600)  # prompts and votes are as private as the database they come from
            with aside.open("w", encoding="utf-8", newline="") as out:
                yield out
            aside.replace(output)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise FtarenaError(
            f"cannot write {output}: {error.strerror or error}", f"ls -la {output.parent}"
        ) from error


def _where(output: Path | None) -> str:
    return "" if output is None else f" to {clean_line(str(output))}"


def _say(words: str) -> None:
    print(words, file=sys.stderr)
