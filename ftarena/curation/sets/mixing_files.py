"""Mixing files into one: rows are counted, then taken by number; larger than memory is no trouble."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ftarena.curation.examples import Shape
from ftarena.curation.sets.mixing import Part, chosen, replay_rows, shares
from ftarena.curation.sets.usable import BadRows, Usable, check_targets, dropped_path, usable_rows
from ftarena.curation.sources import Source

_IN_MEMORY_BYTES = 64_000_000
_MOST_BUCKETS = 200
# Open files at once; with 64 MB in each that is enough for 12 GB, beyond it a bucket grows.


@dataclass(frozen=True)
class Ingredient:
    """One entry of a mix: usually one file."""

    name: str
    sources: Sequence[Source]
    weight: float | None = None
    most: int | None = None


@dataclass(frozen=True)
class Taken:
    """What was taken of an ingredient."""

    name: str
    rows: int
    """Rows in it that can be used."""

    used: int
    """Rows of it in the mix; more than `rows` where they were repeated."""

    weight: float | None
    replay: bool


@dataclass
class Mix:
    """What a mix was made of."""

    rows: int = 0
    taken: list[Taken] = field(default_factory=list)
    dropped: int = 0

    def share(self, taken: Taken) -> float:
        """Return which share of the mix came from one ingredient, 0 to 1."""
        return taken.used / self.rows if self.rows else 0.0

    @property
    def replay_share(self) -> float:
        """Which share of the mix is replayed, 0 to 1."""
        return sum(self.share(taken) for taken in self.taken if taken.replay)


def mix_files(
    ingredients: Sequence[Ingredient],
    out: Path,
    *,
    replay: Sequence[Ingredient] = (),
    ratio: float = 0.05,
    seed: int = 42,
    rows: int | None = None,
    repeat: bool = False,
    keep_order: bool = False,
    shape: Shape | None = None,
    drop_bad: bool = False,
    overwrite: bool = False,
) -> Mix:
    """Write a mix of sources; see `mixing` for what weights, caps and replay mean.

    Args:
        ingredients: What is mixed.
        out: The file to write; its ending says the format.
        replay: General examples that are mixed in on top.
        ratio: Their share of the result.
        seed: Decides which rows are taken, and their order; the same on every machine.
        rows: Rows of the result without replay. None: as many as there are.
        repeat: Whether rows of a scarce source may be taken again.
        keep_order: Write the sources one after the other, each in its order, instead of shuffling.
        shape: Write all rows in this shape. None: as they are.
        drop_bad: Leave rows out that cannot be used, and write them to `OUT.dropped.jsonl`.
        overwrite: Whether `out` may be replaced.

    Raises:
        UsageError: A source has no rows, or there are too few.
        DataError: Rows cannot be used and may not be dropped; nothing is written.
        FtarenaError: A file cannot be read or written, or a row does not fit into the shape.
    """
    from ftarena.curation.sets.converting import fitted
    from ftarena.curation.writing import write_rows

    everything = [*ingredients, *replay]
    sources = [source for ingredient in everything for source in ingredient.sources]
    check_targets([out], sources, overwrite=overwrite)
    with BadRows(dropped_path(out) if drop_bad else None) as bad:
        parts = [_counted(ingredient, bad) for ingredient in everything]
        main, extra = parts[: len(ingredients)], parts[len(ingredients) :]
        counts = shares(main, rows=rows, repeat=repeat)
        if extra:
            most = shares(extra)
            wanted = replay_rows(sum(counts), ratio, sum(most))
            counts += shares(extra, rows=wanted) if wanted < sum(most) else most
        mix = Mix(dropped=bad.count)
        for number, (part, count) in enumerate(zip(parts, counts, strict=True)):
            mix.taken.append(Taken(part.name, part.rows, count, part.weight, number >= len(main)))

        def value(usable: Usable) -> dict[str, Any]:
            return usable.value() if shape is None else fitted(usable, shape)

        picked = _picked(everything, parts, counts, seed, value)
        size = sum(_unpacked_size(source) for source in sources)
        ordered = (row for _, row in picked) if keep_order else _shuffled(picked, size, out.parent)
        mix.rows = write_rows(ordered, out, overwrite=overwrite)
    return mix


def _counted(ingredient: Ingredient, bad: BadRows) -> Part:
    rows = sum(1 for source in ingredient.sources for _ in usable_rows(source, bad))
    return Part(ingredient.name, rows, ingredient.weight, ingredient.most)


def _picked(
    ingredients: Sequence[Ingredient],
    parts: Sequence[Part],
    counts: Sequence[int],
    seed: int,
    value: Callable[[Usable], dict[str, Any]],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows that were chosen, each with the number by which a shuffled mix is ordered."""
    for place, (ingredient, part, count) in enumerate(zip(ingredients, parts, counts, strict=True)):
        numbers = iter(chosen(part.rows, count, seed, part.most))
        wanted = next(numbers, None)
        usable = (usable for source in ingredient.sources for usable in usable_rows(source))
        for number, row in enumerate(usable):
            if wanted is None:
                break
            copy = 0
            while wanted == number:
                yield _order(seed, place, number, copy), value(row)
                wanted, copy = next(numbers, None), copy + 1


def _order(seed: int, place: int, number: int, copy: int) -> int:
    """Return 64 random bits for a row: a hash and no generator, so that rows need not be in memory."""
    text = f"{seed}/{place}/{number}/{copy}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _shuffled(
    rows: Iterator[tuple[int, dict[str, Any]]], size: int, folder: Path
) -> Iterator[dict[str, Any]]:
    """Yield rows by their numbers, with one bucket in memory: they are dealt into files by number first."""
    count = min(size // _IN_MEMORY_BYTES + 1, _MOST_BUCKETS)
    if count == 1:
        for _, row in sorted(rows, key=lambda pair: pair[0]):
            yield row
        return
    # Beside the result, since /tmp may be small; without names, so that they go with the process.
    buckets: list[IO[str]] = [
        tempfile.TemporaryFile("w+", encoding="ascii", dir=folder)  # noqa: SIM115 - closed below
        for _ in range(count)
    ]
    try:
        for number, row in rows:
            buckets[number * count >> 64].write(f"{json.dumps([number, row])}\n")
        for bucket in buckets:
            bucket.seek(0)
            for _, row in sorted((json.loads(line) for line in bucket), key=lambda pair: pair[0]):
                yield row
    finally:
        for bucket in buckets:
            bucket.close()


def _unpacked_size(source: Source) -> int:
    packed = source.compression or source.format in ("parquet", "arrow")
    return source.path.stat().st_size * (8 if packed else 1)
