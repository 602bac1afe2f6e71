"""What can be done with a run from its place: start, pause, resume, stop, examine, compare, export."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.binding import Binding

from ftarena.errors import FtarenaError
from ftarena.text import clean_line
from ftarena.tui.screens.place import Place

if TYPE_CHECKING:
    from ftarena.recipes.schema import Recipe
    from ftarena.training.figures.standing import Standing
    from ftarena.training.plan import Plan
    from ftarena.training.runs import Run

_TAKEN = "the device is taken"
"""How `start_run` and `resume_run` begin when they refuse for that reason."""


class RunActions(Place):
    """The keys of the place that act on the chosen run; the screen says which that is."""

    BINDINGS = [
        Binding("d", "demo", "run the demo"),
        Binding("n", "new", "new"),
        Binding("p", "plan", "plan"),
        Binding("s", "stop", "stop"),
        Binding("z", "pause", "pause"),
        Binding("r", "resume", "resume"),
        Binding("l", "log", "log", show=False),  # enter does it, too, and is in the list's own keys
        Binding("x", "exam", "examine"),
        Binding("c", "compare", "compare checkpoints"),
        Binding("e", "export", "export"),
        Binding("S", "kill", "stop now", show=False),
    ]

    def chosen_run(self) -> "Run | None":
        """Return the run that the list's cursor is on."""
        raise NotImplementedError

    def shown_runs(self) -> "list[Standing]":
        """Return what is drawn: the chosen run, and the one laid over it."""
        raise NotImplementedError

    # Starting

    @work(exclusive=True, group="new", exit_on_error=False)
    async def action_new(self) -> None:
        """Ask for a recipe and start it."""
        path = await self._ask_recipe(
            "Which recipe?", "The run starts at once and goes on without this window."
        )
        if path is not None:
            await self._start(path)

    @work(exclusive=True, group="new", exit_on_error=False)
    async def action_plan(self) -> None:
        """Ask for a recipe, show what it will take, and start it if wanted."""
        from ftarena.tui.screens.runs_asking import PlanScreen

        path = await self._ask_recipe(
            "Plan which recipe?", "Nothing is loaded: memory, time and disk are told."
        )
        if path is None:
            return
        self.app.notify("Reading data and model …", title="Plan", timeout=60, markup=False)
        plan, text = await asyncio.to_thread(_plan, path)
        if await self.ask(PlanScreen(str(path), text, plan.fits)):
            await self._start(path)

    async def _ask_recipe(self, question: str, note: str) -> Path | None:
        from ftarena.tui.screens.ask import AskScreen

        found = await self.desk.run(_recipes)
        first = found[0] if found else ""
        path = await self.ask(
            AskScreen(
                question, f"A YAML file, or a preset. {note}", suggestions=found, text=first, check=_load
            )
        )
        return None if path is None else Path(path).expanduser()

    async def _start(self, path: Path) -> None:
        try:
            run = await asyncio.to_thread(self._begin, path, False)
        except FtarenaError as error:
            if not await self._asked_to_queue(error):
                raise
            run = await asyncio.to_thread(self._begin, path, True)
        self._tell("Queued" if str(run.state) == "queued" else "Started", clean_line(run.id))

    def _begin(self, path: Path, queue: bool) -> "Run":
        from ftarena.arena.sharing import start_training

        return start_training(_load(str(path)), self.desk.workspace.ensure(), recipe_file=path, queue=queue)

    async def _asked_to_queue(self, error: FtarenaError) -> bool:
        """Return whether a run that was refused because others train shall wait for its turn."""
        from ftarena.tui.screens.confirm import ConfirmScreen

        if not error.message.startswith(_TAKEN):
            return False
        return bool(await self.ask(ConfirmScreen("Let it wait for its turn?", clean_line(error.message))))

    # Stopping, pausing, resuming

    @work(exclusive=True, group="stop", exit_on_error=False)
    async def action_stop(self) -> None:
        """Ask, then stop the chosen run after its step."""
        run = await self._going("It finishes the step it is in and keeps what it has learned.", "Stop")
        if run is not None:
            from ftarena.training.jobs import stop_run

            self.app.notify("It finishes its step first.", title="Stopping", markup=False)
            await asyncio.to_thread(stop_run, run)  # may take minutes: not in the desk's thread
            self.app.look_around()

    @work(exclusive=True, group="stop", exit_on_error=False)
    async def action_kill(self) -> None:
        """Ask, then kill the chosen run."""
        run = await self._going(
            "It is killed: what it learned since its last checkpoint is lost.", "Stop now:"
        )
        if run is not None:
            from ftarena.training.jobs import stop_run

            await asyncio.to_thread(stop_run, run, now=True)
            self._tell("Killed", clean_line(run.id))

    @work(exclusive=True, group="stop", exit_on_error=False)
    async def action_pause(self) -> None:
        """Save a checkpoint after this step and give the device back."""
        from ftarena.training.jobs import pause_run

        run = self._need_going()
        self.app.notify("It finishes its step and saves; r resumes it.", title="Pausing", markup=False)
        await asyncio.to_thread(pause_run, run)
        self.app.look_around()

    @work(exclusive=True, group="stop", exit_on_error=False)
    async def action_resume(self) -> None:
        """Let the chosen run go on from its newest whole checkpoint."""
        run = self._need_run()
        try:
            await asyncio.to_thread(self._go_on, run, False)
        except FtarenaError as error:
            if not await self._asked_to_queue(error):
                raise
            await asyncio.to_thread(self._go_on, run, True)
        self._tell("Resumed", f"{clean_line(run.id)} from step {run.resumable_from}")

    def _go_on(self, run: "Run", queue: bool) -> "Run":
        from ftarena.arena.sharing import resume_training

        return resume_training(run, self.desk.workspace, queue=queue)

    async def _going(self, consequence: str, verb: str) -> "Run | None":
        """Return the chosen run if it goes on and someone said yes."""
        from ftarena.tui.screens.confirm import ConfirmScreen

        run = self._need_going()
        question = f"{verb} {clean_line(run.name)} at step {run.step} of {run.total_steps}?"
        return run if await self.ask(ConfirmScreen(question, consequence)) else None

    # Afterwards

    @work(exclusive=True, group="exam", exit_on_error=False)
    async def action_exam(self) -> None:
        """Examine the chosen run by the engine: a process of its own, which writes into the run's folder."""
        run = self._need_run()
        if run.adapter is None and run.model is None:
            raise FtarenaError(f"{run.name} has left nothing to examine: it {run.state.told}")
        await asyncio.to_thread(_examine, run)
        words = "Twenty answers, recitation, knowledge: the guards below say what was found, in minutes."
        self._tell("Examining", words)

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def action_compare(self) -> None:
        """Let the kept checkpoints of the chosen run take part in the arena."""
        from ftarena.arena.comparing import enlist_checkpoints

        run = self._need_run()
        found = await self.desk.ask(lambda store: enlist_checkpoints(store, run))
        names = ", ".join(clean_line(candidate.contestant.name) for candidate in found)
        self._tell("2 votes between them", names)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def action_export(self) -> None:
        """Ask for a kind of file and write the figures of what is shown."""
        from ftarena.tui.screens.runs_asking import ChartFileScreen

        shown = self.shown_runs()
        if not shown:
            return
        kind = await self.ask(ChartFileScreen())
        if kind is not None:
            said = await asyncio.to_thread(self._write, shown, kind)
            self.app.notify(clean_line(said), title="Exported", timeout=15, markup=False)

    def _write(self, shown: "list[Standing]", kind: str) -> str:
        from ftarena.training.figures.charts import charts_of
        from ftarena.training.figures.exporting import export_curves
        from ftarena.tui.exports import default_export
        from ftarena.workspace import make_private

        path = default_export(self.desk.workspace, shown[0].run.name, kind)
        make_private(path.parent)
        return export_curves(shown, charts_of(shown[0].metrics) if kind != ".csv" else (), path)

    def action_log(self) -> None:
        """Open the whole log of the chosen run."""
        from ftarena.tui.screens.log import LogScreen

        run = self.chosen_run()
        if run is not None:
            self.app.push_screen(LogScreen(run.directory / "log.txt"))

    def _need_run(self) -> "Run":
        run = self.chosen_run()
        if run is None:
            raise FtarenaError("no run is chosen")
        return run

    def _need_going(self) -> "Run":
        run = self._need_run()
        if run.state.ended:
            raise FtarenaError(f"{run.name} has ended already: {run.state}")
        return run

    def _tell(self, title: str, words: str) -> None:
        self.app.notify(words, title=title, markup=False)
        self.app.look_around()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works."""
        if action == "demo":
            return self.has_class("-empty")
        if action in ("stop", "kill", "pause", "resume", "log", "exam", "compare", "export"):
            return not self.has_class("-empty") and self._fits(action)
        return True

    def _fits(self, action: str) -> bool:
        """Return whether an action fits the state that the chosen run is in."""
        run = self.chosen_run()
        if run is None:
            return True
        if action == "resume":
            return run.resumable_from is not None
        if action in ("exam", "compare"):
            return run.state.ended and (run.adapter is not None or run.model is not None)
        return not run.state.ended if action in ("stop", "pause", "kill") else True


def _load(path: str) -> "Recipe":
    from ftarena.recipes.load import load_recipe

    return load_recipe(Path(path).expanduser(), {})


def _plan(path: Path) -> "tuple[Plan, str]":
    from ftarena.training.plan import plan_of
    from ftarena.training.plan.telling import plan_lines

    plan = plan_of(_load(str(path)))
    return plan, "\n".join(plan_lines(plan, str(path), {}))


def _examine(run: "Run") -> None:
    from ftarena.processes import python_module, spawn_detached

    argv, env = python_module("ftarena.evaluation.exam", str(run.directory))
    spawn_detached(argv, log=run.directory / "exam.log", env=env)


def _recipes() -> list[str]:
    """Return the recipes near here, `configs/*.yaml` of the current folder, then the names of the presets."""
    from ftarena.recipes.presets import presets

    folder = Path("configs")
    near = sorted(str(path) for path in folder.glob("*.yaml")) if folder.is_dir() else []
    return [*near, *(preset.name for preset in presets())]
