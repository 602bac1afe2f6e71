"""Chat: the same question to two contestants, their answers side by side as they are written.

Blind, the panes are A and B: sides are drawn by chance, both appear together or at one pace (a setting of the
arena), and neither speed nor length nor an error says which is which, until the vote.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker, WorkerCancelled

from ftarena.errors import UsageError
from ftarena.text import clean_line
from ftarena.tui.ballot_words import recorded
from ftarena.tui.drawing.slash import COMMANDS, parse, temperature
from ftarena.tui.exports import default_export, write_export
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.completions import Completions
from ftarena.tui.widgets.panes import Panes
from ftarena.tui.widgets.prompt_box import PromptBox
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.store import ContestantRow
    from ftarena.tui.conversation import Conversation
    from ftarena.tui.desk import Desk
    from ftarena.tui.widgets.panes import Pace

FRAMES_PER_S = 15
"""Both panes are painted together, this often at most: more is not seen, and over SSH it makes typing lag."""


class ChatScreen(Place):
    """Asks both sides, shows both answers, and lets one vote when blind."""

    NAME = "chat"
    CSS_PATH = "chat.tcss"
    ABOUT = (
        "Ask two contestants the same thing and read both answers as they are written: what the model was, "
        "and what it has become. Each side remembers its own conversation."
    )
    HELP = (
        ("enter", "send; alt+enter or ctrl+j begins a new line"),
        ("esc", "stop the answers; else leave the box, so that the keys below work"),
        ("i", "back into the box"),
        ("ctrl+r", "ask the last question again"),
        ("d", "mark the words in which the answers differ"),
        ("b", "blind: hide who is who (again: show it)"),
        ("v", "vote, when blind"),
        ("y", "copy the answer of the pane that has the focus"),
        *((f"/{c.name} {c.argument}".strip(), c.meaning) for c in COMMANDS),
    )
    BINDINGS = [
        Binding("escape", "stop", "stop"),
        Binding("escape", "cancel_pending", "do not send"),
        Binding("escape", "leave_box", "leave the box"),
        Binding("i,enter", "type", "type"),
        Binding("slash", "type('/')", "commands"),
        Binding("ctrl+r", "again", "again"),
        Binding("d", "demo", "run the demo"),
        Binding("d", "differences", "differences"),
        Binding("b", "blind", "blind"),
        Binding("v", "vote", "vote"),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self.conversation: Conversation | None = None
        self._rows: list[ContestantRow] = []
        self._version = -1
        self._pending = ""  # a question that waits for its engine
        self._painter: Timer | None = None
        self._worker: Worker[None] | None = None
        self._random = random.SystemRandom()

    def compose_body(self) -> ComposeResult:
        """Two panes, a line for what hinders, and the box."""
        yield Panes(id="panes")
        yield Static("Too small: enlarge to 50×14", id="small")
        yield Static("", id="notice", markup=False)
        yield Completions(id="completions")
        box = PromptBox(id="box")
        box.border_title = "ask"
        box.placeholder = Content.styled("Type a question. / lists commands, esc leaves the box.", "dim")
        yield box
        yield Welcome("Nothing here yet.", FIRST_STEPS, id="welcome")

    def on_mount(self) -> None:
        """Find out who can answer; until then there is only the box."""
        super().on_mount()
        self.set_class(not self.desk.exists, "-empty")
        self._painter = self.set_interval(1 / FRAMES_PER_S, self.query_one(Panes).paint, pause=True)
        if self.desk.exists:
            self.query_one(PromptBox).focus()

    def come_back(self) -> None:
        """Other places may have added contestants."""
        self.load_contestants()

    def situation_changed(self, situation: Situation) -> None:
        """Follow the engines, and runs that have become contestants."""
        if not self.is_current:
            return
        if self.conversation is None or len(self.conversation.sides) < 2:
            self.load_contestants()
        else:
            self.check_engines()

    # Who answers

    @work(exclusive=True, group="contestants", exit_on_error=False)
    async def load_contestants(self) -> None:
        """Read who can answer, and choose two where none are chosen yet."""
        version = await self.desk.version()
        if version == self._version:
            return
        self._rows = await self.desk.contestants()
        self._version = version
        if self.conversation is None or len(self.conversation.sides) < 2:
            from ftarena.tui.conversation import default_sides

            self._seat(default_sides(self._rows, self.desk.chosen))
        names = [clean_line(row.name) for row in self._rows]
        self.query_one(PromptBox).values = {"left": names, "right": names}
        was_empty = self.has_class("-empty")
        self.set_class(self.conversation is None, "-empty")
        if was_empty and self.conversation is not None:
            self.query_one(PromptBox).focus()
        self.refresh_bindings()
        if self.conversation is None:
            self.show_facts()

    def _seat(self, rows: Sequence["ContestantRow"]) -> None:
        """Let these contestants answer; begins a new conversation."""
        from ftarena.arena import contestant_of
        from ftarena.tui.conversation import Conversation, Side

        if not rows or (self.conversation is not None and len(rows) == len(self.conversation.sides) == 1):
            return
        self.conversation = Conversation([Side(row.name, contestant_of(row)) for row in rows])
        self._show_conversation()
        self.check_engines()

    def _show_conversation(self) -> None:
        """Show a conversation that has just begun, or been turned blind or open."""
        conversation = self.conversation
        assert conversation is not None
        self.query_one(Panes).show(conversation)
        both = "A and B" if conversation.blind else "both"
        who = both if len(conversation.sides) > 1 else conversation.title(0)
        self.query_one(PromptBox).border_title = Content(f"ask {who}")
        self.refresh_bindings()

    # Asking and answering

    @on(PromptBox.Submitted)
    def _submitted(self, event: PromptBox.Submitted) -> None:
        self.take(event.text)

    @work(exclusive=True, group="take", exit_on_error=False)
    async def take(self, text: str) -> None:
        """Obey a command, or ask all sides a question."""
        command = parse(text)
        if command is not None:
            await self._obey(*command)
        elif self.conversation is not None and self.under_way:
            self.query_one(PromptBox).put(text)
            self._notice("Still answering: esc stops it.")
        elif self.conversation is not None:
            await self._send(text)

    async def _send(self, text: str) -> None:
        """Ask all sides, or start what they need and ask when it is ready."""
        from ftarena.tui.readiness import readiness

        conversation = self.conversation
        assert conversation is not None
        ready, _ = await readiness(self.desk, [side.contestant for side in conversation.sides])
        if not ready:
            self._pending = text
            self.app.start_engines()
            self._notice("Starting the engine. Your question is sent when it is ready; esc: do not send it.")
            self.refresh_bindings()
            return
        self._pending = ""
        self._notice("")
        if conversation.decided:
            self._new_round()
        if conversation.hidden:
            self.query_one(Panes).pace = await self._pace()
        for side in conversation.sides:
            side.ask(text)
        self.query_one(Panes).ask(text)
        self._worker = self.answer(conversation)

    async def _pace(self) -> "Pace":
        from ftarena.arena import read_settings

        return (await self.desk.ask(read_settings)).pace

    @property
    def under_way(self) -> bool:
        """Whether answers are being written, or are whole but not shown to their end."""
        return self._worker is not None and not self._worker.is_finished

    @work(exclusive=True, group="answer", exit_on_error=False)
    async def answer(self, conversation: "Conversation") -> None:
        """Stream the answers into the conversation; the painter shows them, a frame at a time."""
        from ftarena.tui.answering import answer_all

        panes, painter = self.query_one(Panes), self._painter
        assert painter is not None
        painter.resume()
        self.refresh_bindings()
        try:
            await answer_all(self.desk, conversation)
            while not (panes.all_shown or conversation.failed):
                await asyncio.sleep(1 / FRAMES_PER_S)
        except asyncio.CancelledError:
            self._keep_what_was_shown(conversation)
            raise
        finally:
            painter.pause()
            panes.paint(all_of_it=not conversation.failed)
            if conversation.failed:
                self._tell_failure_of(conversation)

    @on(Worker.StateChanged)
    def _answered(self, event: Worker.StateChanged) -> None:
        if event.worker is self._worker:
            self.refresh_bindings()

    def _keep_what_was_shown(self, conversation: "Conversation") -> None:
        """After a stop: where both were paced, more of the faster one has arrived, which would tell it."""
        panes = self.query_one(Panes)
        if not conversation.hidden or panes.pace == "raw" or conversation.failed:
            return
        for side in conversation.sides:
            side.cut(panes.common)

    def _tell_failure_of(self, conversation: "Conversation") -> None:
        panes = self.query_one(Panes)
        if not conversation.hidden:
            panes.show_errors()
            return
        # The message could name a model, and an empty pane would: nothing of this round is kept.
        for side in conversation.sides:
            if side.error is not None:
                self.app.log_traceback(side.error, "blind chat")
        panes.take_back()
        for side in conversation.sides:
            side.take_back()
        self._notice(f"An answer failed, so this question does not count. See {self.desk.workspace.log}")

    async def _stop_answers(self) -> None:
        """Stop the answers and wait until they have."""
        if self._worker is None:
            return
        self._worker.cancel()
        try:
            await self._worker.wait()
        except WorkerCancelled:
            return

    @work(exclusive=True, group="engines", exit_on_error=False)
    async def check_engines(self) -> None:
        """Say what hinders an answer, and send a question that waited."""
        from ftarena.tui.readiness import readiness

        conversation = self.conversation
        if conversation is None or conversation.answering:
            return
        ready, words = await readiness(self.desk, [side.contestant for side in conversation.sides])
        notice = self.query_one("#notice", Static)
        if ready and self._pending:
            self.take(self._pending)
        elif not ready:
            waits = " Your question is sent then; esc: do not send it." if self._pending else ""
            self._notice(words + waits)
            notice.add_class("-engine")
        elif notice.has_class("-engine"):
            self._notice("")

    def _notice(self, words: str) -> None:
        notice = self.query_one("#notice", Static)
        notice.remove_class("-engine")
        notice.set_class(bool(words), "-shown")
        notice.update(Content(clean_line(words)))

    # Commands

    async def _obey(self, name: str, argument: str) -> None:
        """Do what a `/` command says.

        Raises:
            FtarenaError: It cannot be done now.
        """
        conversation = self.conversation
        if name == "help":
            self.app.action_help()
            return
        if conversation is None:
            return
        if self.under_way and name not in ("vote", "export"):
            raise UsageError("an answer is under way", "esc stops it")
        match name:
            case "left" | "right":
                self._seat(self._with(0 if name == "left" else 1, argument))
            case "blind":
                self.action_blind()
            case "vote":
                self.action_vote()
            case "clear":
                self._new_round()
            case "export":
                await self._export(argument)
            case "system":
                conversation.set_system(argument)
                self._new_round()
                self._notice("System prompt set for both." if argument else "No system prompt.")
            case "temp":
                conversation.set_sampling(temperature(argument))
                self._notice(f"Both answer at temperature {temperature(argument):g} from now on.")

    def _with(self, place: int, name: str) -> list["ContestantRow"]:
        """Return who sits where when the contestant of this name takes a place."""
        conversation = self.conversation
        assert conversation is not None
        if conversation.blind:
            raise UsageError(
                "the sides are drawn by chance while it is blind", "/blind shows who is who first"
            )
        found = next((row for row in self._rows if clean_line(row.name) == name), None)
        if found is None:
            names = ", ".join(clean_line(row.name) for row in self._rows)
            raise UsageError(f"there is no contestant {clean_line(name)!r}", f"there are: {names}")
        by_name = {row.name: row for row in self._rows}
        seated = [by_name.get(side.name, found) for side in conversation.sides]
        return [*seated[:place], found, *seated[place + 1 :]]

    def _new_round(self) -> None:
        """Begin a new conversation with the same contestants; blind, they draw their sides anew."""
        conversation = self.conversation
        assert conversation is not None
        if conversation.blind:
            self._random.shuffle(conversation.sides)
        conversation.clear()
        self._show_conversation()

    async def _export(self, argument: str) -> None:
        conversation = self.conversation
        assert conversation is not None
        if not conversation.begun:
            raise UsageError("there is nothing to export yet", "ask something first")
        path = Path(argument) if argument else default_export(self.desk.workspace, "chat", ".md")
        text = conversation.to_json() if path.suffix == ".json" else conversation.to_markdown()
        self._notice(f"Written to {await self.desk.run(write_export, path, text)}")

    # Actions

    def action_stop(self) -> None:
        """Stop the answers; what has been written stays."""
        if self._worker is not None:
            self._worker.cancel()

    def action_cancel_pending(self) -> None:
        """Put a question that waits for its engine back into the box."""
        self.query_one(PromptBox).put(self._pending)
        self._pending = ""
        self._notice("Not sent.")
        self.refresh_bindings()

    def action_leave_box(self) -> None:
        """Stop typing, so that letters are keys."""
        self.query_one("#left").focus()

    def action_type(self, text: str = "") -> None:
        """Go on typing."""
        box = self.query_one(PromptBox)
        box.focus()
        if text and not box.text:
            box.put(text)

    def action_again(self) -> None:
        """Ask the last question again."""
        conversation = self.conversation
        if conversation is None or self.under_way or conversation.decided or not conversation.begun:
            return
        self.query_one(Panes).take_back()
        asked = [side.take_back() for side in conversation.sides]
        self.take(asked[0])

    def action_differences(self) -> None:
        """Mark, or no longer mark, the words in which the last answers differ."""
        if self.conversation is not None and not self.under_way:
            self.query_one(Panes).toggle_differences()

    def action_blind(self) -> None:
        """Hide who is who and begin anew, or show it."""
        conversation = self.conversation
        if conversation is None or self.under_way or len(conversation.sides) < 2:
            return
        conversation.blind = not conversation.blind
        if conversation.blind:
            self._new_round()
            self._notice("Blind: A and B are drawn by chance. Ask something, then /vote.")
        else:
            self._new_round()
            self._notice("Names are shown again, in a new conversation.")

    @work(exclusive=True, group="vote", exit_on_error=False)
    async def action_vote(self) -> None:
        """Ask which answer is better, and record it as a battle."""
        from ftarena.tui.chat_vote import record_vote
        from ftarena.tui.screens.vote_card import VoteCard

        conversation = self.conversation
        if conversation is None:
            return
        if not conversation.hidden:
            raise UsageError("votes are cast blind", "/blind first, then ask")
        if conversation.decided:
            raise UsageError("you have voted on these two", "the next question begins a new blind round")
        if self.under_way and self.query_one(Panes).pace == "together":
            raise UsageError("both are still being written", "they appear together, then vote")
        panes = self.query_one(Panes)
        unseen = self.under_way and panes.pace == "paced" and panes.common == 0
        if unseen or not all(side.answer.strip() for side in conversation.sides):
            raise UsageError("there are no two answers to compare yet", "ask something first")
        if self.has_class("-small"):
            raise UsageError("nobody votes on what they cannot see", "enlarge the terminal to 50×14")
        outcome = await self.app.push_screen_wait(VoteCard())
        if outcome is None:
            return
        elapsed_ms = round((time.monotonic() - self.query_one(Panes).spoke_at) * 1000)
        # What was decided on is what had been written: stop, and keep that.
        before_end = self.under_way
        await self._stop_answers()
        told = await self.desk.ask(
            lambda store: record_vote(
                store, self.desk.labeler, conversation, outcome, elapsed_ms=elapsed_ms, before_end=before_end
            )
        )
        conversation.decided = True
        conversation.revealed = told.reveal is not None
        self.query_one(Panes).write_titles()
        self._notice(f"{recorded(outcome, told)} The next question begins a new blind round.")
        self.refresh_bindings()

    def action_copy(self) -> None:
        """Send the answer of the focused pane to the terminal's clipboard."""
        text = self.query_one(Panes).focused_answer()
        if text:
            self.app.copy_to_clipboard(text)
            self._notice("Sent to the terminal's clipboard. Where that does not arrive: /export")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works now."""
        conversation = self.conversation
        if action == "demo":
            return self.has_class("-empty")
        if conversation is None:
            return action not in _NEEDS_SOMEONE
        typing = self.query_one(PromptBox).has_focus
        match action:
            case "stop":
                return self.under_way
            case "cancel_pending":
                return bool(self._pending) and not self.under_way
            case "leave_box":
                return typing and not self.under_way and not self._pending
            case "type":
                return not typing
            case "again" | "differences":
                return conversation.begun and not self.under_way
            case "vote":
                votable = conversation.hidden and conversation.begun and not conversation.decided
                return votable and not self.has_class("-small")
        return True

    @on(PromptBox.Completions)
    def _show_completions(self, event: PromptBox.Completions) -> None:
        self.query_one(Completions).show(event.lines)


_NEEDS_SOMEONE = frozenset(
    ("stop", "cancel_pending", "leave_box", "type", "again", "differences", "blind", "vote", "copy")
)
"""Actions that make no sense while there is nobody to ask."""
