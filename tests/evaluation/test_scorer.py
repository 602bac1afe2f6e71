"""The user's own scorer runs in a process of its own, and whatever it does is told."""

from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation.tasks.scorer import Scorer, ScorerFailed

CODE = """
import os, time

def score(prompt, answer, reference):
    print("not a score")
    if answer == "slow":
        time.sleep(60)
    if answer == "raise":
        return helper()
    if answer == "die":
        os._exit(3)
    if answer == "words":
        return "good"
    if answer == "read":
        return float(input())
    return answer == reference if len(answer) < 20 else len(answer)

def helper():
    raise KeyError("nothing")
"""


def test_scores_errors_and_a_process_that_dies(tmp_path: Path) -> None:
    """One answer that breaks my scorer costs that answer, with the line to look at, and no other."""
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    with Scorer(path, timeout_s=1.0) as scorer:
        assert scorer.score("Q?", "yes", "yes") == 1.0
        for answer, words in (
            ("raise", r"mine\.py:19: KeyError: 'nothing'"),
            ("words", "could not|str, not a number"),
            ("x" * 30, "returned 30; scores are from 0 to 1"),
            ("read", "EOFError"),
            ("slow", r"no score after 1 s"),
            ("die", "exit code 3"),
        ):
            with pytest.raises(ScorerFailed, match=words):
                scorer.score("Q?", answer, "yes")
            assert scorer.score("Q?", "no\nno", "yes") == 0.0  # the next one is scored


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def score(:", r"mine\.py:1: SyntaxError"),
        ("import nothing_like_it", r"mine\.py:1: ModuleNotFoundError"),
        ("def grade(): pass", "AttributeError.*score"),
        ("raise SystemExit(2)", r"mine\.py:1: SystemExit"),
    ],
)
def test_a_scorer_that_cannot_be_loaded(tmp_path: Path, code: str, words: str) -> None:
    """A mistake in the file is told before anything is asked."""
    path = tmp_path / "mine.py"
    path.write_text(code)
    with pytest.raises(FtarenaError, match=words), Scorer(path):
        pass
    with pytest.raises(FtarenaError, match="no file"):
        Scorer(tmp_path / "other.py")
