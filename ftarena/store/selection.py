"""Which votes are meant: of people or of judges, by which criterion, on which prompts, since when.

Whoever scores, exports or explains votes says it with a `Selection`, so that a number and the battles
behind it are of the same votes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from ftarena.store.ids import content_hash, storable

Voters = Literal["people", "judges"]
"""Who voted. The two are never mixed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; the default is what a verdict rests on: all blind votes of people that stand."""

    contestants: Collection[str] | None = None
    """Names; only votes between two of them. `None` is everybody."""

    include_hidden: bool = False
    """Whether votes on hidden contestants count too."""

    voters: Voters = "people"

    labelers: Collection[str] | None = None
    """Names of who voted; `None` is everybody."""

    criterion: str | None = None
    """The outcome by this criterion instead of the vote's own; votes without one are left out."""

    categories: Collection[str] | None = None
    """Only votes on prompts that are in one of these categories; `None` is all."""

    since: str | None = None
    """Only votes cast at this time or later, ISO 8601 in UTC."""

    until: str | None = None
    """Only votes cast before this time, ISO 8601 in UTC."""

    leaked: bool = False
    """Whether votes on battles count in which an answer gave itself away."""

    trained: bool = True
    """Whether votes count on prompts that either contestant's run was trained on."""


FROM = """
FROM votes v
JOIN battles b ON b.id = v.battle_id
"""
"""What the conditions are about: `v` is a vote that stands, `b` its battle."""


def outcome_of(selection: Selection) -> tuple[str, list[object]]:
    """Return the SQL expression for the outcome that is meant, and its parameters; NULL where there is
    none."""
    if selection.criterion is None:
        return "v.outcome", []
    return (
        "(SELECT d.outcome FROM ballot_details d WHERE d.event_id = v.id AND d.aspect = ?"
        " ORDER BY d.id DESC LIMIT 1)",
        [storable(selection.criterion)],
    )


def conditions(selection: Selection) -> tuple[str, list[object]]:
    """Return the SQL conditions on `v` and `b`, joined by AND, and their parameters.

    Contestants are not among them: `Ballots.standing_votes` filters by id, which is faster on a million
    votes; use `contestant_condition` where that does not matter.
    """
    parts = ["v.blind", "b.repeat_of IS NULL"]
    values: list[object] = []
    kind = "human" if selection.voters == "people" else "judge"
    parts.append("v.labeler_id IN (SELECT id FROM labelers WHERE kind = ?)")
    values.append(kind)
    if selection.labelers is not None:
        parts.append(f"v.labeler_id IN ({_marks(selection.labelers)})")
        values += sorted(content_hash("labeler", storable(name)) for name in selection.labelers)
    if selection.criterion is not None:
        expression, given = outcome_of(selection)
        parts.append(f"{expression} IS NOT NULL")
        values += given
    if selection.categories is not None:
        parts.append(
            "b.prompt_id IN (SELECT prompt_id FROM prompt_categories"
            f" WHERE category IN ({_marks(selection.categories)}))"
        )
        values += sorted(map(storable, selection.categories))
    if selection.since is not None:
        parts.append("v.created_at >= ?")
        values.append(selection.since)
    if selection.until is not None:
        parts.append("v.created_at < ?")
        values.append(selection.until)
    if not selection.leaked:
        parts.append("b.leaked IS NULL")
    if not selection.trained:
        parts.append(
            "NOT EXISTS (SELECT 1 FROM trained_prompts t JOIN contestants tc ON tc.run_id = t.run_id"
            " WHERE t.prompt_id = b.prompt_id AND tc.id IN (b.left_id, b.right_id))"
        )
    return " AND ".join(parts), values


def contestant_condition(selection: Selection) -> tuple[str, list[object]]:
    """Return the SQL condition that both contestants of `b` are meant, and its parameters."""
    parts, values = [], list[object]()
    for side in ("left_id", "right_id"):
        inner = "SELECT id FROM contestants WHERE 1"
        if not selection.include_hidden:
            inner += " AND NOT hidden"
        if selection.contestants is not None:
            inner += f" AND name IN ({_marks(selection.contestants)})"
            values += sorted(map(storable, selection.contestants))
        parts.append(f"b.{side} IN ({inner})")
    return " AND ".join(parts), values


def _marks(values: Collection[str] | Sequence[str]) -> str:
    return ", ".join("?" * len(values))
