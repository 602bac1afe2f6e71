"""What an answer in the store gives itself away by, held against all that is known of who wrote it."""

from ftarena.arena.blindness.leaks import giveaway
from ftarena.arena.contestants import contestant_of
from ftarena.errors import FtarenaError
from ftarena.store import ContestantRow, Store


def telling(store: Store, answer_id: str) -> str | None:
    """Return what an answer gives itself away by, in a few words, or `None`.

    Args:
        store: Where it is, with its prompt, its contestant and everybody's names.
        answer_id: The answer.
    """
    answer = store.answer(answer_id)
    if answer is None:
        return None
    prompt = store.prompt(answer.prompt_id)
    asked = "\n".join(turn.content for turn in prompt.turns) if prompt is not None else ""
    rows = store.contestants()
    author = next((row for row in rows if row.id == answer.contestant_id), None)
    names = {name for row in rows for name in _names(row)} - {""}
    return giveaway(answer.text, names, asked, _system_prompt(author))


def _names(row: ContestantRow) -> tuple[str, ...]:
    """Return the names that would tell: of a contestant, its run and its model."""
    return row.name, row.run_id or "", (row.model or "").rpartition("/")[2].rpartition(":")[2]


def _system_prompt(row: ContestantRow | None) -> str:
    if row is None or row.spec_json is None:
        return ""
    try:
        return contestant_of(row).system_prompt or ""
    except FtarenaError:  # described by a newer version: its answers are there, its prompt is not to be had
        return ""
