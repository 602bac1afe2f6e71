"""Examples for tests, without a file behind them."""

from pathlib import Path

from ftarena.curation.examples import Example, Turn

FILE = Path("rows.jsonl")


def answered(answer: str, question: str = "What is it?", line: int = 1, file: Path = FILE) -> Example:
    """Return a question with its answer."""
    return Example(file, line, "completion", (Turn("user", question),), (Turn("assistant", answer),))


def pair(
    chosen: str, rejected: str, question: str = "What is it?", line: int = 1, file: Path = FILE
) -> Example:
    """Return a preference pair."""
    prompt = (Turn("user", question),)
    return Example(
        file, line, "preference", prompt, (Turn("assistant", chosen),), (Turn("assistant", rejected),)
    )


def labelled(answer: str, label: bool, line: int = 1, file: Path = FILE) -> Example:
    """Return an answer that is called good or bad."""
    return Example(file, line, "kto", (Turn("user", "Who?"),), (Turn("assistant", answer),), label=label)
