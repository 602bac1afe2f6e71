"""The keys that scroll a pane: arrows, Vim's, and those of `less`."""

from textual.binding import Binding

SCROLL_KEYS = (
    Binding("j,down", "scroll_down", "Scroll", show=False),
    Binding("k,up", "scroll_up", "Scroll", show=False),
    Binding("ctrl+d,pagedown", "page_down", "Page", show=False),
    Binding("ctrl+u,pageup", "page_up", "Page", show=False),
    Binding("home", "scroll_home", "Start", show=False),
    Binding("G,end", "scroll_end", "End", show=False),
)
"""For the `BINDINGS` of a `ScrollView` that can be focused."""
