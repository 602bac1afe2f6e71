"""Ballots in words, the same in Vote and in a blind chat. Names are cleaned here."""

from typing import TYPE_CHECKING, Literal

from ftarena.text import clean_line, clean_text

if TYPE_CHECKING:
    from ftarena.arena import BlindBattle, Reveal

Outcome = Literal["left", "right", "tie", "both_bad"]

OUTCOMES: dict[Outcome, str] = {
    "left": "A is better",
    "right": "B is better",
    "tie": "equally good",
    "both_bad": "both bad",
}

NAMES_SEEN = "Taken back. You have seen the names, so a new vote here is kept but not scored."
"""What is said where a vote is taken back that was followed by the names."""


def question(battle: "BlindBattle") -> str:
    """Return a battle's prompt as one text: a single question bare, a conversation with who says what."""
    if len(battle.messages) == 1:
        return clean_text(battle.messages[0].content)
    who = {"user": "You", "assistant": "Answer", "system": "System"}
    return "\n".join(f"{who[m.role]}: {clean_text(m.content)}" for m in battle.messages)


def recorded(outcome: Outcome, reveal: "Reveal | None", *, what: str = "Recorded") -> str:
    """Return what is said after a vote: what was recorded and, if they are told, the names.

    Args:
        outcome: What was voted.
        reveal: The names, if they are told.
        what: Begins the sentence; where the next battle is on the screen already, it says that the names
            are not of that one.
    """
    names = "" if reveal is None else f" {_names(reveal)}."
    return f"{what}: {OUTCOMES[outcome]}.{names}"


def revealed(number: int, reveal: "Reveal") -> str:
    """Return one line of the list that tells all names at the end."""
    return f"{number}. {OUTCOMES[reveal.outcome]}: {_names(reveal)}"


def _names(reveal: "Reveal") -> str:
    return f"A was {clean_line(reveal.left)}, B was {clean_line(reveal.right)}"
