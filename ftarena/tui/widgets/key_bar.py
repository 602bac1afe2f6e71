"""The line below: the keys that work now.

Read from the bindings that are active, so it cannot promise a key that does nothing: where a text is being
typed, the letters that the text takes are gone from it.
"""

from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.widget import Widget

_SIGNS = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "enter": "enter",
    "escape": "esc",
    "question_mark": "?",
    "slash": "/",
    "space": "space",
}


def key_name(binding: Binding) -> str:
    """Return how a key is written: `ctrl+r`, `?`, `←`."""
    return binding.key_display or _SIGNS.get(binding.key, binding.key)


class KeyBar(Widget):
    """Shows the active bindings that have a description, as many as fit; help and quit always do."""

    def on_mount(self) -> None:
        """Draw again whenever other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def _entries(self) -> list[tuple[str, str, str]]:
        """Return (keys, description, key to press) an action, in the order of the bindings."""
        found: dict[str, tuple[list[str], str, str]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not (binding.show and binding.description and active.enabled):
                continue
            keys, _, _ = found.setdefault(binding.action, ([], binding.description, binding.key))
            if key_name(binding) not in keys:
                keys.append(key_name(binding))
        return [(" ".join(keys), description, key) for keys, description, key in found.values()]

    def render(self) -> Content:
        """Draw the line."""
        entries = self._entries()
        last = [entry for entry in entries if entry[1] in ("help", "quit")]
        first = [entry for entry in entries if entry not in last]
        room = self.size.width - 1 - sum(self._width(entry) for entry in last)
        self._spans: list[tuple[int, int, str]] = []
        line = Content(" ")
        shown = []
        for entry in first:
            room -= self._width(entry)
            if room < 0:
                break
            shown.append(entry)
        for keys, description, key in shown + last:
            start = line.cell_length
            line += Content.assemble((keys, "bold"), " ", (description, "dim"), "   ")
            self._spans.append((start, line.cell_length - 3, key))
        return line

    @staticmethod
    def _width(entry: tuple[str, str, str]) -> int:
        return len(entry[0]) + 1 + len(entry[1]) + 3

    def on_click(self, event: Click) -> None:
        """A click on a key presses it."""
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)
