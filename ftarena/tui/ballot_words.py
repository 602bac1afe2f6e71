"""Ballots in words, the same in Vote and in a blind chat. Names are cleaned here."""

from typing import TYPE_CHECKING, Literal

from ftarena.text import clean_text

if TYPE_CHECKING:
    from ftarena.arena import BlindBattle, Reveal, Told

Outcome = Literal["left", "right", "tie", "both_bad"]

OUTCOMES: dict[Outcome, str] = {
    "left": "A is better",
    "right": "B is better",
    "tie": "equally good",
    "both_bad": "both bad",
}

STRENGTH = "strength"
"""The second question that is answered with a number from 1 to 5, as `ftarena.arena.ballot_words` has it."""

NAMES_SEEN = "Taken back. You have seen the names, so a new vote here is kept but not scored."
"""What is said where a vote is taken back that was followed by the names."""


def question(battle: "BlindBattle") -> str:
    """Return a battle's prompt as one text: a single question bare, a conversation with who says what."""
    if len(battle.messages) == 1:
        return clean_text(battle.messages[0].content)
    who = {"user": "You", "assistant": "Answer", "system": "System"}
    return "\n".join(f"{who[m.role]}: {clean_text(m.content)}" for m in battle.messages)


def recorded(outcome: Outcome, told: "Told | None" = None, *, what: str = "Recorded") -> str:
    """Return what is said after a vote: what was recorded and, as far as it may be said, who was who.

    Args:
        outcome: What was voted.
        told: What may be told; None: nothing.
        what: Begins the sentence; where the next battle is on the screen already, it says that the names
            are not of that one.
    """
    from ftarena.arena.ballot_words import told_words  # not before the first frame: it costs pydantic

    more = "" if told is None else told_words(told)
    return f"{what}: {OUTCOMES[outcome]}.{' ' if more else ''}{more}"


def revealed(number: int, reveal: "Reveal") -> str:
    """Return one line of the list that tells all names at the end."""
    from ftarena.arena.ballot_words import who_was_who

    return f"{number}. {OUTCOMES[reveal.outcome]}: {who_was_who(reveal)}"
