"""Vote: two answers, nobody's name, one key decides, and what else may be said about a battle."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from textual import work
from textual.binding import Binding
from textual.widgets import Static

from ftarena.errors import FtarenaError
from ftarena.tui.ballot_words import NAMES_SEEN, STRENGTH, Outcome, recorded
from ftarena.tui.screens.vote_showing import BattleShown
from ftarena.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from ftarena.arena.battles import BlindBattle

T = TypeVar("T")

GUARD_S = 0.15
"""A key pressed twice, or held down, must not vote twice: the key that decided the last battle is deaf for
this long after the next one is shown, and after each press that was ignored. Other keys count at once."""


_SETTINGS_HELP = ("o", "how votes are collected here: names, overlap, criteria")


class VoteScreen(BattleShown):
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
        _SETTINGS_HELP,
        ("u", "undo: take back the last vote or skip, and decide again"),
        ("c", "write a comment on this battle"),
        ("r", "second questions after each vote (criteria, how clear): on or off for this sitting"),
        ("j k", "scroll both answers; space, g and G as well"),
        ("z", "zoom: A alone, B alone, the question alone, both"),
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

    def on_mount(self) -> None:
        """Leave out of the help what a booth does not have; the classes above mount what they show."""
        if self.app.booth:
            self.HELP = tuple(entry for entry in self.HELP if entry is not _SETTINGS_HELP)

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
        now = self.battle
        if (
            now is not None
            and now.messages == battle.messages
            and {battle.left, battle.right} & {now.left, now.right}
        ):
            # Whose answer this is must not stand below it.
            told = replace(told, reveal=None)
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
            untold = self.battle.id if self.battle is not None and self._aspects else None
            battle = None if arena is None else await self.desk.run(partial(arena.undo, untold=untold))
            if battle is None or arena is None:
                self._say("There is nothing to take back.")
                return
            if battle.id in self._decided:
                self._decided.remove(battle.id)
            self._progress = await self.desk.run(arena.progress)
            self._show(battle)
            seen = await self.desk.run(arena.names_seen, battle.id)
            self._say(NAMES_SEEN if seen else "Taken back: decide again.")
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
        if self.battle is None:
            self.get_next()
        elif self._arena is not None:  # the battle on the screen stays, with the time it has been there
            await self.desk.run(self._arena.follow_settings)
            self.refresh_bindings()


_NEEDS_SIGHT = frozenset(
    ("decide", "strength", "skip_rest", "skip", "skip_because", "undo", "comment", "scroll", "zoom")
)
"""Actions that are about answers on the screen."""
