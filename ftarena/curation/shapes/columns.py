"""A mapping of columns as people write it, and the names that it can use: ours, on its left side."""

import difflib
from collections.abc import Collection, Mapping

from ftarena.curation.sources import Columns
from ftarena.errors import UsageError
from ftarena.text import shorten

NAMES: Collection[str] = (
    "messages",
    "conversations",
    "prompt",
    "completion",
    "chosen",
    "rejected",
    "chosen_messages",
    "rejected_messages",
    "label",
    "kto_tag",
    "reference",
    "instruction",
    "input",
    "output",
    "history",
    "text",
    "system",
    "tools",
    "functions",
    "images",
    "videos",
    "audios",
)
"""What columns are called here."""

TAGS: Collection[str] = (
    "role",
    "content",
    "reasoning",
    "learned",
    "system",
    "user",
    "assistant",
    "tool",
    "function_call",
)
"""What the keys of a message and the words for roles are called here."""

# Words of other tools for the same thing, where no nearest name would be found.
_ALSO = {
    "response": "completion",
    "answer": "completion",
    "question": "prompt",
    "query": "input",
    "observation": "tool",
    "human": "user",
    "gpt": "assistant",
}


def read_columns(text: str) -> Columns:
    """Return what `prompt=question,completion=answer` says about columns.

    Raises:
        UsageError: It says nothing that is understood.
    """
    pairs = [pair.partition("=") for pair in text.split(",")]
    if any(not (ours.strip() and theirs.strip()) for ours, _, theirs in pairs):
        raise UsageError(
            f"{shorten(text, 60)!r} does not say what columns mean",
            "our name, the file's name, with commas between: prompt=question,completion=answer",
        )
    columns = Columns({ours.strip(): theirs.strip() for ours, _, theirs in pairs})
    check_columns(columns)
    return columns


def written_columns(names: Mapping[str, str]) -> str:
    """Return a mapping of columns as `read_columns` takes it."""
    return ",".join(f"{ours}={theirs}" for ours, theirs in names.items())


def check_columns(columns: Columns) -> None:
    """Refuse a mapping with a name on its left that means nothing here: nothing would ever be read under it.

    Raises:
        UsageError: There is one; the hint has the nearest name.
    """
    for said, known, what in ((columns.names, NAMES, "column"), (columns.tags, TAGS, "tag")):
        for name in said:
            if name in known:
                continue
            near = difflib.get_close_matches(name, known, 1)
            near = near or [also for also in [_ALSO.get(name, "")] if also in known]
            hint = (
                f"did you mean {near[0]}={shorten(said[name], 40)}?" if near else f"known: {', '.join(known)}"
            )
            raise UsageError(f"{shorten(name, 40)!r} is no {what} that is read here (OURS=THEIRS)", hint)
