"""The keys of Data that decide: exclude, edit, relabel, undo, and writing the curated set."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual import events, work

from ftarena.curation.examples import BadRow
from ftarena.curation.findings import CODES, Finding
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten
from ftarena.tui.data_rows import Place as RowPlace
from ftarena.tui.drawing.example import as_json, escaped
from ftarena.tui.drawing.findings import title
from ftarena.tui.screens.place import Place
from ftarena.tui.workbench import Looked, Workbench, judge_of


class Deciding(Place):
    """A place in which one decides about rows; `DataScreen` shows them."""

    bench: Workbench
    looked: Looked | None
    """The row that is shown."""

    twin: Looked | None
    """Its twin, where that is shown, too."""

    with_twin = False
    """Whether a row's twin is to be shown, where it has one."""

    finding: Finding | None
    """What is wrong with the row, where it was reached by a finding."""

    def group(self) -> str:
        """Return the kind of findings that is chosen, or one of the groups that are none."""
        raise NotImplementedError

    def listed(self) -> list[Finding]:
        """Return the findings of the chosen kind that are listed."""
        raise NotImplementedError

    def decided(self, place: RowPlace | None = None) -> None:
        """Show what has been decided; go to a row, where one is given."""
        raise NotImplementedError

    def tell(self, done: str) -> None:
        """Say in the headline, for some seconds, what was done or why nothing was."""
        raise NotImplementedError

    def _target(self) -> Looked | None:
        """Return the row that the keys are about: the twin where its pane has the focus."""
        if self.twin is not None and self.query_one("#twin").has_focus:
            return self.twin
        return self.looked

    def _code(self) -> str:
        return self.group() if self.group() in CODES else ""

    @work(exclusive=True, group="decide", exit_on_error=False)
    async def action_exclude(self) -> None:
        """Leave the row out of the curated set, or take it in again."""
        looked = self._target()
        if looked is not None:
            await asyncio.to_thread(self.bench.exclude, looked, self.desk.labeler, self._code())
            self.decided()

    @work(exclusive=True, group="decide", exit_on_error=False)
    async def action_exclude_all(self) -> None:
        """Ask, then leave out every listed row of the chosen kind."""
        from ftarena.tui.screens.confirm import ConfirmScreen

        code, places = self._code(), list({(one.file, one.line): None for one in self.listed()})
        if not code or not places:
            return
        files = Counter(path.name for path, _ in places)
        where = ", ".join(f"{count:,} in {shorten(name, 40)}" for name, count in files.items())
        total = self.bench.report.counts.get(code, 0) if self.bench.report else 0
        more = (
            f" {total - len(places):,} more are not listed; check again to see them."
            if total > len(places)
            else ""
        )
        question = f"Exclude {len(places):,} row{'s' if len(places) > 1 else ''}: {title(code)}?"
        consequence = f"{where}.{more} The data stays as it is; u takes it back."
        if not await self.ask(ConfirmScreen(question, consequence)):
            return
        done = await asyncio.to_thread(self.bench.exclude_all, places, code, self.desk.labeler)
        self.decided()
        self.tell(f"{done:,} excluded: {title(code)}")

    @work(exclusive=True, group="decide", exit_on_error=False)
    async def action_edit(self) -> None:
        """Change the row as JSON."""
        from ftarena.tui.screens.edit_row import EditRowScreen

        looked = self._target()
        if looked is None:
            return
        place = f"{looked.place[0].name}:{looked.place[1]}"
        judge = await asyncio.to_thread(self._judge, looked)
        text = as_json(looked.value) if looked.value is not None else escaped(looked.raw)
        value = await self.ask(EditRowScreen(place, text, judge))
        if value is not None:
            await asyncio.to_thread(self.bench.edit, looked, value, self.desk.labeler)
            self.decided()
            if "exclude" in looked.decided:
                self.tell(f"{clean_line(place)} is in again, edited.")

    def _judge(self, looked: Looked) -> Callable[[Any], tuple[bool, str]]:
        understand = judge_of(self.bench.source(looked.place[0]), looked.place[1])

        def judge(value: Any) -> tuple[bool, str]:
            try:
                example = understand(value)
            except BadRow as bad:
                return False, str(bad)
            turns = len(example.prompt) + len(example.completion)
            return True, f"reads as {example.shape}: {turns} turn{'s' if turns > 1 else ''}"

        return judge

    @work(exclusive=True, group="decide", exit_on_error=False)
    async def action_relabel(self) -> None:
        """Swap chosen and rejected, or flip the label."""
        looked = self._target()
        if looked is not None:
            await asyncio.to_thread(self.bench.relabel, looked, self.desk.labeler)
            self.decided()
            if "exclude" in looked.decided:
                self.tell(f"{clean_line(looked.place[0].name)}:{looked.place[1]} is in again, relabelled.")

    @work(exclusive=True, group="decide", exit_on_error=False)
    async def action_undo(self) -> None:
        """Take back the last decision."""
        place, count = await asyncio.to_thread(self.bench.undo, self._target(), self.desk.labeler)
        what = f"{count:,} rows" if count > 1 else f"{clean_line(place[0].name)}:{place[1]}"
        self.decided(place)
        self.tell(f"{what} as before.")

    @work(exclusive=True, group="decide", exit_on_error=False)
    async def action_apply(self) -> None:
        """Ask for a file, write the curated set into it, and say how a recipe points at it."""
        from ftarena.tui.screens.ask import AskScreen
        from ftarena.tui.screens.confirm import ConfirmScreen
        from ftarena.tui.screens.curated import CuratedScreen

        for sources in self.bench.curated_parts():
            self._refuse_the_hopeless(sources)
            what = "the held-out set" if sources[0] in self.bench.heldout else "the curated set"
            answer = await self.ask(
                AskScreen(
                    f"Write {what} to which file?",
                    "The decided rows of the open files, in their order, and a manifest beside it.",
                    text=str(_beside(sources[0].path)),
                    check=partial(_check_target, sources),
                )
            )
            if answer is None:
                return
            out, drop = Path(answer).expanduser(), False
            if bad := self.bench.unreadable(sources):
                rows = f"{bad:,} row{'s' if bad > 1 else ''} cannot be used"
                drop = await self.ask(
                    ConfirmScreen(f"{rows}. Leave them out?", "They are written to a file of their own.")
                )
                if not drop:
                    return
            there = await asyncio.to_thread(out.exists)
            if there and not await self.ask(
                ConfirmScreen(
                    f"{clean_line(answer)} is there already. Replace it?", "Its manifest goes, too."
                )
            ):
                return
            write = partial(self.bench.apply, sources, out, drop_bad=drop, overwrite=there)
            facts = await asyncio.to_thread(write)
            key = "eval_dataset" if sources[0] in self.bench.heldout else "dataset"
            await self.ask(CuratedScreen(facts, f"{key}: {_near(out)}"))

    def _refuse_the_hopeless(self, sources: Sequence[Source]) -> None:
        """Refuse to offer a set in which no row would be left."""
        paths = {source.path for source in sources}
        if (
            self.bench.report is None
            or self.bench.usable(sources)
            or any(path in paths for path, _ in self.bench.edited)
        ):
            return
        names = ", ".join(shorten(source.path.name, 40) for source in sources[:3])
        guessed = any(path in self.bench.guesses for path in paths)
        raise FtarenaError(
            f"no row of {names} can be used yet, so there is no set to write",
            "c says what its columns mean" if guessed else "the list on the left says why; e mends a row",
        )

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing here."""
        action, why = _WHY_NOT.get(event.character or "", ("", ""))
        nothing_to_do = self.has_class("-empty") or self.has_class("-small")
        if action and not nothing_to_do and not self.check_action(action, ()):
            self.tell(why)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works."""
        if self.has_class("-empty"):
            return action in ("demo", "open")
        if self.has_class("-small"):
            return action in ("open", "back", "pane")
        if action == "demo":
            return False
        if action == "twin":
            return self.with_twin or (self.finding is not None and self.finding.twin is not None)
        if action == "relabel":
            looked = self._target()
            example = looked.example if looked is not None else None
            return example is not None and example.kind in ("preference", "labelled")
        if action in ("exclude", "edit"):
            return self._target() is not None
        if action == "exclude_all":
            return self.group() in CODES
        return True


_WHY_NOT = {
    "r": ("relabel", "r relabels preference pairs and labelled answers; this row is none"),
    "t": ("twin", "t shows the row that this one repeats, contradicts or leaks from; there is none"),
    "X": ("exclude_all", "X excludes all rows of a kind of finding: choose one on the left"),
    "x": ("exclude", "x excludes a row; none is shown"),
    "e": ("edit", "e edits a row; none is shown"),
}


def _check_target(sources: Sequence[Source], typed: str) -> None:
    """Refuse a file that cannot be written; whether one may be replaced is asked later."""
    from ftarena.curation.sets.usable import check_targets

    out = Path(typed).expanduser()
    check_targets([out], sources, overwrite=True)
    if not out.parent.is_dir():
        raise FtarenaError(f"there is no folder {clean_line(str(out.parent))}", "give another file")


def _beside(path: Path) -> Path:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return _near(path.with_name(f"{Path(name).stem}.curated.jsonl"))


def _near(path: Path) -> Path:
    """Return a path as one would type it here."""
    try:
        return Path(os.path.relpath(path)) if path.absolute().is_relative_to(Path.cwd()) else path.absolute()
    except ValueError:
        return path
