"""What a preference pair says against itself."""

from collections.abc import Iterator

from ftarena.curation.check.distance import edit_distance
from ftarena.curation.check.markers import bad_markers
from ftarena.curation.examples import Example, Turn
from ftarena.curation.findings import Finding

ALIKE = 0.02
"""Share of the longer answer's letters that two answers differ in, up to which they are almost the same. The
fewer they are, the more of what DPO pushes down is what it should push up (Pal et al. 2024, arXiv
2402.13228)."""


def pair_findings(example: Example) -> Iterator[Finding]:
    """Yield what is wrong with a preference pair; nothing for other examples.

    Args:
        example: Any kind of example.
    """
    if not example.rejected:
        return
    chosen, rejected = example.completion[0], example.rejected[0]
    if _plain(chosen) == _plain(rejected):
        message = "chosen and rejected are the same, white space aside"
        yield Finding("no-preference", example.file, example.line, message)
        return
    if (letters := _difference(chosen.content, rejected.content)) is not None:
        length = max(len(chosen.content), len(rejected.content))
        message = f"chosen and rejected differ in {letters} of {length:,} letters"
        yield Finding("alike-pair", example.file, example.line, message)
    markers = list(bad_markers(chosen.content))
    if markers and next(bad_markers(rejected.content), None) is None:
        message = f"the chosen answer {' and '.join(markers)}, the rejected one has nothing of the kind"
        yield Finding("chosen-worse", example.file, example.line, message)


def _plain(turn: Turn) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    return turn.content.split(), tuple((call.name, call.arguments) for call in turn.tool_calls)


def _difference(chosen: str, rejected: str) -> int | None:
    limit = int(ALIKE * max(len(chosen), len(rejected)))
    return edit_distance(chosen, rejected, limit) if limit else None
