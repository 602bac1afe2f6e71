"""Blind comparison: who takes part, which battle is next, what was voted, and the answers made ahead.

`Arena` is one labeler's view of it. The store below keeps the rows; screens above only show them.
"""

from ftarena.arena.battles import Arena
from ftarena.arena.contestants import add_contestant, contestant_of, find_or_add, who_takes_part
from ftarena.arena.labeler import default_labeler
from ftarena.arena.records import AlreadyDecidedError, BlindBattle, ChatAnswer, Progress, Reveal, Told
from ftarena.arena.settings import ArenaSettings, adopt_names, read_settings, write_settings

__all__ = [
    "AlreadyDecidedError",
    "Arena",
    "ArenaSettings",
    "BlindBattle",
    "ChatAnswer",
    "Progress",
    "Reveal",
    "Told",
    "add_contestant",
    "adopt_names",
    "contestant_of",
    "default_labeler",
    "find_or_add",
    "read_settings",
    "who_takes_part",
    "write_settings",
]
