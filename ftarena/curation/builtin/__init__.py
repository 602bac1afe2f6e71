"""Data that come with ftarena: named `builtin:NAME` wherever a recipe or a command takes a file.

`general`: 120 short questions that nobody fine-tunes for (facts, arithmetic, language, reasoning, following
an instruction, declining what is harmful), each with a reference answer. Their loss says what a run forgot;
`accept` lists words of which a right answer has at least one, for counting right answers. The topics are
interleaved, so that the first rows are a fair sample. Written for ftarena; CC0, use them as you like. None of
them is in the demo's data, and none should ever be trained on: a set that is learned measures nothing.

`replay`: 100 open prompts for `replay_dataset: self` to answer (explaining, writing, reasoning, advising, a
little code). None is in `general`. CC0, too.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.recipes.data_entries import BUILTIN

GENERAL = "general"
REPLAY = "replay"

_FOLDER = Path(__file__).parent
_WORDS = re.compile(r"[a-z0-9]+(?:[.,'][a-z0-9]+)*|\?")


@dataclass(frozen=True, slots=True)
class GeneralQuestion:
    """One question of `builtin:general`."""

    prompt: str
    reference: str
    accept: tuple[str, ...]
    """Words or phrases; an answer that has one of them counts as right."""

    topic: str

    def right(self, answer: str) -> bool:
        """Return whether an answer has one of the accepted phrases, as whole words, in any case."""
        said = _plain(answer)
        return any(f" {_plain(phrase).strip()} " in said for phrase in self.accept)


def general_questions() -> list[GeneralQuestion]:
    """Return the questions of `builtin:general` in the order of the file."""
    rows = [json.loads(line) for line in builtin_path(GENERAL).read_text(encoding="utf-8").splitlines()]
    return [
        GeneralQuestion(row["prompt"], row["reference"], tuple(row["accept"]), row["topic"]) for row in rows
    ]


def builtin_path(name: str) -> Path:
    """Return the file of a built-in set.

    Args:
        name: With or without `builtin:` before it.

    Raises:
        FtarenaError: There is none of that name.
    """
    path = _FOLDER / f"{name.removeprefix(BUILTIN)}.jsonl"
    known = sorted(file.stem for file in _FOLDER.glob("*.jsonl"))
    if path.stem not in known:
        raise FtarenaError(
            f"there is no built-in set {name.removeprefix(BUILTIN)}",
            f"there is {', '.join(BUILTIN + one for one in known)}",
        )
    return path


def _plain(text: str) -> str:
    words = _WORDS.findall(text.casefold().replace("’", "'"))
    return f" {' '.join(words)} "
