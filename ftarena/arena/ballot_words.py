"""What a labeler is asked beside the vote, offered for a skip, and told after it: alike in every front end.

Names are foreign text and are cleaned here.
"""

from ftarena.arena.records import TOLD, Reveal, Told
from ftarena.arena.settings import ArenaSettings
from ftarena.store import Outcome
from ftarena.text import clean_line

SKIP_REASONS = ("not my subject", "cannot tell", "the question is broken")
"""Why a battle is usually skipped; a labeler may write another reason."""

STRENGTH = "strength"
"""The aspect that is answered with a number from 1 to 5; the others are criteria."""


def second_questions(settings: ArenaSettings, outcome: Outcome) -> list[str]:
    """Return what is asked after a vote, in order: the criteria, then how clear the preference is.

    Who prefers neither is not asked how clearly.
    """
    clear = settings.strength and outcome in ("left", "right")
    return [*settings.criteria, *([STRENGTH] if clear else [])]


def told_words(told: Told) -> str:
    """Return in sentences what may be said after a vote; empty where nothing may."""
    parts = [] if told.reveal is None else [f"{who_was_who(told.reveal)}."]
    if told.leaked:
        why = f"you were {TOLD}" if told.leaked == TOLD else "an answer gave itself away"
        parts.append(f"Not scored: {why}.")
    if told.agreed is not None:
        how = "agreed" if told.agreed else "disagreed"
        parts.append(f"You saw this one before, mirrored: you {how} with yourself.")
    return " ".join(parts)


def who_was_who(reveal: Reveal) -> str:
    """Return both names, and where they are known how long each answer is and took."""
    left = _measured(reveal.left_tokens, reveal.left_s)
    right = _measured(reveal.right_tokens, reveal.right_s)
    return f"A was {clean_line(reveal.left)}{left}, B was {clean_line(reveal.right)}{right}"


def _measured(tokens: int | None, seconds: float | None) -> str:
    parts = [] if tokens is None else [f"{tokens} token{'' if tokens == 1 else 's'}"]
    if seconds is not None:
        parts.append(f"{seconds:.1f} s")
    return f" ({', '.join(parts)})" if parts else ""
