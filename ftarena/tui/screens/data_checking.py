"""The keys of Data that open files, choose a model and check."""

import asyncio
import shlex
from collections.abc import Sequence

from textual import work

from ftarena.tui.data_check import check
from ftarena.tui.drawing.findings import progress_words
from ftarena.tui.screens.place import Place
from ftarena.tui.workbench import Workbench


class Checking(Place):
    """A place in which files are open; `DataScreen` shows what is found in them."""

    bench: Workbench
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
    async def open_files(self, train: Sequence[str], heldout: Sequence[str]) -> None:
        """Open files and check them."""
        from ftarena.tui.data_near import usual_model

        await asyncio.to_thread(self.bench.open, train, heldout)
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
            self.bench.keep(order, stamp, report)
            self.changed = False
            self.say("")
            self.found()
        except Exception:
            self.say("not checked: c tries again")
            raise

    async def _arena_prompts(self) -> list[str]:
        if not self.desk.exists:
            return []
        prompts = await self.desk.read(lambda store: store.prompts())
        return ["\n".join(turn.content for turn in p.turns if turn.role == "user") for p in prompts]

    def action_open(self) -> None:
        """Ask what to open."""
        self._ask_for_files(heldout=False)

    def action_heldout(self) -> None:
        """Ask for files that are kept aside for evaluation."""
        self._ask_for_files(heldout=True)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def _ask_for_files(self, *, heldout: bool) -> None:
        from ftarena.tui.data_near import PathSuggester, data_near, specs
        from ftarena.tui.screens.ask import AskScreen

        near = await asyncio.to_thread(data_near, self.app.settings.data)
        question = "Which held-out file?" if heldout else "Which data?"
        note = (
            "Kept aside for evaluation: none of its questions should be trained on. Empty: none any more."
            if heldout
            else "A file, a folder, several of them, or a data set of the hub. → completes."
        )
        text = shlex.join(self.heldout) if heldout else "" if not near or self.specs else near[0]
        asked = AskScreen(
            question,
            note,
            suggestions=near,
            text=text,
            suggester=PathSuggester(near),
            empty="" if heldout else None,
        )
        answer = await self.app.push_screen_wait(asked)
        if answer is not None:
            given = await asyncio.to_thread(specs, answer)
            self.open_files(self.specs if heldout else given, given if heldout else self.heldout)

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
        answer = await self.app.push_screen_wait(
            AskScreen(
                "Which model's tokens?",
                "A name, then the most tokens that an example may have (max_length).",
                suggestions=near,
                text=f"{now.name} {now.max_length}" if now else (near[0] if near else ""),
            )
        )
        if answer is not None:
            self.bench.model = await asyncio.to_thread(read_model, answer)
            self.show_again()
            self.check_files()
