"""Chat: the same question to two contestants, their answers side by side as they are written.

Blind, the panes are A and B: sides are drawn by chance, both are shown at the pace of the slower one, and
neither speed nor length nor an error says which is which, until the vote.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker, WorkerCancelled

from ftarena.errors import FtarenaError, UsageError
from ftarena.text import clean_line, clean_text, duration
from ftarena.tui.drawing.differences import differing_words
from ftarena.tui.drawing.pacing import paced
from ftarena.tui.drawing.slash import COMMANDS, parse
from ftarena.tui.exports import default_export, write_export
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.prompt_box import PromptBox
from ftarena.tui.widgets.transcript import Transcript
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.store import ContestantRow
    from ftarena.tui.conversation import Conversation
    from ftarena.tui.desk import Desk

FRAMES_PER_S = 15
"""Both panes are painted together, this often at most: more is not seen, and over SSH it makes typing lag."""

_WORDS = {"left": "A is better", "right": "B is better", "tie": "equally good", "both_bad": "both bad"}


class ChatScreen(Place):
    """Asks both sides, shows both answers, and lets one vote when blind."""

    NAME = "chat"
    CSS_PATH = "chat.tcss"
    ABOUT = (
        "Ask two contestants the same thing and read both answers as they are written: what the model was, and "
        "what it has become. Each side remembers its own conversation."
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
        Binding("escape", "leave_box", "keys"),
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
        self._pending = ""  # a prompt that waits for its engine
        self._shown = [0, 0]  # characters of each answer that are painted
        self._marked = False
        self._spoke_at = 0.0  # when the first text of the round was painted, for the time a vote took
        self._timer: Timer | None = None
        self._worker: Worker[None] | None = None
        self._random = random.SystemRandom()

    def compose_body(self) -> ComposeResult:
        """Two panes, a line for what hinders, and the box."""
        with Horizontal(id="panes"):
            yield Transcript(id="left")
            yield Transcript(id="right")
        yield Static("", id="notice", markup=False)
        yield Static("", id="completions", markup=False)
        box = PromptBox(id="box")
        box.border_title = Content("ask")
        box.placeholder = Content.styled("Type a question. / lists commands, esc leaves the box.", "dim")
        yield box
        yield Welcome("Nothing here yet.", FIRST_STEPS, id="welcome")

    def on_mount(self) -> None:
        """Find out who can answer; until then there is only the box."""
        super().on_mount()
        self._timer = self.set_interval(1 / FRAMES_PER_S, self._paint, pause=True)
        self.query_one(PromptBox).focus()

    def on_screen_resume(self) -> None:
        """Other places may have added contestants."""
        self.load_contestants()

    # Who answers

    @work(exclusive=True, group="contestants", exit_on_error=False)
    async def load_contestants(self) -> None:
        """Read who can answer, and choose two where none are chosen yet."""
        version = await self.desk.version()
        if version != self._version or self.conversation is None:
            self._version = version
            self._rows = await self.desk.contestants()
            if self.conversation is None or len(self.conversation.sides) < 2:
                self._choose(_default_sides(self._rows, self.desk.chosen))
        names = [clean_line(row.name) for row in self._rows]
        self.query_one(PromptBox).values = {"left": names, "right": names}
        if self.conversation is None:
            from ftarena.tui.found import found_here

            self.set_class(True, "-empty")
            self.refresh_bindings()
            self.query_one(Welcome).show_facts(await self.desk.run(found_here, self.desk.workspace))

    def _choose(self, rows: Sequence["ContestantRow"]) -> None:
        """Let these contestants answer; begins a new conversation."""
        from ftarena.arena import contestant_of
        from ftarena.tui.conversation import Conversation, Side

        if not rows:
            return
        was_blind = self.conversation is not None and self.conversation.blind
        self.conversation = Conversation([Side(row.name, contestant_of(row)) for row in rows])
        self.set_class(False, "-empty")
        self.set_class(len(rows) < 2, "-single")
        if was_blind:
            self.action_blind()
        self._fresh_panes()
        self.check_engines()

    def _fresh_panes(self) -> None:
        """Empty both panes and write their titles anew."""
        for pane in self._panes:
            pane.clear()
            pane.show_cursor(False)
        self._shown = [0, 0]
        self._write_titles()

    @property
    def _panes(self) -> list[Transcript]:
        """The panes that have a side."""
        count = len(self.conversation.sides) if self.conversation is not None else 0
        return [self.query_one(f"#{side}", Transcript) for side in ("left", "right")][:count]

    def _write_titles(self) -> None:
        conversation = self.conversation
        if conversation is None:
            return
        for place, pane in enumerate(self._panes):
            pane.border_title = Content(f" {conversation.title(place)} ")
            words = "" if conversation.blind else conversation.sides[place].speed_words()
            if pane.more_below:
                words = " · ".join(filter(None, ("↓ more", words)))
            pane.border_subtitle = Content(f" {words} ") if words else None
        both = len(conversation.sides) > 1
        who = "A and B" if conversation.blind else "both" if both else conversation.title(0)
        self.query_one(PromptBox).border_title = Content(f" ask {who} ")
        self.refresh_bindings()

    # Asking and answering

    @on(PromptBox.Submitted)
    def _submitted(self, event: PromptBox.Submitted) -> None:
        try:
            command = parse(event.text)
        except UsageError as error:
            self.app.show_error(error)
            return
        if command is not None:
            self.obey(*command)
        elif self.conversation is not None and self.conversation.answering:
            self.query_one(PromptBox).put(event.text)
            self._notice("Still answering: esc stops it.")
        else:
            self.send(event.text)

    @work(exclusive=True, group="send", exit_on_error=False)
    async def send(self, text: str) -> None:
        """Ask all sides, or start what they need and ask when it is ready."""
        conversation = self.conversation
        if conversation is None:
            return
        ready, _ = await self._engines()
        if not ready:
            self._pending = text
            self.app.start_engines()
            self._notice("Starting the engine: your question is sent when it is ready. esc: do not send it.")
            self.refresh_bindings()
            return
        self._pending = ""
        self._notice("")
        if conversation.revealed:
            self._new_blind_round()
        for side, pane in zip(conversation.sides, self._panes, strict=True):
            side.ask(text)
            pane.add("you", text)
            pane.add("answer", "")
            pane.show_cursor(True)
            pane.scroll_end(animate=False)
        self._shown, self._marked, self._spoke_at = [0, 0], False, 0.0
        self._worker = self.answer()

    @work(exclusive=True, group="answer", exit_on_error=False)
    async def answer(self) -> None:
        """Stream the answers; a frame at a time they are painted by `_paint`."""
        from ftarena.tui.answering import answer_all

        conversation = self.conversation
        assert conversation is not None and self._timer is not None
        self._timer.resume()
        self.refresh_bindings()
        try:
            await answer_all(self.desk, conversation)
        finally:
            self._timer.pause()
            self._paint()
            self._tell_errors(conversation)

    def _paint(self) -> None:
        """Show what has arrived since the last frame; blind, as much of both sides."""
        conversation = self.conversation
        if conversation is None:
            return
        # Templates make models open with a stray space; it is kept, but not shown.
        texts = [side.answer.lstrip() for side in conversation.sides]
        if conversation.hidden:
            texts = paced(texts, [not side.answering for side in conversation.sides])
        for place, (pane, text) in enumerate(zip(self._panes, texts, strict=True)):
            if len(text) > self._shown[place]:
                pane.append(text[self._shown[place] :])
                self._shown[place] = len(text)
                self._spoke_at = self._spoke_at or time.monotonic()
            if not conversation.answering or not (conversation.hidden or conversation.sides[place].answering):
                pane.show_cursor(False)
        self._write_titles()

    def _tell_errors(self, conversation: "Conversation") -> None:
        errors = [side.error for side in conversation.sides]
        if not any(errors):
            return
        if conversation.hidden:
            # The message could name a model, and an empty pane would: nothing of this round is kept.
            for error in filter(None, errors):
                self.app.log_traceback(error, "blind chat")
            for side in conversation.sides:
                side.take_back()
            for pane in self._panes:
                pane.remove_last(2)
            self._notice("An answer failed, so this question does not count. Details are in the log.")
            return
        for pane, error in zip(self._panes, errors, strict=True):
            if error is not None:
                pane.add("error", f"{error.message}\n{error.hint}".strip())

    # Engines

    @work(exclusive=True, group="engines", exit_on_error=False)
    async def check_engines(self) -> None:
        """Say what hinders an answer, and send a prompt that waited."""
        conversation = self.conversation
        if conversation is None or conversation.answering:
            return
        ready, words = await self._engines()
        if ready and self._pending:
            pending, self._pending = self._pending, ""
            self.send(pending)
        elif not ready:
            self._notice(words)
        elif self.query_one("#notice", Static).has_class("-engine"):
            self._notice("")
        self.query_one("#notice").set_class(not ready, "-engine")

    async def _engines(self) -> tuple[bool, str]:
        """Return whether both sides could answer now, and if not, why."""
        conversation = self.conversation
        assert conversation is not None
        for side in conversation.sides:
            try:
                engine = await self.desk.engine_for(side.contestant)
            except FtarenaError as error:
                return False, f"{error.message}. {error.hint}"
            if engine is None:
                continue
            status = await self.desk.run(engine.status)
            state = str(status.state)
            if state == "ready":
                continue
            if state == "starting":
                share = f" {status.progress * 100:.0f} %" if status.progress is not None else ""
                left = f", about {duration(status.eta_s)} left" if status.eta_s else ""
                doing = "" if conversation.hidden else f": {status.message}"
                waits = " Your question is sent then; esc: do not send it." if self._pending else ""
                return False, f"The engine is starting{share}{left}{doing}.{waits}"
            if state == "failed":
                return (
                    False,
                    f"The engine failed: {status.message}. F9 starts it again; ftarena engine logs says more.",
                )
            return (
                False,
                "The engine is off, so nobody can answer yet. enter or F9 starts it (about a minute).",
            )
        return True, ""

    def situation_changed(self, situation: Situation) -> None:
        """Follow the engines."""
        if self.is_current:
            self.check_engines()

    def _notice(self, words: str) -> None:
        notice = self.query_one("#notice", Static)
        notice.set_class(bool(words), "-shown")
        notice.update(Content(clean_line(words)))

    # Commands

    @work(exclusive=True, group="command", exit_on_error=False)
    async def obey(self, name: str, argument: str) -> None:
        """Do what a `/` command says."""
        conversation = self.conversation
        if name == "help":
            self.app.action_help()
            return
        if conversation is None:
            return
        if conversation.answering and name not in ("vote", "export"):
            raise UsageError("an answer is under way", "esc stops it")
        match name:
            case "left" | "right":
                self._seat(0 if name == "left" else 1, argument)
            case "blind":
                self.action_blind()
            case "vote":
                self.action_vote()
            case "clear":
                self._clear()
            case "export":
                await self._export(argument)
            case "system":
                conversation.set_system(argument)
                self._clear()
                self._notice("System prompt set for both." if argument else "No system prompt.")
            case "temp":
                conversation.set_sampling(_temperature(argument))
                self._notice(f"Both answer at temperature {_temperature(argument):g} from now on.")

    def _seat(self, place: int, name: str) -> None:
        conversation = self.conversation
        assert conversation is not None
        if conversation.blind:
            raise UsageError(
                "the sides are drawn by chance while it is blind", "/blind shows who is who first"
            )
        found = [row for row in self._rows if clean_line(row.name) == name]
        if not found:
            names = ", ".join(clean_line(row.name) for row in self._rows)
            raise UsageError(f"there is no contestant {name!r}", f"there are: {names}")
        seated = [
            next((r for r in self._rows if r.name == side.name), found[0]) for side in conversation.sides
        ]
        if len(seated) <= place:
            seated.append(found[0])
        seated[place] = found[0]
        self._choose(seated)

    def _clear(self) -> None:
        assert self.conversation is not None
        if self.conversation.blind:
            self._new_blind_round()
        else:
            self.conversation.clear()
            self._fresh_panes()

    async def _export(self, argument: str) -> None:
        conversation = self.conversation
        assert conversation is not None
        if not conversation.begun:
            raise UsageError("there is nothing to export yet", "ask something first")
        path = Path(argument) if argument else default_export(self.desk.workspace, "chat", ".md")
        text = conversation.to_json() if path.suffix == ".json" else conversation.to_markdown()
        written = await self.desk.run(write_export, path, text)
        self._notice(f"Written to {written}")

    # Actions

    def action_stop(self) -> None:
        """Stop the answers; what has been written stays."""
        self.workers.cancel_group(self, "answer")

    def action_cancel_pending(self) -> None:
        """Put a prompt that waits for its engine back into the box."""
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
        if conversation is None or conversation.answering or conversation.revealed or not conversation.begun:
            return
        asked = [side.take_back() for side in conversation.sides]
        for pane, side in zip(self._panes, conversation.sides, strict=True):
            pane.remove_last(3 if side.error is not None else 2)
        self.send(asked[0])

    def action_differences(self) -> None:
        """Mark, or no longer mark, the words in which the last answers differ."""
        conversation = self.conversation
        if conversation is None or conversation.answering or len(conversation.sides) < 2:
            return
        self._marked = not self._marked
        texts = [clean_text(side.answer.lstrip()) for side in conversation.sides]
        ranges = differing_words(*texts) if self._marked else ([], [])
        for pane, found in zip(self._panes, ranges, strict=True):
            pane.mark_differences(found)

    def action_blind(self) -> None:
        """Hide who is who and begin anew, or show it."""
        conversation = self.conversation
        if conversation is None or conversation.answering or len(conversation.sides) < 2:
            return
        if conversation.blind:
            conversation.blind = False
            self._notice("Names are shown. This conversation can no longer be voted on.")
            self._write_titles()
            return
        conversation.blind = True
        self._new_blind_round()
        self._notice("Blind: A and B are drawn by chance. Ask something, then /vote.")

    def _new_blind_round(self) -> None:
        assert self.conversation is not None
        self._random.shuffle(self.conversation.sides)
        self.conversation.clear()
        self._fresh_panes()

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
        if not all(side.answer.strip() for side in conversation.sides):
            raise UsageError("there are no two answers to compare yet", "ask something first")
        began, before_end = self._spoke_at, conversation.answering
        outcome = await self.app.push_screen_wait(VoteCard())
        if outcome is None:
            return
        if conversation.answering:
            # What was decided on is what had been written: stop, and keep that.
            await self._stopped()
        elapsed_ms = round((time.monotonic() - began) * 1000)
        reveal = await self.desk.ask(
            lambda store: record_vote(
                store, self.desk.labeler, conversation, outcome, elapsed_ms=elapsed_ms, before_end=before_end
            )
        )
        conversation.revealed = True
        self._write_titles()
        self._notice(
            f"Recorded: {_WORDS[outcome]}. A was {clean_line(reveal.left)}, B was {clean_line(reveal.right)}. "
            "The next question begins a new blind round."
        )

    async def _stopped(self) -> None:
        """Stop the answers and wait until they have."""
        if self._worker is not None:
            self._worker.cancel()
            try:
                await self._worker.wait()
            except WorkerCancelled:
                return

    def action_copy(self) -> None:
        """Send the answer of the focused pane to the terminal's clipboard."""
        conversation = self.conversation
        if conversation is None:
            return
        place = next((n for n, pane in enumerate(self._panes) if pane.has_focus), 0)
        self.app.copy_to_clipboard(clean_text(conversation.sides[place].answer.strip()))
        self._notice("Sent to the terminal's clipboard. Where that does not arrive: /export")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works now."""
        conversation = self.conversation
        if action == "demo":
            return self.has_class("-empty")
        if conversation is None:
            return action not in ("stop", "cancel_pending", "leave_box", "type", "again", "differences", "blind",
                                  "vote", "copy")  # fmt: skip
        typing = self.query_one(PromptBox).has_focus
        match action:
            case "stop":
                return conversation.answering
            case "cancel_pending":
                return bool(self._pending) and not conversation.answering
            case "leave_box":
                return typing and not conversation.answering and not self._pending
            case "type":
                return not typing
            case "again" | "differences":
                return conversation.begun and not conversation.answering
            case "vote":
                return conversation.hidden and conversation.begun
        return True

    @on(PromptBox.Completions)
    def _show_completions(self, event: PromptBox.Completions) -> None:
        meanings = {f"/{c.name}": (c.argument, c.meaning) for c in COMMANDS}
        lines = []
        for line in event.lines[:8]:
            argument, meaning = meanings.get(line.strip(), ("", ""))
            lines.append(f"{line.strip()} {argument}".ljust(18) + meaning)
        listed = self.query_one("#completions", Static)
        listed.set_class(bool(lines), "-shown")
        listed.update(Content("\n".join([*lines, "tab completes"]) if lines else ""))


def _default_sides(rows: Sequence["ContestantRow"], chosen: Sequence[str] | None) -> list["ContestantRow"]:
    """Return who answers at first: those that were asked for, else a base and the newest adapter."""
    if chosen is not None:
        return sorted(rows, key=lambda row: chosen.index(row.name))[:2]
    left = next((row for row in rows if row.kind == "base"), rows[0] if rows else None)
    others = [row for row in rows if row is not left]
    right = next((row for row in reversed(others) if row.kind == "adapter"), others[-1] if others else None)
    return [row for row in (left, right) if row is not None]


def _temperature(argument: str) -> float:
    try:
        value = float(argument)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2:
        raise UsageError(f"{argument!r} is no temperature", "give a number from 0 to 2, such as /temp 0.7")
    return value
