"""The keys of Data that open files, choose a model and check."""

import asyncio
import shlex
from collections.abc import Sequence
from functools import partial

from textual import work

from ftarena.curation.shapes.columns import read_columns, written_columns
from ftarena.curation.sources import Columns, Source
from ftarena.text import shorten
from ftarena.tui.data_check import check
from ftarena.tui.data_columns import check_known, columns_of
from ftarena.tui.drawing.findings import progress_words
from ftarena.tui.screens.place import Place
from ftarena.tui.workbench import Looked, Workbench


class Checking(Place):
    """A place in which files are open; `DataScreen` shows what is found in them."""

    bench: Workbench
    looked: Looked | None
    """The row that is shown."""

    specs: tuple[str, ...] = ()
    """What is open, as it was typed."""

    heldout: tuple[str, ...] = ()
    """What is kept aside, as it was typed."""

    changed = False
    """Whether a file has changed since it was checked."""

    def opened(self) -> None:
        """Begin anew: other files are open."""
        raise NotImplementedError

    def found(self) -> None:
        """Show what a check has found."""
        raise NotImplementedError

    def say(self, note: str | None = None) -> None:
        """Write the facts above everything anew; a note says what is going on."""
        raise NotImplementedError

    def show_again(self) -> None:
        """Show the row anew."""
        raise NotImplementedError

    @work(exclusive=True, group="open", exit_on_error=False)
    async def open_files(
        self, train: Sequence[str], heldout: Sequence[str], columns: Columns | None = None
    ) -> None:
        """Open files and check them.

        Args:
            train: What is trained on, as it was typed.
            heldout: What is kept aside.
            columns: What their columns mean; None: what is remembered, else the usual.
        """
        from ftarena.tui.data_near import usual_model

        remembered = self.app.settings.columns
        known = (lambda path: columns) if columns else partial(columns_of, remembered)
        await asyncio.to_thread(self.bench.open, train, heldout, known)
        if columns:
            self._remember(columns, self.bench.sources)
        self.specs, self.heldout = tuple(train), tuple(heldout)
        self.app.remember_data(shlex.join(train)) if train else None
        self.opened()
        if self.bench.model is None:
            paths = [source.path for source in self.bench.sources]
            self.bench.model = await asyncio.to_thread(usual_model, paths, self.desk.workspace)
        self.check_files()

    @work(exclusive=True, group="check", exit_on_error=False)
    async def check_files(self) -> None:
        """Check what is open, unless the same was checked already and has not changed."""
        self.say("◐ checking  (esc cancels)")
        try:
            order = self.bench.order(await self._arena_prompts())
            stamp = await asyncio.to_thread(self.bench.look_at_files)
            report = self.bench.known(order)
            if report is None:
                report = await check(order, lambda progress: self.say(progress_words(progress)))
            guesses = await asyncio.to_thread(self.bench.guess, report)
            self.bench.keep(order, stamp, report, guesses)
            self.changed = False
            self.say("")
            self.found()
        except Exception:
            self.say("not checked: C tries again")
            raise

    async def _arena_prompts(self) -> list[str]:
        from ftarena.arena.questions.prompts import questions

        return await self.desk.read(questions) if self.desk.exists else []

    def action_open(self) -> None:
        """Ask what to open."""
        self._ask_for_files(heldout=False)

    def action_heldout(self) -> None:
        """Ask for files that are kept aside for evaluation."""
        self._ask_for_files(heldout=True)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def _ask_for_files(self, *, heldout: bool) -> None:
        from ftarena.tui.data_near import PathCompleter, data_near, specs
        from ftarena.tui.screens.ask import AskScreen
        from ftarena.tui.workbench import resolve

        near = await asyncio.to_thread(data_near, self.app.settings.data)
        question = "Which held-out file?" if heldout else "Which data?"
        note = (
            "Kept aside for evaluation: none of its questions should be trained on. Empty: none any more."
            if heldout
            else "A file, a folder, several of them, or a data set of the hub."
        )
        text = shlex.join(self.heldout) if heldout else "" if not near or self.specs else near[0]
        asked = AskScreen(
            question,
            note,
            text=text,
            completer=PathCompleter(near),
            empty="" if heldout else None,
            check=lambda typed: [resolve(spec) for spec in specs(typed)],
        )
        answer = await self.ask(asked)
        if answer is not None:
            given = await asyncio.to_thread(specs, answer)
            self.open_files(self.specs if heldout else given, given if heldout else self.heldout)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_columns(self) -> None:
        """Ask what the columns of the file mean whose row is shown, offer what they seem to, check again."""
        from ftarena.tui.screens.ask import AskScreen

        bench = self.bench
        path = self.looked.place[0] if self.looked is not None else bench.sources[0].path
        if path not in bench.guesses and bench.guesses and not bench.source(path).columns.names:
            path = next(iter(bench.guesses))
        guess = bench.guesses.get(path)
        names = guess.names if guess is not None else bench.source(path).columns.names
        there = await asyncio.to_thread(bench.columns_in, path)
        listed = ", ".join(shorten(name, 30) for name in there[:12]) or "none that could be read"
        answer = await self.ask(
            AskScreen(
                f"What do the columns of {shorten(path.name, 40)} mean?",
                f"Our name=the file's name, with commas between; empty: the usual names. It has: {listed}.",
                text=written_columns(names),
                empty="",
                check=lambda text: check_known(read_columns(text), path, there),
            )
        )
        if answer is None:
            return
        columns = read_columns(answer) if answer else Columns()
        alike = [p for p, other in bench.guesses.items() if guess is not None and other == guess]
        sources = [bench.source(p) for p in dict.fromkeys([path, *alike])]
        self._remember(columns, sources)
        await asyncio.to_thread(bench.read_as, {source.path: columns for source in sources})
        self.opened()
        self.check_files()

    def _remember(self, columns: Columns, sources: Sequence[Source]) -> None:
        self.app.remember_columns({one.path: written_columns(columns.names) for one in sources})

    def action_again(self) -> None:
        """Check again."""
        self.check_files()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_model(self) -> None:
        """Ask for the model whose tokens are counted and shown."""
        from ftarena.tui.data_near import models_near, read_model
        from ftarena.tui.screens.ask import AskScreen

        near = await asyncio.to_thread(models_near, self.desk.workspace)
        now = self.bench.model
        answer = await self.ask(
            AskScreen(
                "Which model's tokens?",
                "A name, then the most tokens that an example may have (max_length).",
                suggestions=near,
                text=f"{now.name} {now.max_length}" if now else (near[0] if near else ""),
                check=read_model,
            )
        )
        if answer is not None:
            self.bench.model = await asyncio.to_thread(read_model, answer)
            self.show_again()
            self.check_files()
