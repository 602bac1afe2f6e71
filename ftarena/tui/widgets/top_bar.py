"""The line on top: the project, the places, and what is going on."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from ftarena.text import clean_line, shorten


class PlaceName(NamedTuple):
    """A place as the top line names it."""

    number: int
    name: str
    title: str


PLACES = (
    PlaceName(1, "chat", "Chat"),
    PlaceName(2, "vote", "Vote"),
    PlaceName(3, "scores", "Scores"),
    PlaceName(4, "runs", "Runs"),
    PlaceName(5, "data", "Data"),
)


class TopBar(Widget):
    """Shows where one is. The active place has a sign and is reversed, so that it shows without colour."""

    status: reactive[Sequence[str]] = reactive((), layout=False)
    """What is going on, most important first; what does not fit is left out from the end."""

    class Go(Message):
        """A place's name was clicked. Handled by the app."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    def __init__(self, project: str, active: str, places: Sequence[PlaceName] = PLACES) -> None:
        """Name the places.

        Args:
            project: What the project is called.
            active: Name of the place one is in.
            places: Those one can go to.
        """
        super().__init__()
        self._places = places
        self._project = clean_line(project)
        self._active = active
        self._spans: list[tuple[int, int, str]] = []

    def render(self) -> Content:
        """Draw the line."""
        width = self.size.width
        project = "" if self._project == "ftarena" else shorten(self._project, 16)  # a clone's own folder
        line = Content.assemble((" ftarena", "bold"), f" {project}  " if width >= 100 else "  ")
        if width < 90:  # what is going on needs the cells more
            line = Content(" " if width >= 60 else "")
        self._spans = []
        for place in self._places:
            start = line.cell_length
            active = place.name == self._active
            label = f"▸{place.number} {place.title} " if active else f" {place.number} {place.title} "
            line = line + Content.styled(label, "bold reverse" if active else "")
            self._spans.append((start, line.cell_length, place.name))
        room = width - line.cell_length - 2
        shown = ""
        for part in self.status:
            longer = f"{shown}   {clean_line(part)}" if shown else clean_line(part)
            if cell_len(longer) > room:
                break
            shown = longer
        if not shown and self.status:
            shown = shorten(self.status[0], max(room, 0))
        gap = max(width - line.cell_length - cell_len(shown) - 1, 0)
        return line + Content(" " * gap) + Content(shown) + Content(" ")

    def on_click(self, event: Click) -> None:
        """A click on a place's name goes there."""
        for start, end, place in self._spans:
            if start <= event.x < end:
                self.post_message(self.Go(place))
