"""Contestants in the store: what is opaque text there is a `Contestant` here."""

from collections.abc import Sequence

from pydantic import ValidationError

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant
from ftarena.store import ContestantRow, Store
from ftarena.store.rows import ContestantKind


def add_contestant(store: Store, name: str, contestant: Contestant) -> ContestantRow:
    """Let a contestant take part under a name; made twice, it is there once.

    Raises:
        FtarenaError: The name belongs to another one, or this one takes part under another name.
    """
    return store.add_contestant(
        name,
        contestant_id=contestant.id,
        spec_json=contestant.model_dump_json(),
        kind=_kind(contestant),
        model=contestant.model,
        run_id=contestant.run_id,
    )


def find_or_add(store: Store, contestant: Contestant, name: str) -> ContestantRow:
    """Return the contestant of this content, adding it as `name`, or `name-2`, … where it is new.

    For contestants that come about by the way, such as a chat whose temperature was changed.
    """
    for row in store.contestants():
        if row.id == contestant.id:
            return row
    free = name
    number = 1
    while store.contestant(free) is not None:
        number += 1
        free = f"{name}-{number}"
    return add_contestant(store, free, contestant)


def who_takes_part(store: Store, names: Sequence[str] | None = None) -> list[ContestantRow]:
    """Return who can be compared: those named, or all that can answer and are not hidden.

    Args:
        store: Where they are.
        names: Whom to take; `None` is everybody.

    Raises:
        FtarenaError: One is unknown or cannot answer, or only one was named.
    """
    rows = store.contestants()
    able = {row.name: row for row in rows if row.spec_json is not None}
    if names is None:
        return [row for row in able.values() if not row.hidden]
    imported = {row.name for row in rows} - able.keys()
    chosen = []
    for name in dict.fromkeys(names):
        if name in imported:
            raise FtarenaError(
                f"{name!r} is known from imported votes only, so it cannot answer",
                f"those that can: {', '.join(able)}" if able else "add one: ftarena contestants add",
            )
        if name not in able:
            raise FtarenaError(
                f"there is no contestant {name!r}",
                f"there are: {', '.join(able)}" if able else "add one: ftarena contestants add",
            )
        chosen.append(able[name])
    if len(chosen) < 2:
        raise FtarenaError("a battle needs two contestants", "name at least two")
    return chosen


def contestant_of(row: ContestantRow) -> Contestant:
    """Return the whole description of a contestant.

    Raises:
        FtarenaError: It is only a name in imported votes, or was written by a newer version.
    """
    if row.spec_json is None:
        raise FtarenaError(
            f"{row.name!r} is known from imported votes only, so it cannot answer",
            "add the model under a name of its own",
        )
    try:
        return Contestant.model_validate_json(row.spec_json)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise FtarenaError(
            f"contestant {row.name!r} is described in a way this version does not know ({where})",
            "upgrade ftarena",
        ) from error


def _kind(contestant: Contestant) -> ContestantKind:
    if contestant.endpoint is not None:
        return "remote"
    if contestant.is_whole:
        return "model"
    return "base" if contestant.adapter is None else "adapter"
