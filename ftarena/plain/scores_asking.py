"""From the options of `ftarena score` to what is asked of the votes: every wrong value is one message."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from ftarena.arena.standings.scoreboard import CONTROLS, MODELS, Asked
from ftarena.errors import UsageError
from ftarena.plain.scores_view import Slicing
from ftarena.store import Selection
from ftarena.store.ids import iso
from ftarena.text import shorten

Output = Literal["text", "json", "csv", "html", "png"]


def asked_of(
    *,
    contestants: Sequence[str] | None,
    criterion: str | None,
    categories: Sequence[str] | None,
    labelers: Sequence[str] | None,
    since: str | None,
    until: str | None,
    leaked: bool,
    untrained: bool,
    judges: bool,
    model: str,
    control: str | None,
    anchor: str | None,
) -> Asked:
    """Return what is asked of the votes.

    Raises:
        UsageError: A value is none of those that there are.
    """
    if model not in MODELS:
        raise UsageError(f"--model cannot be {shorten(model, 40)!r}", f"one of {', '.join(MODELS)}")
    held = tuple(dict.fromkeys(filter(None, (part.strip() for part in (control or "").split(",")))))
    for part in held:
        if part not in CONTROLS:
            raise UsageError(
                f"--control cannot hold {shorten(part, 40)!r} equal",
                f"of {', '.join(CONTROLS)}: length,style",
            )
    return Asked(
        selection=Selection(
            contestants=_named(contestants),
            voters="judges" if judges else "people",
            labelers=_named(labelers),
            criterion=criterion,
            categories=_named(categories),
            since=_moment("--since", since),
            until=_moment("--until", until),
            leaked=leaked,
            trained=not untrained,
        ),
        model="davidson" if model == "davidson" else "bt",
        control=held,
        anchor=anchor,
    )


def slicing_of(by: str | None) -> Slicing | None:
    """Return what the votes are to be taken apart by.

    Raises:
        UsageError: By something else than category, labeler or week.
    """
    for known in get_args(Slicing):
        if by == known:
            return known  # type: ignore[no-any-return]  # one of the literals
    if by is None:
        return None
    raise UsageError(
        f"votes cannot be taken apart by {shorten(by, 40)!r}", f"one of {', '.join(get_args(Slicing))}"
    )


def check_outputs(
    *,
    as_json: bool,
    as_csv: bool,
    html: Path | None,
    png: Path | None,
    with_names: bool,
    with_texts: bool,
    recompute: Path | None,
) -> Output:
    """Return what is to be made; a report and a picture may be made together (`html`).

    Raises:
        UsageError: Options that exclude each other, or that belong to a report without one.
    """
    named = {"--json": as_json, "--csv": as_csv, "--recompute": recompute is not None}
    asked = [name for name, given in named.items() if given]
    files = html is not None or png is not None
    if len(asked) > 1 or (asked and files):
        raise UsageError(
            "--json, --csv, --recompute and files (--html, --png) exclude each other", "ask for one of them"
        )
    if html is None and (with_names or with_texts):
        raise UsageError("--with-names and --with-texts are about a report", "add --html FILE")
    if files:
        return "png" if html is None else "html"
    return "json" if as_json else "csv" if as_csv else "text"


def _named(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(names)) if names else None


def _moment(option: str, value: str | None) -> str | None:
    """Return a day or time as the store writes it."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise UsageError(
            f"{option} cannot be {shorten(value, 40)!r}", "a day or time: 2026-11-24, 2026-11-24T18:00+01:00"
        ) from error
    try:
        return iso(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    except OverflowError as error:
        raise UsageError(
            f"{option} cannot be {shorten(value, 40)!r}", "a time that is in the years 1 to 9999 in UTC, too"
        ) from error
