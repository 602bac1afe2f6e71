"""Categories of prompts: words that add up, so that scores can be asked for one of them."""

from collections.abc import Collection, Mapping
from typing import Final

from ftarena.store import Store
from ftarena.store.ids import now, storable

CHAT: Final = "chat"
"""Source of what was asked in chats, and the category that lets it be drawn for battles."""


def add_categories(store: Store, categories: Mapping[str, Collection[str]]) -> None:
    """Put prompts into categories; those that they are in already stay.

    Args:
        store: The arena.
        categories: By the id of a prompt that is there.
    """
    rows = [
        (prompt_id, storable(word), now())
        for prompt_id, words in categories.items()
        for word in sorted(words)
    ]
    if not rows:
        return
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO prompt_categories (prompt_id, category, created_at) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            rows,
        )


def categories_of(store: Store) -> dict[str, frozenset[str]]:
    """Return by prompt id the categories it is in; prompts without one are not among them."""
    found: dict[str, set[str]] = {}
    for prompt_id, category in store.rows("SELECT prompt_id, category FROM prompt_categories"):
        found.setdefault(prompt_id, set()).add(category)
    return {prompt_id: frozenset(words) for prompt_id, words in found.items()}
