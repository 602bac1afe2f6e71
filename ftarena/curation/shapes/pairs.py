"""Preference pairs: one prompt, the better answer and the worse one, in all ways they are written."""

from dataclasses import replace

from ftarena.curation.examples import BadRow, Turn, Turns
from ftarena.curation.shapes.parts import Parts
from ftarena.curation.shapes.recognition import PROMPTS


def pair_of(parts: Parts) -> tuple[Turns, Turns, Turns]:
    """Return prompt, chosen and rejected answer.

    The prompt is a column, or it is the common beginning of two whole conversations (TRL's implicit prompt,
    also UltraFeedback's, which has the question in a column besides).

    Raises:
        BadRow: Something is not as it must be; `prompts-differ` where two questions are compared.
    """
    names = ("chosen", "rejected")
    if "chosen_messages" in parts.row and "rejected_messages" in parts.row:
        names = ("chosen_messages", "rejected_messages")
    whole = [name for name in names if name.endswith("_messages") or parts.is_conversation(name)]
    if len(whole) == 1:
        other = parts.named(names[1] if whole[0] == names[0] else names[0])
        raise BadRow(
            "order",
            f"{parts.named(whole[0])} is a whole conversation, and {other} only its answer: write both alike",
        )
    asked = next((name for name in PROMPTS if name in parts.row), None)
    if whole:
        return _split(parts, names, asked)
    if asked is None:
        raise BadRow("shape", "prompt is missing: chosen and rejected are answers only")
    return parts.prompt(asked), parts.answer(names[0]), parts.answer(names[1])


def _split(parts: Parts, names: tuple[str, str], asked: str | None) -> tuple[Turns, Turns, Turns]:
    chosen, rejected = (parts.conversation(name) for name in names)
    left, right = parts.named(names[0]), parts.named(names[1])
    if len(chosen) != len(rejected):
        raise BadRow(
            "prompts-differ",
            f"{left} has {len(chosen)} turns and {right} {len(rejected)}: only the last may differ",
        )
    for index, (one, other) in enumerate(zip(chosen[:-1], rejected[:-1], strict=True)):
        if replace(one, learned=True) != replace(other, learned=True):
            raise BadRow(
                "prompts-differ",
                f"{left} and {right} differ before the last answer, first in turn {index + 1}: "
                "they answer two prompts",
            )
    if asked == "prompt":
        _check_prompt(parts, chosen[:-1], left)
    return chosen[:-1], chosen[-1:], rejected[-1:]


def _check_prompt(parts: Parts, common: Turns, where: str) -> None:
    """Refuse a prompt beside two conversations that is not theirs."""
    value = parts.row["prompt"]
    if isinstance(value, str):
        said = value.strip()
        same = any(turn.role == "user" and turn.content.strip() == said for turn in common)
    else:
        same = _without_system(parts.prompt("prompt")) == _without_system(common)
    if not same:
        raise BadRow("prompts-differ", f"{parts.named('prompt')} is not what is asked in {where}")


def _without_system(turns: tuple[Turn, ...]) -> Turns:
    return turns[1:] if turns and turns[0].role == "system" else turns
