"""The battle that is on the screen, or why there is none; the answers that are made meanwhile.

Blindness: everything shown before the vote comes from a `BlindBattle`, which knows no names; ids, classes and
titles say A, B, left and right. The status on top leaves out runs and engines: their names could tell.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ftarena.errors import FtarenaError
from ftarena.text import clean_line
from ftarena.tui.ballot_words import STRENGTH, Outcome, question, revealed
from ftarena.tui.making import Making
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.transcript import Transcript
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.arena.battles import Arena, BlindBattle, Progress
    from ftarena.tui.desk import Desk

_AT_ONCE = 8
"""Answers asked for together: a processor is three times as fast with a batch as with one after the other."""


class BattleShown(Place):
    """Shows one battle after the other to one labeler; the screen says what is decided on it."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self.clock = time.monotonic
        """Where the time comes from, in seconds; a test sets its own."""
        self.battle: BlindBattle | None = None
        self._arena: Arena | None = None
        self._progress: Progress | None = None
        self._making: Making | None = None
        self._busy = False
        self._shown_at = 0.0
        self._last_key = ("", 0.0)  # the outcome that decided last, and when it is heard again
        self._version = -1
        self._asked = False  # whether the missing answers have been asked for
        self._decided: list[str] = []  # battles decided here, for the names at the end
        self._asks_more = True  # whether second questions are asked in this sitting
        self._aspects: list[str] = []  # second questions that are still to be answered
        self._outcome: Outcome = "tie"  # what was voted on the battle that they are about

    def compose_body(self) -> ComposeResult:
        """Question, two answers, the choices, and what was recorded."""
        with VerticalScroll(id="prompt", can_focus=False):
            yield Static("", markup=False)
        with Horizontal(id="answers"):
            for side, title in (("left", "A"), ("right", "B")):
                pane = Transcript(id=side, tells_more=True, follows=False)
                # Arrow keys vote here; a focused pane would take them for scrolling.
                pane.can_focus = False
                pane.border_title = title
                yield pane
        yield Welcome("Looking for battles …", (), id="waiting")
        yield Static(self._choices(), id="choices", markup=False)
        yield Static("", id="said", markup=False)
        yield Static("Too small: enlarge to 50×14, or use ftarena vote --plain", id="small")

    def _choices(self) -> Content:
        """Return the keys that answer what is asked now, the same width for either side."""
        if not self._aspects:
            return Content.assemble(
                ("← a", "bold"), " A is better    ", ("→ b", "bold"), " B is better    ",
                ("↓ t", "bold"), " equally good    ", ("↑ x", "bold"), " both bad",
            )  # fmt: skip
        if self._aspects[0] == STRENGTH:
            return Content.assemble(
                "How clear is it?   ", ("1", "bold"), " barely … ", ("5", "bold"), " by far   ",
                ("enter", "bold"), " skips it",
            )  # fmt: skip
        return Content.assemble(
            (clean_line(self._aspects[0]), "bold"), "?   ", ("a", "bold"), " A   ", ("b", "bold"), " B   ",
            ("t", "bold"), " equally   ", ("x", "bold"), " neither   ", ("enter", "bold"), " skips the rest",
        )  # fmt: skip

    def _say(self, words: str) -> None:
        self.query_one("#said", Static).update(Content(clean_line(words)))

    def on_mount(self) -> None:
        """Get the first battle."""
        super().on_mount()
        self.add_class("-waiting")
        self.set_interval(1.0, self._try_again)

    def come_back(self) -> None:
        """Other places may have added contestants, answers or votes."""
        self._asked = False
        if self.battle is None:
            self.get_next()

    # Getting battles

    @work(exclusive=True, group="ballot", exit_on_error=False)
    async def get_next(self) -> None:
        """Show the next battle, or say why there is none."""
        await self._show_next()

    async def _show_next(self) -> None:
        arena = await self._open()
        battle = None
        if arena is not None:
            battle, self._progress = await self.desk.run(lambda: (arena.next(), arena.progress()))
        if battle is not None:
            self._show(battle)
        else:
            self.battle = None
            await self._say_why_waiting()
        self.refresh_status()
        self._make_answers_if_possible()

    async def _open(self) -> "Arena | None":
        if self._arena is None and await self.desk.contestants():
            from ftarena.arena.battles import Arena

            await self.app.move_names_into_arena()
            desk = self.desk
            self._arena = await desk.ask(
                lambda store: Arena(store, labeler=desk.labeler, contestants=desk.chosen)
            )
        return self._arena

    def _try_again(self) -> None:
        if self.battle is None and not self._busy and self.is_current:
            self.get_next_if_changed()

    @work(exclusive=True, group="ballot", exit_on_error=False)
    async def get_next_if_changed(self) -> None:
        """Look for a battle again if anything was written since, or answers are being made."""
        version = await self.desk.version()
        if version != self._version:
            self._version = version
            await self._show_next()
        elif self._making is not None:
            await self._say_why_waiting()

    def _show(self, battle: "BlindBattle") -> None:
        self.battle = battle
        self._aspects = []
        self.query_one("#choices", Static).update(self._choices())
        self.remove_class("-waiting", "-empty", "-zoom-a", "-zoom-b", "-zoom-prompt")
        self.query_one("#prompt Static", Static).update(Content(question(battle)))
        self.query_one("#prompt").scroll_home(animate=False)
        for side, text in (("left", battle.left), ("right", battle.right)):
            pane = self.query_one(f"#{side}", Transcript)
            pane.clear()
            pane.add("answer", text.strip())
            pane.scroll_to(y=0, animate=False)
        self._shown_at = self.clock()
        self.refresh_bindings()

    async def _say_why_waiting(self) -> None:
        self.add_class("-waiting")
        welcome = self.query_one("#waiting", Welcome)
        progress, engine = self._progress, self.app.situation.engine_words()
        contestants = await self.desk.contestants()
        self.set_class(len(contestants) < 2, "-empty")
        self.refresh_bindings()
        if len(contestants) < 2 and self.app.booth:
            welcome.say("Nothing to vote on yet. Whoever set this up adds what is compared.", ())
        elif len(contestants) < 2:
            welcome.say("Nothing to vote on yet: a battle needs two contestants.", FIRST_STEPS)
            self.show_facts()
        elif progress is not None and progress.planned and progress.voted >= progress.planned:
            next_step = () if self.app.booth else [("3", "what they say")]
            welcome.say(f"All {progress.planned} battles are decided. Thank you.", next_step)
            welcome.show_facts(await self._names_at_the_end())
        elif self._making is not None:
            welcome.say(_sentence(self._making.words(self.clock(), battle_ready=False)) + ".", ())
        elif "ready" in engine:
            welcome.say(
                "No question is waiting for answers.", [("ftarena prompts add FILE", "adds questions")]
            )
        else:
            welcome.say(
                f"No battle is ready: answers have to be made ({engine}).", [("F9", "starts the engine")]
            )

    async def _names_at_the_end(self) -> Sequence[str]:
        """Return who was who in what was decided here, where the names are shown at the end."""
        arena = self._arena
        if arena is None or arena.names_shown != "end" or not self._decided:
            return ()
        battles = list(self._decided)
        reveals = await self.desk.run(lambda: [arena.reveal(battle_id) for battle_id in battles])
        return [revealed(number, reveal) for number, reveal in enumerate(reveals, 1)]

    # What is going on

    def status_words(self, situation: Situation) -> Sequence[str]:
        """Return who votes and how far they are; nothing about runs and engines, which have names."""
        words = [self.desk.labeler]
        if self._progress is not None:
            words.append(f"{self._progress.voted} of {self._progress.planned}")
        if self._making is not None:
            words.append(self._making.words(self.clock(), battle_ready=self.battle is not None))
        elif self._progress is not None and self._progress.ready > 1:
            words.append("next ready")
        return words

    def situation_changed(self, situation: Situation) -> None:
        """Make answers as soon as an engine can."""
        self._make_answers_if_possible()

    def _make_answers_if_possible(self) -> None:
        # Asked once each time an engine becomes ready and each time one comes here: what cannot be made now
        # (a prompt that is too long, an adapter that is gone) must not be asked for again every second.
        ready = any(str(engine.state) == "ready" for engine in self.app.situation.engines)
        if not ready:
            self._asked = False
        elif self._arena is not None and not self._asked:
            self._asked = True
            self.make_answers()

    @work(exclusive=True, group="answers", exit_on_error=False)
    async def make_answers(self) -> None:
        """Make the answers that battles still lack, pairs first; pauses while someone chats."""
        from ftarena.arena.questions.queue import AnswerQueue

        desk = self.desk
        contestants = await desk.contestants()
        queue = await desk.ask(lambda store: AnswerQueue(store, contestants))
        if not await desk.run(queue.has_work):
            return
        if missing := await desk.run(queue.missing):
            self._making = Making(total=len(missing), began=self.clock())
            self.refresh_status()
        try:
            await queue.fill(desk.client_when_quiet, concurrency=_AT_ONCE, on_answer=self._answer_made)
        finally:
            self._making = None
            self.refresh_status()
            self.get_next_if_changed()

    def _answer_made(self, *_: object) -> None:
        if self._making is not None:
            self._making.done += 1
            if self._making.done >= self._making.total:  # what goes on is measuring, which nobody waits for
                self._making = None
        self.refresh_status()
        if self.battle is None and not self._busy and self.is_current:
            self.get_next()

    def failed(self, work: str, error: BaseException) -> None:
        """Tell why there is no battle in the place of one; others in a notice, in a booth without names."""
        if work == "make_answers" and self.app.booth:
            self.app.log_traceback(error, work)
            self._say("Some answers could not be made; whoever set this up finds why in the log.")
            return
        if work == "get_next" and isinstance(error, FtarenaError):
            self.query_one("#waiting", Welcome).say(error.message, [("", error.hint)])
        else:
            super().failed(work, error)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
