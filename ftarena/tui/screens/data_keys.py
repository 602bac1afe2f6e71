"""What the keys of the place Data are and what its help says."""

from textual.binding import Binding, BindingType

ABOUT = (
    "What is in the data and what is wrong with it, before a night is lost on it. What you decide is kept in "
    "a file beside the data, which itself is never changed; a (apply) writes the curated set."
)

HELP = (
    (
        "o  O",
        "open files, a folder or a data set of the hub; O: held-out files, which must share no question",
    ),
    ("j k  n p", "choose a kind or a row; next and previous row, over all kinds"),
    ("enter  tab", "from the kinds to the rows; to the next pane"),
    ("v", "the row as a chat, as tokens with what is learned of them, as JSON"),
    ("t", "the other row, for duplicates, contradictions and leaks; what differs is underlined"),
    ("J K", "scroll the row (and its twin)"),
    ("f", "filter by kind, words or line; among all rows by what they hold; esc ends it"),
    ("x  X", "exclude the row (again: take it back in); X: every listed row of the kind"),
    ("e", "edit the row as JSON"),
    ("r", "relabel: swap chosen and rejected, or flip a label"),
    ("u", "undo the last decision; where none was made since the start, that about this row"),
    ("a", "apply: write the curated set and its manifest, and get the line for a recipe"),
    ("m", "the model whose tokens are counted and shown, and the longest example that is allowed"),
    ("c", "what the columns of the file mean: question and answer, say; remembered for the file"),
    ("C", "check again, after a file was changed"),
    ("✕ ! ·", "an error spoils training or its evaluation for certain; a warning; good to know"),
    ("✗ ✎ ⇄", "excluded; edited; relabelled. In the twin's pane the keys are about the twin"),
    ("┗━ ╵", "in the view of tokens: learned; only read. Each token begins at such a mark"),
)

BINDINGS: list[BindingType] = [
    Binding("d", "demo", "run the demo"),
    Binding("enter", "inside", "rows"),
    Binding("escape", "back", "back"),
    Binding("x", "exclude", "exclude"),
    Binding("e", "edit", "edit"),
    Binding("v", "view", "view"),
    # With priority, so that what is typed behind it, in one burst over a slow line, is the filter's already.
    Binding("f", "filter", "filter", priority=True),
    Binding("u", "undo", "undo"),
    Binding("c", "columns", "columns"),
    Binding("t", "twin", "twin"),
    Binding("r", "relabel", "relabel"),
    Binding("a", "apply", "apply"),
    Binding("o", "open", "open"),
    Binding("n", "step(1)", "next row", key_display="n p"),
    Binding("p", "step(-1)", "previous row", show=False),
    Binding("m", "model", "model"),
    Binding("O", "heldout", "held-out files"),
    Binding("X", "exclude_all", "exclude all of a kind"),
    Binding("C", "again", "check again"),
    Binding("J", "scroll(1)", "scroll", key_display="J K"),
    Binding("K", "scroll(-1)", "scroll up", show=False),
    Binding("tab", "pane(1)", "next pane", show=False),
    Binding("shift+tab", "pane(-1)", "previous pane", show=False),
]
