"""One line of text, asked for: a comment, a recipe's path, a file."""

import asyncio
from collections.abc import Callable, Sequence

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from ftarena.errors import FtarenaError
from ftarena.text import clean_line, clean_text, shorten

_SHOWN = 8
"""Suggestions that are listed at once."""


class Completer(Suggester):
    """What a line could become: those of some suggestions in which it occurs."""

    def __init__(self, suggestions: Sequence[str]) -> None:
        """Keep the suggestions.

        Args:
            suggestions: The likeliest first.
        """
        super().__init__(use_cache=False, case_sensitive=True)
        self.suggestions = [clean_text(one) for one in suggestions]

    def candidates(self, value: str) -> list[str]:
        """Return what a line could become, what begins with it first; may look at folders."""
        wanted = value.strip().casefold()
        holding = [one for one in self.suggestions if wanted in one.casefold()]
        return sorted(holding, key=lambda one: not one.startswith(value))

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first candidate that begins with what was typed."""
        found = await asyncio.to_thread(self.candidates, value)
        return next((one for one in found if one.startswith(value)), None)


class _Line(Input):
    """An input whose tab completes and whose arrows choose."""

    async def _on_key(self, event: events.Key) -> None:
        # Not as bindings with priority: those overtake letters that are still on their way.
        step = {"tab": 0, "down": 1, "up": -1}.get(event.key)
        if step is None or not isinstance(self.screen, AskScreen):
            await super()._on_key(event)
            return
        event.prevent_default()
        event.stop()
        await self.screen.choose(step)


class AskScreen(ModalScreen[str | None]):
    """Asks for a line; closes with it, or with None if it was cancelled."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [Binding("escape", "cancel", "cancel")]

    def __init__(
        self,
        question: str,
        note: str = "",
        *,
        suggestions: Sequence[str] = (),
        text: str = "",
        completer: Completer | None = None,
        empty: str | None = None,
        check: Callable[[str], object] | None = None,
    ) -> None:
        """Prepare the question.

        Args:
            question: What is asked for.
            note: A second line below it.
            suggestions: What the text could be; listed below, fewer of them while one types.
            text: What the line begins with.
            completer: Makes the suggestions; None: from those given.
            empty: What an empty line means; None: cancelled.
            check: Called in a thread with what was typed; a `FtarenaError` is shown, and the dialog stays.
        """
        super().__init__()
        self._completer, self._empty = completer or Completer(suggestions), empty
        self._question, self._note, self._text = clean_text(question), clean_text(note), clean_text(text)
        self._check = check
        self._listed: list[str] = []
        self._chosen = -1
        self._untouched = True

    def compose(self) -> ComposeResult:
        """Show question, line, suggestions, keys."""
        keys = [("enter", "bold"), " ok   ", ("esc", "bold"), " cancel"]
        if self._completer.suggestions:
            keys += ["   ", ("tab", "bold"), " complete   ", ("↑ ↓", "bold"), " choose"]
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._question, "bold"))
            if self._note:
                yield Static(Content(self._note), classes="about")
            yield _Line(value=self._text, suggester=self._completer, compact=True)
            yield Static("", id="trouble", markup=False)
            yield Static("", id="suggestions", classes="about", markup=False)
            yield Static(Content.assemble(*keys))

    def on_mount(self) -> None:
        """List everything that is suggested, whatever the line begins with."""
        self._say("")
        self._list(self._completer.suggestions)

    def _list(self, lines: Sequence[str], chosen: int = -1) -> None:
        self._listed, self._chosen = list(lines), chosen
        first = max(chosen - _SHOWN + 1, 0)
        shown = [
            Content.styled(f"{'▸' if n == chosen else ' '} {shorten(line, 200)}", "bold" * (n == chosen))
            for n, line in list(enumerate(lines))[first : first + _SHOWN]
        ]
        if (more := len(lines) - first - len(shown)) > 0:
            shown.append(Content(f"  … and {more:,} more"))
        listed = self.query_one("#suggestions", Static)
        listed.display = bool(shown)
        listed.update(Content("\n").join(shown))

    async def choose(self, step: int) -> None:
        """Put a suggestion into the line: the next or previous one, or the one that tab completes to."""
        line = self.query_one(_Line)
        if step == 0:
            # Asked anew: the list may not have caught up with what was typed.
            found = await asyncio.to_thread(self._completer.candidates, line.value)
            if fitting := [one for one in found if one != line.value]:
                line.value = fitting[0]
                line.cursor_position = len(line.value)
        elif self._listed:
            number = min(max(self._chosen + step, 0), len(self._listed) - 1)
            with line.prevent(Input.Changed):  # the list stays, to choose another one
                line.value = self._listed[number]
                line.cursor_position = len(line.value)
            self._list(self._listed, number)

    @on(Input.Changed)
    @work(exclusive=True, group="suggest", exit_on_error=False)
    async def _typed(self, event: Input.Changed) -> None:
        if self._untouched and event.value == self._text:
            return
        self._untouched = False
        self._say("")
        self._list(await asyncio.to_thread(self._completer.candidates, event.value))

    def _say(self, words: str) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = bool(words)
        trouble.update(Content(words))

    @on(Input.Submitted)
    @work(exclusive=True, group="submit", exit_on_error=False)
    async def _close(self, event: Input.Submitted) -> None:
        answer = event.value.strip()
        if answer and self._check is not None:
            self._say("…")
            try:
                await asyncio.to_thread(self._check, answer)
            except FtarenaError as error:
                hint = f"\n→ {clean_text(error.hint)}" if error.hint else ""
                self._say(f"✕ {clean_line(error.message)}{hint}")
                self.app.bell()
                return
        self.dismiss(answer or self._empty)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
