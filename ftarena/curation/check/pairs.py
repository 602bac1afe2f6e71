"""What a preference pair says against itself."""

from collections.abc import Iterator

from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding


def pair_findings(example: Example) -> Iterator[Finding]:
    """Yield what is wrong with a preference pair; nothing for other examples.

    Args:
        example: Any kind of example.
    """
    if not example.rejected:
        return
    chosen, rejected = example.completion[0].content, example.rejected[0].content
    if chosen.split() == rejected.split():
        message = "chosen and rejected are the same: nothing can be learned from the pair"
        yield Finding("no-preference", example.file, example.line, message)
