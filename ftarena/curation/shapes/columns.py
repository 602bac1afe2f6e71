"""The names that a mapping of columns can use: ours, on its left side."""

import difflib
from collections.abc import Collection

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
