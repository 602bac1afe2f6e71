"""A check from beginning to end: read, share out, put together, compare the rows with each other.

What is kept of a row is a fixed number of bytes, most of them on disk, so that ten million rows can be
checked: about 100 bytes of memory and 300 of the temporary folder each.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ftarena.curation.check import near
from ftarena.curation.check.comparing import Places, find_leaks, find_near, find_repeats
from ftarena.curation.check.examining import TYPES, ChunkResult, Setup, Task
from ftarena.curation.check.growing import GrowingColumns
from ftarena.curation.check.leakage import SIZES, Leaks, Question, QuestionIndex
from ftarena.curation.check.report import CheckReport, FoundSoFar, Progress
from ftarena.curation.check.sampling import common_sequences
from ftarena.curation.check.sharing import examined
from ftarena.curation.check.tallies import tallies
from ftarena.curation.examples import Example, Shape
from ftarena.curation.findings import CODES, Finding
from ftarena.curation.reading import iter_examples
from ftarena.curation.rows import read_chunks
from ftarena.curation.sources import Source
from ftarena.curation.tokens.checking import TokenSpec
from ftarena.curation.tokens.tally import TokenTally
from ftarena.hardware import usable_cores


def run_check(
    train: Sequence[Source],
    heldout: Sequence[Source],
    *,
    arena_prompts: Sequence[str],
    tokens: TokenSpec | None,
    processes: int | None,
    keep: int,
    on_progress: Callable[[Progress], None] | None,
) -> CheckReport:
    """Check sources; the arguments are those of `ftarena.curation.check.check_sources`."""
    sources = [*train, *heldout]
    questions: list[Question] = []
    if train:
        questions += _questions(heldout)
        questions += (Question(text, None) for text in arena_prompts)
    common = common_sequences(train, (near.GRAM, *SIZES))
    setup = Setup(keep, common[near.GRAM], QuestionIndex(questions, common) if questions else None, tokens)
    with GrowingColumns(TYPES) as rows, near.near_columns() as signed:
        gathered = _Gathered(sources, keep, rows, signed, on_progress)
        for result in examined(_tasks(train, heldout), setup, processes or default_processes()):
            gathered.add(result)
        return gathered.report(questions, setup)


def default_processes() -> int:
    """Return how many processes a check uses: the processors it may run on, and no more than eight."""
    # Each takes about 100 MB, and more than eight wait for the one that reads.
    return min(usable_cores(), 8)


def _tasks(train: Sequence[Source], heldout: Sequence[Source]) -> Iterator[Task]:
    for number, source in enumerate((*train, *heldout)):
        for chunk in read_chunks(source):
            yield Task(number, number >= len(train), chunk)


def _questions(heldout: Sequence[Source]) -> Iterator[Question]:
    for source in heldout:
        for item in iter_examples(source):
            if isinstance(item, Example):
                yield Question(_asked(item), (item.file, item.line))


def _asked(example: Example) -> str:
    return example.completion[0].content if example.kind == "text" else example.question


def _state(source: Source) -> tuple[int, int] | None:
    """Return what tells whether somebody wrote to a file, its size and time; None where it is gone."""
    try:
        found = source.path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


class _Gathered:
    """What the chunks held, put together in their order.

    Args:
        sources: All of them, by number.
        keep: How many findings of a code are kept.
        rows: Where what is kept of each row goes.
        signed: Where the signatures go.
        on_progress: Who wants to know how far it is.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        keep: int,
        rows: GrowingColumns,
        signed: GrowingColumns,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._sources = sources
        self._keep = keep
        self._rows = rows
        self._signed = signed
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._sizes = [source.path.stat().st_size for source in sources]
        self._states = [_state(source) for source in sources]
        self._read: Counter[int] = Counter()
        self._seen: Counter[int] = Counter()
        self._shapes: list[Counter[Shape]] = [Counter() for _ in sources]
        self._found = FoundSoFar(keep)
        self._leaks = Leaks()
        self._tallies = tallies()
        self._tokens: TokenTally | None = None
        self._heldout = 0

    def add(self, result: ChunkResult) -> None:
        """Take in what one chunk held."""
        base = self._rows.rows
        self._rows.append(result.columns)
        self._signed.append({**result.near, "row": result.near["row"] + base})
        for match in result.leaks:
            self._leaks.add(match, match.row + base)
        for tally, more in zip(self._tallies, result.tallies, strict=True):
            tally.merge(more)
        if self._tokens and result.tokens:
            self._tokens.merge(result.tokens)
        else:
            self._tokens = self._tokens or result.tokens
        self._found.merge(result.found)
        self._shapes[result.number].update(result.shapes)
        self._seen[result.number] += result.rows
        self._read[result.number] += result.read_bytes
        self._heldout += result.shapes.total() * result.heldout
        if self._on_progress:
            self._on_progress(self._progress(result.number))

    def _progress(self, current: int) -> Progress:
        # Files that are not read as they lie on disk have no position: they count when the next one begins.
        done = sum(self._sizes[:current]) + min(self._read[current], self._sizes[current])
        elapsed_s = time.monotonic() - self._started
        return Progress(self._seen.total(), done, sum(self._sizes), elapsed_s)

    def report(self, questions: Sequence[Question], setup: Setup) -> CheckReport:
        """Compare the rows with each other and return all that was found."""
        found = self._found
        for number, source in enumerate(self._sources):
            told = any(finding.code == "torn" and finding.file == source.path for finding in found.findings)
            if _state(source) != self._states[number] and not told:
                message = "the file changed while it was read: what was found is true of no one state of it"
                found.add(Finding("torn", source.path, 1, message))
            if not self._seen[number]:
                found.add(Finding("no-rows", source.path, 1, "the file holds no row"))
        places = Places(self._sources, self._rows)
        done = find_repeats(self._rows, places, found)
        find_near(self._signed, done, places, setup.common, found, self._keep)
        find_leaks(self._leaks, questions, places, found)
        for tally in self._tallies:
            for finding in tally.findings():
                found.add(finding)
        if self._tokens:
            for finding in self._tokens.findings(self._sources[0].path):
                found.add(finding)
        order = {source.path: number for number, source in enumerate(self._sources)}
        found.findings.sort(key=lambda f: (order.get(f.file, len(order)), f.line, f.code))
        counts = {code: found.counts[code] for code in CODES if found.counts[code]}
        examples = self._rows.rows - self._heldout
        return CheckReport(examples, tuple(found.findings), counts, self._stats(examples))

    def _stats(self, examples: int) -> dict[str, object]:
        rows: dict[str, Counter[str]] = {}
        for source, shapes in zip(self._sources, self._shapes, strict=True):
            rows.setdefault(str(source.path), Counter()).update(shapes)
        stats: dict[str, object] = {
            "heldout": self._heldout,
            "unusable": self._seen.total() - self._rows.rows,
            "rows": {path: dict(shapes) for path, shapes in rows.items()},
        }
        # Training rows come before held-out ones, since their sources do.
        lengths = self._rows.column("length")[:examples]
        if len(lengths):
            stats["answer_characters_median"] = int(
                np.partition(lengths, len(lengths) // 2)[len(lengths) // 2]
            )
            stats["answer_characters_longest"] = int(lengths.max())
        for tally in self._tallies:
            stats |= tally.stats()
        if self._tokens:
            stats["tokens"] = self._tokens.stats()
        return stats
