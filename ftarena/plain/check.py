"""`ftarena check FILE… [--eval FILE…]`: a summary first, then each kind of finding with its places."""

import difflib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ftarena.curation.check import CheckReport, Progress, check_sources
from ftarena.curation.examples import Shape
from ftarena.curation.findings import CODES
from ftarena.curation.resolving import resolve
from ftarena.curation.sources import Columns, Source
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.check_report import print_report
from ftarena.plain.data_specs import columns_named, shape_named
from ftarena.text import clean_line, duration, shorten

if TYPE_CHECKING:
    from ftarena.curation.tokens.checking import TokenSpec


def check(
    specs: Sequence[str | Path],
    *,
    eval_specs: Sequence[str | Path] = (),
    model: str | None = None,
    max_length: int | None = None,
    columns: str | None = None,
    shape: str | None = None,
    database: Path | None = None,
    as_json: bool = False,
    strict: bool = False,
    codes: Sequence[str] = (),
    show_all: bool = False,
    keep: int = 1000,
    processes: int | None = None,
) -> int:
    """Print what is wrong with data.

    Args:
        specs: What is or will be trained on, as `sources.resolve` reads it.
        eval_specs: What is kept aside for evaluation.
        model: Whose tokens to look at, too.
        max_length: Tokens that an example may have. None: the default of a recipe.
        columns: What the columns mean, as `prompt=question,completion=answer`.
        shape: What every row must be.
        database: The arena, whose prompts must not be trained on; one that is not there has none. None: do
            not look.
        as_json: Print the report as JSON instead.
        strict: Fail on warnings, too.
        codes: Show only findings of these codes.
        show_all: Show every finding that is kept, not only ten of each code.
        keep: How many findings of a code are kept.
        processes: How many to use. None: one for each processor, at most eight.

    Returns:
        The exit code: 1 if anything is an error (or, if `strict`, a warning), else 0.

    Raises:
        UsageError: Nothing to check, or an option that cannot be.
        FtarenaError: Something cannot be read.
    """
    if not specs and not eval_specs:
        raise UsageError("there is nothing to check", "name a file: ftarena check FILE")
    if max_length is not None and model is None:
        raise UsageError("--max-length counts tokens, so it needs a model", "name one: --model MODEL")
    for code in codes:
        if code not in CODES:
            raise _unknown("code of findings", code, list(CODES))
    meant, wanted = columns_named(columns), shape_named(shape)
    train = _resolved(specs, meant, wanted)
    heldout = _resolved(eval_specs, meant, wanted)
    tokens = _token_spec(model, max_length) if model else None
    with _ProgressLine() as line:
        report = check_sources(
            train,
            heldout,
            arena_prompts=_arena_prompts(database) if database else (),
            tokens=tokens,
            processes=processes,
            keep=keep,
            on_progress=line.show,
        )
    if as_json:
        told = report.to_json()
        if codes:
            told["findings"] = [finding for finding in told["findings"] if finding["code"] in codes]
        # ASCII, so that control characters of the data do nothing when it is shown.
        print(json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False))
    else:
        print_report(report, Console(highlight=False), codes=codes, show_all=show_all)
    return exit_code(report, strict=strict)


def exit_code(report: CheckReport, *, strict: bool) -> int:
    """Return what a script is told: 1 on errors, with `strict` on warnings as well."""
    return int(report.errors > 0 or (strict and report.warnings > 0))


def _resolved(specs: Sequence[str | Path], columns: Columns | None, shape: Shape | None) -> list[Source]:
    found = [source for spec in specs for source in resolve(str(spec), columns=columns, shape=shape)]
    once: dict[str, Source] = {}
    for source in found:
        if once.setdefault(repr(source), source) is not source:
            name = clean_line(str(source.path))
            print(f"note: {name} is named twice and is looked at once", file=sys.stderr)
    return list(once.values())


def _unknown(what: str, name: str, known: Sequence[str]) -> UsageError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.65)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return UsageError(f"there is no {what} {shorten(name, 40)!r}", hint)


def _token_spec(model: str, max_length: int | None) -> "TokenSpec":
    from ftarena.curation.tokens.checking import TokenSpec
    from ftarena.recipes.models import resolve_model
    from ftarena.recipes.schema import Recipe
    from ftarena.training.models import prepare_tokenizer

    folder = prepare_tokenizer(resolve_model(model), lambda line: print(clean_line(line), file=sys.stderr))
    return TokenSpec(folder, model, max_length or Recipe.model_fields["max_length"].get_default())


def _arena_prompts(database: Path) -> list[str]:
    """Return the texts of the arena's prompts; an arena that is not there has none, and is not created."""
    if not database.exists():
        return []
    from ftarena.arena.questions.prompts import questions
    from ftarena.store import Store

    try:
        with Store.open_to_read(database) as store:
            return questions(store)
    except FtarenaError as error:
        raise FtarenaError(error.message, f"{error.hint}; or leave the arena out: --no-arena") from error


class _ProgressLine:
    """One line on standard error that says how far a check is; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()
        self._drawn = False
        self._wanted = sys.stderr.isatty()

    def __enter__(self) -> "_ProgressLine":
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def show(self, progress: Progress) -> None:
        """Draw it anew, four times a second at most; what is done in less is not worth a line."""
        now = time.monotonic()
        if not self._wanted or now - self._shown_at < 0.25:
            return
        self._shown_at, self._drawn = now, True
        left = f", about {duration(progress.eta_s)} left" if progress.eta_s is not None else ""
        line = f"{progress.rows:,} rows, {progress.share:.0%}, {progress.rows_per_s:,.0f} rows/s{left}"
        print(f"\r{line.replace('%', ' %')}\x1b[K", end="", file=sys.stderr, flush=True)
