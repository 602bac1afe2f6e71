"""The memory of an arena: one SQLite file with contestants, prompts, answers, battles and ballots.

`Store` opens it; `rows` says what it hands out; `imports` and `exports` bring votes in and out. What a
contestant's description means, and what is drawn for whom, is for the packages above.
"""

from ftarena.store.ballots import Ballots
from ftarena.store.rows import (
    OUTCOMES,
    AnswerRow,
    BallotRow,
    BattleRow,
    ContestantRow,
    LabelerKind,
    NamesShown,
    Outcome,
    PromptRow,
    RunRow,
    Turn,
    VoteRow,
)
from ftarena.store.selection import Selection, Voters
from ftarena.store.store import Store

__all__ = [
    "OUTCOMES",
    "AnswerRow",
    "BallotRow",
    "Ballots",
    "BattleRow",
    "ContestantRow",
    "LabelerKind",
    "NamesShown",
    "Outcome",
    "PromptRow",
    "RunRow",
    "Selection",
    "Store",
    "Turn",
    "VoteRow",
    "Voters",
]
