"""A conversation with one or two contestants at once, each with a history of its own."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.text import clean_line, clean_text
from ftarena.tui.drawing.pacing import Stream

if TYPE_CHECKING:
    from ftarena.store import ContestantRow


@dataclass(repr=False)
class Side:
    """One contestant and what has been said to and by it. Texts are raw."""

    name: str
    contestant: Contestant
    history: list[Message] = field(default_factory=list)
    """Finished turns, and while it answers the user turn that it answers."""

    answer: str = ""
    """The answer under way, or the last one."""

    answering: bool = False
    n_tokens: int | None = None
    finish_reason: str | None = None
    error: FtarenaError | None = None
    """Why there is no answer, or not all of it."""

    began: float = 0.0
    """When it was asked; monotonic clock, seconds, like the next two."""

    first_at: float | None = None
    last_at: float | None = None
    ended: float | None = None
    pieces: list[int] = field(default_factory=list)
    """Where each piece of the answer that arrived ends in it, in characters."""

    def ask(self, text: str) -> None:
        """Begin a turn."""
        self.history.append(Message(role="user", content=text))
        self.answer, self.n_tokens, self.finish_reason, self.error = "", None, None, None
        self.began, self.first_at, self.last_at, self.ended = time.monotonic(), None, None, None
        self.pieces = []
        self.answering = True

    def add(self, text: str, n_tokens: int | None, finish_reason: str | None) -> None:
        """Note what arrived."""
        self.answer += text
        if text:
            self.last_at = time.monotonic()
            self.first_at = self.first_at or self.last_at
            self.pieces.append(len(self.answer))
        self.n_tokens = n_tokens if n_tokens is not None else self.n_tokens
        self.finish_reason = finish_reason or self.finish_reason

    def end(self) -> None:
        """Note that the answer is complete, or was stopped."""
        if self.answering:
            self.answering = False
            self.ended = time.monotonic()
            if self.answer:
                self.history.append(Message(role="assistant", content=self.answer))

    @property
    def stream(self) -> Stream:
        """What has arrived of the answer, without what it says."""
        return Stream(len(self.pieces), self.first_at, self.last_at, not self.answering)

    def beginning(self, pieces: int) -> str:
        """Return the first pieces of the answer."""
        return self.answer[: self.pieces[min(pieces, len(self.pieces)) - 1]] if pieces and self.pieces else ""

    def cut(self, pieces: int) -> None:
        """Forget of an answer that has ended all but its first pieces."""
        if pieces >= len(self.pieces):
            return
        self.answer, self.n_tokens, self.finish_reason = self.beginning(pieces), None, None
        del self.pieces[pieces:]
        if self.history and self.history[-1].role == "assistant":
            self.history.pop()
        if self.answer:
            self.history.append(Message(role="assistant", content=self.answer))

    def take_back(self) -> str:
        """Forget the last exchange and return what was asked; empty where there is none."""
        while self.history:
            turn = self.history.pop()
            if turn.role == "user":
                return turn.content
        return ""

    def speed_words(self) -> str:
        """Return length, time and speed of the answer; of a running one its speed alone."""
        end = self.ended if self.ended is not None else time.monotonic()
        rate = ""
        if self.n_tokens and self.first_at is not None and end - self.first_at > 0.2:
            rate = f"{self.n_tokens / (end - self.first_at):.0f} tok/s"
        if self.answering:
            return rate
        if self.ended is None:
            return ""
        parts = [
            f"{self.n_tokens} tok" if self.n_tokens is not None else "",
            f"{end - self.began:.1f} s",
            rate,
        ]
        cut = " · cut off" if self.finish_reason == "length" else ""
        return " · ".join(filter(None, parts)) + cut


@dataclass(repr=False)
class Conversation:
    """One or two sides, and whether their names are hidden."""

    sides: list[Side]
    blind: bool = False
    revealed: bool = False
    """Names are shown because the vote has been cast."""

    decided: bool = False
    """The vote has been cast; the next prompt begins a new blind round."""

    def __repr__(self) -> str:
        # Textual describes a worker by its arguments, in its log too: no names there while they are hidden.
        return f"Conversation({', '.join(self.title(place) for place in range(len(self.sides)))})"

    @property
    def hidden(self) -> bool:
        """Whether nothing may tell who is who."""
        return self.blind and not self.revealed

    @property
    def answering(self) -> bool:
        """Whether an answer is under way."""
        return any(side.answering for side in self.sides)

    @property
    def failed(self) -> bool:
        """Whether a side's last answer failed."""
        return any(side.error is not None for side in self.sides)

    @property
    def begun(self) -> bool:
        """Whether anything was said."""
        return any(side.history for side in self.sides)

    def title(self, place: int) -> str:
        """Return what a side is called on screen and in files: its name, or A and B when that is hidden."""
        letter, name = "AB"[place], clean_line(self.sides[place].name)
        if self.hidden:
            return letter
        return f"{letter}: {name}" if self.blind else name

    def set_sampling(self, temperature: float) -> None:
        """Let both sides draw their tokens at another temperature."""
        for side in self.sides:
            sampling = Sampling.model_validate(
                {**side.contestant.sampling.model_dump(), "temperature": temperature}
            )
            side.contestant = side.contestant.model_copy(update={"sampling": sampling})

    def set_system(self, text: str) -> None:
        """Put a system prompt before both conversations; an empty one takes it away."""
        for side in self.sides:
            side.contestant = side.contestant.model_copy(update={"system_prompt": text or None})

    def clear(self) -> None:
        """Forget what was said."""
        for place, side in enumerate(self.sides):
            self.sides[place] = Side(side.name, side.contestant)
        self.revealed = self.decided = False

    def to_markdown(self) -> str:
        """Return the conversation as a document, side after side; names only where they are shown."""
        parts = []
        for place, side in enumerate(self.sides):
            parts.append(f"## {self.title(place)}\n")
            for turn in side.history:
                who = "**You:** " if turn.role == "user" else ""
                parts.append(f"{who}{clean_text(turn.content).strip()}\n")
        return "\n".join(parts)

    def to_json(self) -> str:
        """Return the conversation as JSON: per side its title, what it is (unless hidden) and its turns."""
        sides = [
            {
                "title": self.title(place),
                **({} if self.hidden else {"contestant": side.contestant.model_dump(mode="json")}),
                "messages": [turn.model_dump() for turn in side.history],
            }
            for place, side in enumerate(self.sides)
        ]
        return json.dumps({"sides": sides}, ensure_ascii=False, indent=2) + "\n"


def default_sides(rows: "Sequence[ContestantRow]", chosen: Sequence[str] | None) -> "list[ContestantRow]":
    """Return who answers at first: those that were asked for, else a base and the newest adapter.

    Args:
        rows: Who can answer, oldest first.
        chosen: Names that were asked for, the left one first; None if none were.

    Returns:
        Two rows, or fewer where there are not so many.
    """
    if chosen is not None:
        return sorted(rows, key=lambda row: chosen.index(row.name))[:2]
    left = next((row for row in rows if row.kind == "base"), rows[0] if rows else None)
    others = [row for row in rows if row is not left]
    right = next((row for row in reversed(others) if row.kind == "adapter"), others[-1] if others else None)
    return [row for row in (left, right) if row is not None]
