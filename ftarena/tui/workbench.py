"""What the place Data works on: the open files, what was found in them, what was decided about their rows.

Knows no widget. Whatever reads or writes files is meant to be called in a thread.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftarena.curation.examples import BadRow, Example
from ftarena.curation.findings import Finding
from ftarena.curation.rows import Problem, Row
from ftarena.curation.sources import Columns, Source
from ftarena.errors import FtarenaError
from ftarena.tui.data_check import CheckOrder
from ftarena.tui.data_rows import Place, beginning, read_place, read_places
from ftarena.tui.drawing.findings import EXCLUDED

if TYPE_CHECKING:
    from ftarena.curation.check import CheckReport
    from ftarena.curation.decisions.ledger import Decisions
    from ftarena.curation.shapes.suggestions import Guess
    from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
    from ftarena.curation.tokens.mask import MaskView

SIGNS = {"exclude": EXCLUDED, "edit": "✎", "relabel": "⇄"}
"""How decisions are shown in lists."""

WORDS = {"exclude": "excluded", "edit": "edited", "relabel": "relabelled"}

UNUSABLE = frozenset(
    (
        "json", "encoding", "surrogate", "shape", "field", "type", "empty", "no-answer", "role", "order",
        "system", "prompts-differ",
    )
)  # fmt: skip
"""Findings of rows that are no examples: writing a set refuses them or leaves them out."""

_LEAST_SHARE = 0.5
"""Of its rows must have no known shape before it is asked what the columns of a file mean."""

_LOOKED_AT = 5
"""Rows of a file that must look alike for a guess about its columns."""

MOST_REPORTS = 4
"""How many checks of a session are kept, to be shown again at once."""


@dataclass(frozen=True)
class Model:
    """The model whose tokens are looked at."""

    name: str
    max_length: int
    folder: Path


@dataclass(frozen=True)
class Looked:
    """One row as it is now, decisions included."""

    place: Place
    row: Row | Problem
    """As it lies in the file."""

    raw: str = ""
    """The line as text, where it could not be parsed."""

    value: Any = None
    """What it says by now: of an edited row the new value."""

    example: Example | None = None
    """It understood; None where that is impossible."""

    trouble: str = ""
    """Why it cannot be understood."""

    decided: tuple[str, ...] = ()
    """What was decided and makes it what it is: `exclude`; or `edit`, `relabel`, one of them or both."""

    undoable: bool = False
    """Whether a decision about it stands that could be taken back."""


class Workbench:
    """The open files and everything that is known about them."""

    def __init__(self) -> None:
        self.train: tuple[Source, ...] = ()
        self.heldout: tuple[Source, ...] = ()
        self.model: Model | None = None
        self.report: CheckReport | None = None
        self.stamp: tuple[object, ...] = ()
        """Of the files when they were checked."""
        self.signs: dict[Place, str] = {}
        """What was decided, by the place where it was decided."""
        self.edited: dict[Place, str] = {}
        """How edited rows begin now."""
        self.guesses: dict[Path, Guess] = {}
        """What the columns of files seem to mean of which most rows have a shape that is not known."""
        self._reports: dict[tuple[str, tuple[object, ...]], CheckReport] = {}
        self._decisions: dict[Path, Decisions] = {}
        self._done: list[list[Row | Problem]] = []
        """The rows of each decision that was made here, the last one last."""
        self._tokenizer: tuple[Path, ChatTokenizer] | None = None
        # Reading a row and deciding about another one happen in different threads.
        self._lock = threading.Lock()

    # What is open

    @property
    def sources(self) -> tuple[Source, ...]:
        """All open files, the held-out ones last."""
        return (*self.train, *self.heldout)

    def source(self, path: Path) -> Source:
        """Return the source with a path."""
        return next(source for source in self.sources if source.path == path)

    def open(
        self,
        train: Sequence[str],
        heldout: Sequence[str] = (),
        columns: Callable[[Path], Columns | None] = lambda path: None,
    ) -> None:
        """Open files; what was known about others is put away.

        Args:
            train: Files, folders, data sets of the hub.
            heldout: The same, kept aside for evaluation.
            columns: From a file to what its columns mean; None: what its description says, or the usual.

        Raises:
            FtarenaError: One of them is not there, or nothing that can be read.
        """
        from ftarena.curation.decisions.ledger import Decisions

        def named(source: Source) -> Source:
            said = columns(source.path)
            return source if said is None else replace(source, columns=said)

        found = tuple(_unique(named(source) for spec in train for source in resolve(spec)))
        kept = tuple(_unique(named(source) for spec in heldout for source in resolve(spec)))
        decisions = {source.path: Decisions.open(source) for source in (*found, *kept)}
        self.train, self.heldout = found, tuple(s for s in kept if s.path not in {t.path for t in found})
        self._decisions, self._done = decisions, []
        self.report, self.stamp, self.guesses = None, (), {}
        self._read_signs()

    def read_as(self, columns: Mapping[Path, Columns]) -> None:
        """Read files otherwise from now on; what was found in them before is put away.

        Args:
            columns: What the columns of some of the open files mean.

        Raises:
            FtarenaError: The decisions about one of them cannot be read.
        """
        from ftarena.curation.decisions.ledger import Decisions

        def named(source: Source) -> Source:
            return replace(source, columns=columns.get(source.path, source.columns))

        train, heldout = tuple(map(named, self.train)), tuple(map(named, self.heldout))
        decisions = {source.path: Decisions.open(source) for source in (*train, *heldout)}
        with self._lock:
            self.train, self.heldout, self._decisions = train, heldout, decisions
        self.report, self.stamp, self.guesses = None, (), {}
        self._read_signs()

    def look_at_files(self) -> tuple[object, ...]:
        """Return what tells whether a file has changed: size and time of each. A missing one has none."""
        seen: list[object] = []
        for source in self.sources:
            try:
                info = source.path.stat()
                seen.append((source, info.st_size, info.st_mtime_ns))
            except OSError:
                seen.append((source, None, None))
        return tuple(map(str, seen))

    # Checking

    def order(self, arena_prompts: Sequence[str] = ()) -> CheckOrder:
        """Return what is to be checked now."""
        tokens = None
        if self.model is not None:
            from ftarena.curation.tokens.checking import TokenSpec

            tokens = TokenSpec(self.model.folder, self.model.name, self.model.max_length)
        return CheckOrder(self.train, self.heldout, tuple(arena_prompts), tokens)

    def known(self, order: CheckOrder) -> "CheckReport | None":
        """Return the report of the same check of files that have not changed since."""
        return self._reports.get((repr(order), self.look_at_files()))

    def keep(
        self,
        order: CheckOrder,
        stamp: tuple[object, ...],
        report: "CheckReport",
        guesses: "Mapping[Path, Guess]",
    ) -> None:
        """Take a finished check.

        Args:
            order: What was checked.
            stamp: The files as they were before it began.
            report: What it found.
            guesses: What `guess` makes of that.
        """
        self.report, self.stamp, self.guesses = report, stamp, dict(guesses)
        self._reports[repr(order), stamp] = report
        while len(self._reports) > MOST_REPORTS:
            del self._reports[next(iter(self._reports))]

    def guess(self, report: "CheckReport") -> "dict[Path, Guess]":
        """Return what the columns of files seem to mean of which most rows have no shape that is known.

        Args:
            report: What was found in the open files.

        Raises:
            FtarenaError: A file is gone.
        """
        from ftarena.curation.shapes import SHAPES
        from ftarena.curation.shapes.suggestions import guess

        found = {}
        for source in self.sources:
            lines = [one.line for one in report.findings if one.code == "shape" and one.file == source.path]
            if source.shape or len(lines) <= _LEAST_SHARE * (len(lines) + _usable(report, [source])):
                continue
            some = {lines[len(lines) * n // _LOOKED_AT] for n in range(_LOOKED_AT)}
            rows = [row for row in read_places(source, some) if isinstance(row, Row)]
            guesses = [guess(row.value, tuple(SHAPES)) for row in rows if isinstance(row.value, dict)]
            if guesses and guesses[0] is not None and all(one == guesses[0] for one in guesses):
                found[source.path] = guesses[0]
        return found

    def columns_in(self, path: Path) -> list[str]:
        """Return the names of the columns of a file: those of its first rows that could be read."""
        from itertools import islice

        from ftarena.curation.rows import read_rows

        rows = islice(read_rows(self.source(path)), _LOOKED_AT)
        values = [row.value for row in rows if isinstance(row, Row) and isinstance(row.value, dict)]
        return list(dict.fromkeys(key for value in values for key in value))

    def usable(self, sources: Sequence[Source]) -> int:
        """Return how many rows of some files the check could use."""
        return _usable(self.report, sources) if self.report else 0

    @property
    def changed(self) -> bool:
        """Whether a file has changed since it was checked."""
        return bool(self.stamp) and self.look_at_files() != self.stamp

    # Looking

    def look(self, place: Place) -> Looked:
        """Read one row, with what was decided about it.

        Raises:
            FtarenaError: The file or the row is gone.
        """
        from ftarena.curation.decisions.decision import Decided, effective
        from ftarena.curation.decisions.identity import Item

        source = self.source(place[0])
        row, raw = read_place(source, place[1])
        with self._lock:
            decisions = self._decisions[source.path]
            pile = decisions.pile(row)
            inside = pile[:-1] if pile and pile[-1].action == "exclude" else pile
            now = decisions.outcome(Decided(Item(row, raw), inside)) or row
        actions = tuple(one.action for one in effective(pile))
        self._sign(place, actions)
        looked = Looked(place, row, raw, decided=actions, undoable=bool(pile))
        if isinstance(now, Problem):
            return replace(looked, trouble=now.message)
        try:
            return replace(looked, value=now.value, example=understood(source, place[1], now.value))
        except BadRow as bad:
            return replace(looked, value=now.value, trouble=str(bad))

    def masks(self, example: Example) -> "list[tuple[str, MaskView]]":
        """Return an example as tokens, with what is learned of them.

        Raises:
            FtarenaError: No model was chosen, or its template refuses the example.
        """
        from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
        from ftarena.curation.tokens.mask import mask_views

        if self.model is None:
            raise FtarenaError("no model was chosen, and tokens are a model's", "m chooses one")
        if self._tokenizer is None or self._tokenizer[0] != self.model.folder:
            tokenizer = ChatTokenizer.load(self.model.folder, self.model.name)
            self._tokenizer = (self.model.folder, tokenizer)
        return mask_views(example, self._tokenizer[1], self.model.max_length)

    # Deciding

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are excluded, edited and relabelled, over all files that are trained on."""
        total = dict.fromkeys(SIGNS, 0)
        for source in self.train:
            for action, count in self._decisions[source.path].counts.items():
                total[action] += count
        return total

    def decided_places(self) -> list[tuple[Place, str]]:
        """Return where something was decided, with the sign of it, in the order of the files."""
        order = {source.path: number for number, source in enumerate(self.sources)}
        return sorted(self.signs.items(), key=lambda item: (order.get(item[0][0], 0), item[0][1]))

    def exclude(self, looked: Looked, by: str, code: str = "") -> None:
        """Leave a row out, or take it in again where it was left out.

        Raises:
            FtarenaError: The decision cannot be written down.
        """
        with self._lock:
            decisions = self._decisions[looked.place[0]]
            standing = decisions.of(looked.row)
            if standing is not None and standing.action == "exclude":
                decisions.undo(looked.row, by)
            else:
                decisions.exclude(looked.row, "", by, code=code)
                self._done.append([looked.row])
        self._read_signs()

    def exclude_all(self, places: Sequence[Place], code: str, by: str) -> int:
        """Leave out every row of some places that is not left out already; return how many those were.

        Raises:
            FtarenaError: A file has changed, or a decision cannot be written down.
        """
        done: list[Row | Problem] = []
        for source in self.sources:
            rows = []
            for row in read_places(source, {line for path, line in places if path == source.path}):
                with self._lock:
                    standing = self._decisions[source.path].of(row)
                if standing is None or standing.action != "exclude":
                    rows.append(row)
            if rows:
                with self._lock:
                    self._decisions[source.path].exclude_all(rows, "", by, code=code)
                done += rows
        if done:
            self._done.append(done)
        self._read_signs()
        return len(done)

    def edit(self, looked: Looked, value: dict[str, Any], by: str) -> None:
        """Give a row another value.

        Raises:
            FtarenaError: It could not be used with that value, or the decision cannot be written down.
        """
        with self._lock:
            self._decisions[looked.place[0]].edit(looked.row, value, by)
        self._done.append([looked.row])
        self._read_signs()

    def relabel(self, looked: Looked, by: str) -> None:
        """Swap a pair, or flip a label; back again where that was the last decision about it.

        Raises:
            FtarenaError: The row is neither, or the decision cannot be written down.
        """
        if isinstance(looked.row, Problem):
            raise FtarenaError("this line cannot be read, so there is nothing to turn round", "e edits it")
        with self._lock:
            decisions = self._decisions[looked.place[0]]
            standing = decisions.of(looked.row)
            if standing is not None and standing.action == "relabel":
                decisions.undo(looked.row, by)
            else:
                decisions.relabel(looked.row, by)
                self._done.append([looked.row])
        self._read_signs()

    def undo(self, looked: Looked | None, by: str) -> tuple[Place, int]:
        """Take back the last decision that was made here; if there is none, the newest about a row.

        Args:
            looked: The row that is looked at.
            by: Who takes it back.

        Returns:
            The first row that it was about, and how many there were.

        Raises:
            FtarenaError: There is nothing to take back, or it cannot be written down.
        """
        if self._done:
            rows = self._done[-1]
        elif looked is not None and looked.undoable:
            rows = [looked.row]
        else:
            raise FtarenaError("nothing was decided here that could be taken back")
        taken = 0
        for row in rows:
            with self._lock:
                decisions = self._decisions[row.file]
                if decisions.of(row) is not None:  # else somebody else, or `x`, has taken it back already
                    decisions.undo(row, by)
                    taken += 1
        if self._done:
            self._done.pop()
        self._read_signs()
        return (rows[0].file, rows[0].line), taken

    def curated_parts(self) -> list[tuple[Source, ...]]:
        """Return what becomes a set each: what is trained on, and held-out files that were decided about."""
        decided = [source for source in self.heldout if self._decisions[source.path].standing]
        parts = [self.train] if self.train and (not decided or self._any_decided(self.train)) else []
        return [*parts, self.heldout] if decided else parts

    def unreadable(self, sources: Sequence[Source]) -> int:
        """Return how many rows of some files cannot be used as they were decided, as far as was found."""
        paths = {source.path for source in sources}
        found = self.report.findings if self.report else ()
        bad = {(one.file, one.line) for one in found if one.file in paths and one.code in UNUSABLE}
        return sum(self.signs.get(place) not in (SIGNS["exclude"], SIGNS["edit"]) for place in bad)

    def apply(
        self, sources: Sequence[Source], out: Path, *, drop_bad: bool, overwrite: bool = False
    ) -> list[str]:
        """Write rows as they were decided, and a manifest beside them; return what became of them, in words.

        Raises:
            FtarenaError: A row cannot be used and none may be dropped, or the disk refuses.
        """
        from ftarena.curation.sets.apply import apply_decisions
        from ftarena.curation.sets.manifest import manifest_path

        manifest = apply_decisions(sources, out, drop_bad=drop_bad, overwrite=overwrite)
        words = [f"{manifest.rows:,} of {manifest.rows_in:,} rows are in {out}"]
        counts = [
            f"{count:,} {name}"
            for name in ("excluded", "edited", "relabelled", "dropped")
            if (count := manifest.total(name))
        ]
        words.append(", ".join(counts) or "nothing was decided: the set is what the files hold")
        if strays := manifest.total("strays"):
            words.append(f"{strays:,} decisions apply to no row: the file has changed since")
        return [*words, f"how it was made: {manifest_path(out).name}"]

    def _any_decided(self, sources: Sequence[Source]) -> bool:
        return any(self._decisions[source.path].standing for source in sources)

    def _sign(self, place: Place, decided: Sequence[str]) -> None:
        if decided:
            self.signs[place] = SIGNS[decided[-1]]
        else:
            self.signs.pop(place, None)

    def _read_signs(self) -> None:
        from ftarena.curation.decisions.decision import Decision, effective

        signs, edited = {}, {}
        for path, decisions in self._decisions.items():
            piles: dict[tuple[str, int], list[Decision]] = {}
            for decision in decisions.standing:
                piles.setdefault(decision.key, []).append(decision)
            for pile in piles.values():
                for decision in effective(pile):
                    signs[path, decision.line] = SIGNS[decision.action]
                    if decision.value is not None:
                        edited[path, decision.line] = beginning(Row(path, decision.line, decision.value))
        self.signs, self.edited = signs, edited


