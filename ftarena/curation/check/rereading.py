"""Rows that have to be looked at a second time, found again by their place without parsing the others."""

from collections.abc import Iterable, Iterator, Sequence

from ftarena.curation.examples import Example
from ftarena.curation.reading import examples_of
from ftarena.curation.rows import Chunk, read_chunks
from ftarena.curation.sources import Source


def examples_at(
    sources: Sequence[Source], places: Iterable[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], Example]]:
    """Yield the examples that stand at some places.

    Args:
        sources: All sources.
        places: Number of the source and line; each is looked up once.

    Yields:
        The place, and the example; in the order of the sources.
    """
    lines: dict[int, set[int]] = {}
    for number, line in places:
        lines.setdefault(number, set()).add(line)
    for number in sorted(lines):
        yield from (((number, example.line), example) for example in _of(sources[number], lines[number]))


def _of(source: Source, wanted: set[int]) -> Iterator[Example]:
    left = set(wanted)
    for chunk in read_chunks(source):
        for part in _parts(chunk, left):
            for item in examples_of(part):
                if isinstance(item, Example):
                    yield item
        if not left:
            return


def _parts(chunk: Chunk, left: set[int]) -> Iterator[Chunk]:
    """Yield each wanted row as a chunk of its own, and take it off the list."""
    if chunk.lines:
        # What follows the last line's end is the next chunk's.
        after = chunk.first_line + chunk.lines.count(b"\n") + (not chunk.lines.endswith(b"\n"))
        here = sorted(line for line in left if chunk.first_line <= line < after)
        if here:
            raw = chunk.lines.split(b"\n")
            for line in here:
                left.discard(line)
                yield Chunk(chunk.source, line, raw[line - chunk.first_line])
    for row in chunk.rows:
        if row.line in left:
            left.discard(row.line)
            yield Chunk(chunk.source, row.line, rows=(row,))
