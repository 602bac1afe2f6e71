"""Two conversations beside each other, painted together."""

import time
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from ftarena.text import clean_text
from ftarena.tui.drawing.differences import differing_words
from ftarena.tui.drawing.pacing import FASTEST_PER_S, common_pieces
from ftarena.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from ftarena.tui.conversation import Conversation


Pace = Literal["together", "paced", "raw"]
"""How two answers appear while names are hidden: both at once, both at one steady speed, as they come."""


class Panes(Horizontal):
    """Shows a `Conversation`: its sides, in their order, and nothing that it hides."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.conversation: Conversation | None = None
        self._painted = [0, 0]  # characters of each answer
        self.pace: Pace = "together"
        self.common = 0
        """While names are hidden, how many pieces of each answer may be seen, or might be once both are
        there."""
        self.spoke_at = 0.0
        """When the first text of the round was painted; monotonic clock, 0 before it."""
        self.marked = False
        """Whether the words in which the last answers differ are marked."""

    def compose(self) -> ComposeResult:
        """Two panes; their ids say where they are, not who."""
        yield Transcript(id="left")
        yield Transcript(id="right")

    @property
    def panes(self) -> list[Transcript]:
        """The panes that have a side."""
        count = len(self.conversation.sides) if self.conversation is not None else 0
        return list(self.query(Transcript))[:count]

    def show(self, conversation: "Conversation") -> None:
        """Show a conversation that has just begun."""
        self.conversation = conversation
        self.set_class(len(conversation.sides) < 2, "-single")
        for pane in self.panes:
            pane.clear()
            pane.show_cursor(False)
        self._begin_round()
        self.write_titles()

    def ask(self, text: str) -> None:
        """Show a question, and below it answers that are still empty."""
        for pane in self.panes:
            pane.add("you", text)
            pane.add("answer", "")
            pane.show_cursor(True)
            pane.scroll_to(y=pane.max_scroll_y, animate=False)
        self._begin_round()

    def _begin_round(self) -> None:
        self._painted, self.spoke_at, self.marked, self.common = [0, 0], 0.0, False, 0

    def paint(self, *, all_of_it: bool = False) -> None:
        """Show what has arrived since the last time; when names are hidden, as the pace has it.

        Args:
            all_of_it: Show everything; once nothing more comes and nothing of it tells.
        """
        conversation = self.conversation
        if conversation is None:
            return
        # Templates make models open with a stray space; it is kept, but not shown.
        texts = [side.answer.lstrip() for side in conversation.sides]
        paced = conversation.hidden and self.pace != "raw" and not all_of_it
        if paced:
            texts = self._paced(conversation)
        for place, (pane, text) in enumerate(zip(self.panes, texts, strict=True)):
            if len(text) > self._painted[place]:
                pane.append(text[self._painted[place] :])
                self._painted[place] = len(text)
                self.spoke_at = self.spoke_at or time.monotonic()
            pane.show_cursor(not self.all_shown if paced else conversation.sides[place].answering)
        self.write_titles()

    def _paced(self, conversation: "Conversation") -> list[str]:
        """Return what may be seen of both answers, whichever of them is faster."""
        together = self.pace == "together"
        streams = [side.stream for side in conversation.sides]
        fastest = float("inf") if together else FASTEST_PER_S
        self.common = max(self.common, common_pieces(streams, time.monotonic(), fastest))
        if together and not self.all_shown:
            return ["" for _ in streams]
        return [side.beginning(self.common).lstrip() for side in conversation.sides]

    @property
    def all_shown(self) -> bool:
        """Whether both answers are whole, and have been shown as far as they go."""
        conversation = self.conversation
        if conversation is None or conversation.answering:
            return conversation is None
        if not conversation.hidden or self.pace == "raw":
            return True
        return self.common >= max(len(side.pieces) for side in conversation.sides)

    def show_errors(self) -> None:
        """Say in each pane why its answer is missing or incomplete. Never while names are hidden."""
        conversation = self.conversation
        if conversation is None:
            return
        for pane, side in zip(self.panes, conversation.sides, strict=True):
            if side.error is not None:
                pane.add("error", f"{side.error.message}\n{side.error.hint}".strip())

    def take_back(self) -> None:
        """Remove the last exchange from the panes. Call it before the sides forget theirs."""
        conversation = self.conversation
        if conversation is None:
            return
        for pane, side in zip(self.panes, conversation.sides, strict=True):
            told = side.error is not None and not conversation.hidden
            pane.remove_last(3 if told else 2)

    def toggle_differences(self) -> None:
        """Mark, or no longer mark, the words in which the last answers differ."""
        conversation = self.conversation
        if conversation is None or len(conversation.sides) < 2:
            return
        if any(side.error is not None for side in conversation.sides):
            return
        self.marked = not self.marked
        texts = [clean_text(side.answer.lstrip()) for side in conversation.sides]
        ranges = differing_words(*texts) if self.marked else ([], [])
        for pane, found in zip(self.panes, ranges, strict=True):
            pane.mark_differences(found)

    def write_titles(self) -> None:
        """Write who is who above the panes, and below them length and speed, unless hidden."""
        conversation = self.conversation
        if conversation is None:
            return
        for place, pane in enumerate(self.panes):
            pane.border_title = Content(conversation.title(place))
            words = [] if conversation.blind else [conversation.sides[place].speed_words()]
            words.insert(0, "↓ more" if pane.more_below else "")
            if conversation.hidden and self.pace == "together" and not self.all_shown and conversation.begun:
                words = ["both are writing …"]
            subtitle = " · ".join(filter(None, words))
            pane.border_subtitle = Content(subtitle) if subtitle else None

    def focused_answer(self) -> str:
        """Return the last answer of the pane that has the focus (else the left one), cleaned."""
        if self.conversation is None:
            return ""
        place = next((n for n, pane in enumerate(self.panes) if pane.has_focus), 0)
        return clean_text(self.conversation.sides[place].answer.strip())
