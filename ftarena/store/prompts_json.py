"""How a prompt's turns are written in the database."""

import json
from collections.abc import Sequence

from ftarena.store.rows import Turn


def turns_json(turns: Sequence[tuple[str, str]]) -> str:
    """Return turns (role, content) as the JSON list of messages that is stored."""
    return json.dumps([{"role": role, "content": content} for role, content in turns], ensure_ascii=False)


def turns_of(stored: str) -> tuple[Turn, ...]:
    """Return the turns of a stored JSON list."""
    return tuple(Turn(turn["role"], turn["content"]) for turn in json.loads(stored))
