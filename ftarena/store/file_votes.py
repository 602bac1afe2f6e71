"""One vote as any file says it: what every reader gives and the import takes."""

from typing import NamedTuple

from ftarena.store.rows import LabelerKind, Outcome

LEAST_WEIGHT, MOST_WEIGHT = 0.001, 1000.0
"""What one vote may weigh: no sampler boosts further, and beyond it one line would drown all others."""


class FileVote(NamedTuple):
    """One vote of a file. Texts are as they came."""

    line: int
    """Where it begins: a line, from 1, or the how manyth record it is; orders votes of the same time."""

    a: str
    """Name of the contestant that was on the left."""

    b: str
    outcome: Outcome
    labeler: str
    """Empty where the file does not say."""

    prompt: str
    """What the file calls the prompt; empty where it does not say. Not looked at where there are `turns`."""

    turns: tuple[tuple[str, str], ...] | None = None
    """What was asked, (role, content); `None` where the file has no texts."""

    answers: tuple[str, str] | None = None
    """What was answered on the left and on the right."""

    apart: bool = False
    """Whether the two answers had different histories; `turns` are then those of the user alone."""

    kind: LabelerKind = "human"
    """Whether a person or a model voted."""

    created_at: str | None = None
    """When it was cast, ISO 8601 in UTC with milliseconds; `None` where the file does not say."""

    elapsed_ms: int | None = None
    """How long it took."""

    leaked: str | None = None
    """What an answer gave itself away by."""

    weight: float = 1.0
    """How much it counts, where prompts were not drawn uniformly."""
