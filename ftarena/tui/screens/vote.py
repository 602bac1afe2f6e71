"""Vote: two answers, nobody's name, one key decides.

Blindness: everything shown before the vote comes from a `BlindBattle`, which knows no names; ids, classes and
titles say A, B, left and right. The status on top leaves out runs and engines: their names could tell.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ftarena.errors import FtarenaError
from ftarena.text import clean_line
from ftarena.tui.ballot_words import (
    NAMES_SEEN,
    STRENGTH,
    TAKEN_BACK_EARLY,
    Outcome,
    question,
    recorded,
    revealed,
)
from ftarena.tui.making import Making
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.transcript import Transcript
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.arena.battles import Arena, BlindBattle, Progress
    from ftarena.tui.desk import Desk

T = TypeVar("T")

GUARD_S = 0.15
"""A key pressed twice, or held down, must not vote twice: the key that decided the last battle is deaf for
this long after the next one is shown, and after each press that was ignored. Other keys count at once."""

_AT_ONCE = 8
"""Answers asked for together: a processor is three times as fast with a batch as with one after the other."""


_SETTINGS_HELP = ("o", "how votes are collected: names, overlap, criteria, repeats; for everybody here")


class VoteScreen(Place):
    """Shows one battle after the other to one labeler."""

    NAME = "vote"
    CSS_PATH = "vote.tcss"
    ABOUT = (
        "One question, two answers, and nobody says whose they are. One key decides and the next battle is "
        "there. Everything is kept as you go: leave whenever you like."
    )
    HELP = (
        ("← a", "A is better (the left or upper one)"),
        ("→ b", "B is better"),
        ("↓ t", "equally good"),
        ("↑ x", "both bad: counts against both, never as a tie"),
        ("s", "skip: not mine to judge; it does not come back"),
        ("S", "skip with a reason"),
        ("u", "undo: take back the last vote or skip, and decide again"),
        ("c", "write a comment on this battle"),
        ("r", "second questions after each vote (criteria, how clear): on or off for this sitting"),
        ("j k", "scroll both answers; space, g and G as well"),
        ("z", "zoom: A alone, B alone, the question alone, both"),
        _SETTINGS_HELP,
    )
    BINDINGS = [
        Binding("left,a", "decide('left')", "A is better", show=False),
        Binding("right,b", "decide('right')", "B is better", show=False),
        Binding("down,t", "decide('tie')", "equally good", show=False),
        Binding("up,x", "decide('both_bad')", "both bad", show=False),
        *(Binding(str(n), f"strength({n})", f"clear: {n}", show=False) for n in range(1, 6)),
        Binding("enter", "skip_rest", "skip the rest"),
        Binding("d", "demo", "run the demo"),
        Binding("s", "skip", "skip"),
        Binding("S", "skip_because", "skip with a reason", show=False),
        Binding("u", "undo", "undo"),
        Binding("c", "comment", "comment"),
        Binding("j", "scroll(1)", "scroll", key_display="j k"),
        Binding("k", "scroll(-1)", "scroll", show=False),
        Binding("space,pagedown", "scroll(8)", "scroll", show=False),
        Binding("pageup", "scroll(-8)", "scroll", show=False),
        Binding("g,home", "scroll(-100000)", "scroll", show=False),
        Binding("G,end", "scroll(100000)", "scroll", show=False),
        Binding("z", "zoom", "zoom"),
        Binding("r", "second_questions", "criteria"),
        Binding("o", "settings", "how votes are collected", show=False),
    ]

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

    def on_mount(self) -> None:
        """Get the first battle."""
        super().on_mount()
        if self.app.booth:
            self.HELP = tuple(entry for entry in self.HELP if entry is not _SETTINGS_HELP)
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
        if len(contestants) < 2:
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

    # Deciding

    def action_decide(self, outcome: Outcome) -> None:
        """Record a vote on the battle that is shown."""
        now = self.clock()
        key, deaf_until = self._last_key
        if key == outcome and now < deaf_until:
            self._last_key = (key, now + GUARD_S)
            return
        if self.battle is None or self._busy or self._wants_number:
            return
        self._busy = True
        if self._aspects:
            self.answer_second(self.battle, outcome)
        else:
            self.cast(self.battle, outcome, round((now - self._shown_at) * 1000))

    @work(exclusive=True, group="ballot", exit_on_error=False)
    async def cast(self, battle: "BlindBattle", outcome: Outcome, elapsed_ms: int) -> None:
        """Commit a vote, then ask the second questions, or say what was recorded and show the next battle."""
        arena = self._arena
        assert arena is not None
        try:
            vote = partial(arena.vote, battle.id, outcome, elapsed_ms=elapsed_ms)
            if await self._unless_decided(vote) is False:
                return
            self._decided.append(battle.id)
            self._outcome = outcome
            if self._asks_more and (arena.settings.criteria or arena.settings.strength):
                from ftarena.arena.ballot_words import second_questions

                self._aspects = second_questions(arena.settings, outcome)
            await self._go_on(battle)
        finally:
            self._busy = False
            self._last_key = (outcome, self.clock() + GUARD_S)

    async def _go_on(self, battle: "BlindBattle") -> None:
        """Ask the next of the second questions; after the last one say what may be said, and go on."""
        if self._aspects:
            self.query_one("#choices", Static).update(self._choices())
            self._say(f"{recorded(self._outcome)} u takes it back.")
            self.refresh_bindings()
            return
        arena = self._arena
        assert arena is not None
        # Names come after the last question: what is answered to it is to be blind as well.
        told = await self.desk.run(arena.told, battle.id)
        await self._show_next()
        self._say(f"{recorded(self._outcome, told, what='Last battle')} u takes it back.")

    # Second questions

    @property
    def _wants_number(self) -> bool:
        return self._aspects[:1] == [STRENGTH]

    @work(exclusive=True, group="ballot", exit_on_error=False)
    async def answer_second(self, battle: "BlindBattle", said: "Outcome | int | None") -> None:
        """Keep an answer to a second question; None skips those that are left."""
        arena = self._arena
        assert arena is not None
        aspect = self._aspects.pop(0)
        try:
            if said is None:
                self._aspects.clear()
            elif isinstance(said, int):
                await self.desk.run(arena.by_strength, battle.id, said)
            else:
                await self.desk.run(arena.by_criterion, battle.id, aspect, said)
            await self._go_on(battle)
        except FtarenaError:
            # The vote was taken back, or the criterion away, in another window.
            await self._show_next()
            raise
        finally:
            self._busy = False
            self._last_key = (str(said), self.clock() + GUARD_S)

    def action_strength(self, strength: int) -> None:
        """Say how clear the preference is."""
        if self.battle is not None and not self._busy and self._wants_number:
            self._busy = True
            self.answer_second(self.battle, strength)

    def action_skip_rest(self) -> None:
        """Leave the second questions that are left."""
        if self.battle is not None and not self._busy:
            self._busy = True
            self.answer_second(self.battle, None)

    def action_second_questions(self) -> None:
        """Ask, or no longer ask, the second questions in this sitting."""
        self._asks_more = not self._asks_more
        self._say(f"Second questions after each vote: {'on' if self._asks_more else 'off'} for this sitting.")

    # Skipping and taking back

    def action_skip(self) -> None:
        """Leave this battle undecided."""
        if self.battle is not None and not self._busy:
            self._busy = True
            self.skip_battle(self.battle)

    @work(exclusive=True, group="reason", exit_on_error=False)
    async def action_skip_because(self) -> None:
        """Ask why this battle is skipped, and skip it."""
        from ftarena.tui.screens.ask import AskScreen
        from ftarena.tui.screens.skip_reason import OTHER, SkipReasonScreen

        battle = self.battle
        if battle is None or self._busy:
            return
        reason = await self.ask(SkipReasonScreen())
        if reason == OTHER:
            reason = await self.ask(AskScreen("Why do you skip it?", "Kept with the skip, and exported."))
        if reason and battle is self.battle and not self._busy:
            self._busy = True
            self.skip_battle(battle, reason)

    @work(exclusive=True, group="ballot", exit_on_error=False)
    async def skip_battle(self, battle: "BlindBattle", reason: str = "") -> None:
        """Commit a skip and show the next battle."""
        arena = self._arena
        assert arena is not None
        try:
            if await self._unless_decided(partial(arena.skip, battle.id, reason)) is not False:
                await self._show_next()
                self._say(f"Skipped{f': {reason}' if reason else ''}. u takes it back.")
        finally:
            self._busy = False

    async def _unless_decided(self, decide: Callable[[], T]) -> T | Literal[False]:
        """Decide on the battle that is shown; where another window has, say so and show the next one.

        Returns:
            What `decide` returns, or False where it was not asked any more.
        """
        from ftarena.arena.battles import AlreadyDecidedError

        try:
            return await self.desk.run(decide)
        except AlreadyDecidedError:
            await self._show_next()
            self._say("This one was decided in another window; your key did not count.")
            return False

    def action_undo(self) -> None:
        """Take back the last vote or skip and show its battle again."""
        if not self._busy:
            self._busy = True
            self.undo_last()

    @work(exclusive=True, group="ballot", exit_on_error=False)
    async def undo_last(self) -> None:
        """Commit an undo."""
        try:
            arena = await self._open()
            battle = None if arena is None else await self.desk.run(arena.undo)
            if battle is None or arena is None:
                self._say("There is nothing to take back.")
                return
            if battle.id in self._decided:
                self._decided.remove(battle.id)
            asking = bool(self._aspects)
            self._progress = await self.desk.run(arena.progress)
            self._show(battle)
            seen = await self.desk.run(arena.names_seen, battle.id)
            words = TAKEN_BACK_EARLY if asking else NAMES_SEEN
            self._say(words if seen else "Taken back: decide again.")
            self.refresh_status()
        finally:
            self._busy = False

    @work(exclusive=True, group="comment", exit_on_error=False)
    async def action_comment(self) -> None:
        """Ask for a comment on this battle and keep it."""
        from ftarena.tui.screens.ask import AskScreen

        battle, arena = self.battle, self._arena
        if battle is None or arena is None:
            return
        text = await self.app.push_screen_wait(
            AskScreen("Comment on this battle", "Kept with your vote, and exported.")
        )
        if text:
            await self.desk.run(arena.comment, battle.id, text)
            self._say("Comment kept." if self._aspects else "Comment kept. The battle is still open.")

    def _say(self, words: str) -> None:
        self.query_one("#said", Static).update(Content(clean_line(words)))

    # Looking

    def action_scroll(self, by: int) -> None:
        """Scroll both answers (and the question, where it is zoomed)."""
        for pane in (*self.query(Transcript), self.query_one("#prompt")):
            if pane.id != "prompt" or self.has_class("-zoom-prompt"):
                pane.scroll_relative(y=by, animate=False)

    def action_zoom(self) -> None:
        """Show A alone, then B, then the question, then all."""
        classes = ("-zoom-a", "-zoom-b", "-zoom-prompt")
        now = next((i for i, name in enumerate(classes) if self.has_class(name)), -1)
        self.remove_class(*classes)
        if now + 1 < len(classes):
            self.add_class(classes[now + 1])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works: votes need a battle, the demo needs an empty project."""
        if self.has_class("-small") and action in _NEEDS_SIGHT:
            return False  # nobody votes on what they cannot see
        match action:
            case "strength" | "skip_rest":
                # Digits also where none is asked for: one too many must not lead to another place.
                return bool(self._aspects)
            case "skip" | "skip_because":
                return self.battle is not None and not self._aspects
            case "decide" | "comment" | "scroll" | "zoom":
                return self.battle is not None
            case "second_questions":
                found = self._arena.settings if self._arena is not None else None
                return found is not None and bool(found.criteria or found.strength)
            case "settings":
                return self.desk.exists and not self.app.booth
            case "demo":
                return self.has_class("-empty") and not self.app.booth
        return True

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def action_settings(self) -> None:
        """Show how votes are collected here, and change it."""
        from ftarena.tui.screens.vote_settings import VoteSettingsScreen

        await self.ask(VoteSettingsScreen(self.desk))
        if self._arena is not None and not self._aspects:
            self.get_next()

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
        from ftarena.arena.queue import AnswerQueue

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


_NEEDS_SIGHT = frozenset(
    ("decide", "strength", "skip_rest", "skip", "skip_because", "undo", "comment", "scroll", "zoom")
)
"""Actions that are about answers on the screen."""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
