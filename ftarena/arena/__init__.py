"""Blind comparison: who takes part, which battle is next, what was voted, and the answers made ahead.

`Arena` is one labeler's view of it. The store below keeps the rows; screens above only show them.
"""

from ftarena.arena.battles import AlreadyDecidedError, Arena, BlindBattle, ChatAnswer, Progress, Reveal
from ftarena.arena.contestants import add_contestant, contestant_of, find_or_add, who_takes_part
from ftarena.arena.labeler import default_labeler

__all__ = [
    "AlreadyDecidedError",
    "Arena",
    "BlindBattle",
    "ChatAnswer",
    "Progress",
    "Reveal",
    "add_contestant",
    "contestant_of",
    "default_labeler",
    "find_or_add",
    "who_takes_part",
]
