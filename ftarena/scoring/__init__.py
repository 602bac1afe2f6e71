"""From votes to a verdict: win rates, ratings, agreement, and how sure one may be.

    from ftarena.scoring import Vote, score, summary
    report = score([Vote("base", "sft-1", "right", "ana", "p1"), ...], anchor="base")
    print(summary(report.pairs[0]))          # sft-1 is better: decided after 52 votes

Pure numbers: it knows nothing of databases, files or screens. `votes` says what a vote is, `sequential`
decides between two contestants, `bradley_terry` and `davidson` rate three or more, `agreement` compares
labelers, `style` holds length and looks equal, `report` puts everything together, and `words` says it in a
sentence.

Names are loaded when they are first used (PEP 562): a front end that only casts votes never loads numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftarena.scoring.pairs import Course, CoursePoint, PairScore
    from ftarena.scoring.report import ContestantScore, ScoreReport, score, score_coded
    from ftarena.scoring.style import StyleScore, score_style
    from ftarena.scoring.votes import OUTCOMES, Outcome, Vote
    from ftarena.scoring.words import summary

_HOME = {
    "OUTCOMES": "votes",
    "Outcome": "votes",
    "Vote": "votes",
    "Course": "pairs",
    "CoursePoint": "pairs",
    "PairScore": "pairs",
    "ContestantScore": "report",
    "ScoreReport": "report",
    "score": "report",
    "score_coded": "report",
    "StyleScore": "style",
    "score_style": "style",
    "summary": "words",
}

__all__ = [
    "OUTCOMES",
    "ContestantScore",
    "Course",
    "CoursePoint",
    "Outcome",
    "PairScore",
    "ScoreReport",
    "StyleScore",
    "Vote",
    "score",
    "score_coded",
    "score_style",
    "summary",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
