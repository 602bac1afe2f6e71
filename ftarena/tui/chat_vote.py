"""A vote cast in the chat: the exchange becomes a battle, then the vote is cast on it like on any other."""

from typing import TYPE_CHECKING

from ftarena.arena import Arena, ChatAnswer, Told, find_or_add

if TYPE_CHECKING:
    from ftarena.store import Outcome, Store
    from ftarena.tui.conversation import Conversation, Side


def record_vote(
    store: "Store",
    labeler: str,
    conversation: "Conversation",
    outcome: "Outcome",
    *,
    elapsed_ms: int,
    before_end: bool,
) -> Told:
    """Keep the last exchange of a blind conversation as a battle with its vote; return what may be told.

    Args:
        store: Where.
        labeler: Who voted.
        conversation: Two sides with an answer each.
        outcome: What was decided.
        elapsed_ms: From the first text shown to the key press.
        before_end: Whether an answer was still being written.

    Raises:
        FtarenaError: Both sides are the same contestant.
    """
    arena = Arena(store, labeler=labeler)
    with store.transaction():
        left, right = (_answer(store, side) for side in conversation.sides)
        turns = conversation.sides[0].history[:-1]
        battle = arena.record_chat_battle(turns, left, right)
        arena.vote(battle.id, outcome, elapsed_ms=elapsed_ms, before_end=before_end)
    return arena.told(battle.id)


def _answer(store: "Store", side: "Side") -> ChatAnswer:
    # A side whose system prompt or temperature was changed in the chat is another contestant.
    row = find_or_add(store, side.contestant, side.name)
    return ChatAnswer(row.name, side.answer, side.n_tokens, side.finish_reason, tuple(side.history[:-1]))