def resolve(spec: str) -> list[Source]:
    """Return the sources that a text names; `~` is the home of who types it.

    Raises:
        FtarenaError: There is no such thing.
    """
    from ftarena.curation.resolving import resolve as resolve_spec

    if spec.strip() == "-":
        raise FtarenaError("standard input cannot be read here: the keys come from it", "give a file")
    path = Path(spec)
    return resolve_spec(str(path.expanduser()) if spec.startswith("~") else spec)


def understood(source: Source, line: int, value: Any) -> Example:
    """Return what a row of a source says.

    Raises:
        BadRow: It cannot be understood.
    """
    from ftarena.curation.shapes import SHAPES, example_of

    shapes = (source.shape,) if source.shape else tuple(SHAPES)
    return example_of(source.path, line, value, shapes, source.columns)


def judge_of(source: Source, line: int) -> Callable[[Any], Example]:
    """Return what understands an edited row, and refuses what could not be used. May read the file.

    Raises:
        FtarenaError: The file cannot be read. What is returned raises `BadRow`.
    """
    from ftarena.curation.reading import usable_shapes
    from ftarena.curation.shapes import example_of

    shapes = usable_shapes(source)
    return lambda value: example_of(source.path, line, value, shapes, source.columns)


def matching(findings: Iterable[Finding], needle: str, title: Callable[[str], str]) -> list[Finding]:
    """Return the findings in which a text occurs: in the code, its title, the message or `file:line`."""
    wanted = needle.casefold().strip()
    if not wanted:
        return list(findings)
    return [
        one
        for one in findings
        if wanted in f"{one.code} {title(one.code)} {one.message} {one.file.name}:{one.line}".casefold()
    ]


def _usable(report: "CheckReport", sources: Iterable[Source]) -> int:
    rows = report.stats["rows"]
    return sum(sum(rows.get(str(source.path), {}).values()) for source in sources)


def _unique(sources: Iterable[Source]) -> list[Source]:
    found: dict[Path, Source] = {}
    for source in sources:
        found.setdefault(source.path, source)
    return list(found.values())
