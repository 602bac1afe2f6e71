"""What to write out of the votes: examples for the next training, or the votes themselves."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.tui.exports import default_export
from ftarena.workspace import Workspace, make_private

if TYPE_CHECKING:
    from pathlib import Path

    from ftarena.store import Store
    from ftarena.store.example_files import Examples

Kind = Literal["dpo", "kto", "csv", "jsonl", "hf"]

AGREEMENTS = (None, 0.6, 0.7, 0.8, 1.0)
"""Least shares of the votes that `a` goes through; `None` is a majority."""

HOLD_OUTS = (0.0, 0.1, 0.2)
"""Shares of the prompts that `o` goes through."""


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What to write, and how sure one must be of each example."""

    kind: Kind = "dpo"
    agreement: float | None = None
    hold_out: float = 0.0


class ExportScreen(ModalScreen[ExportChoice | None]):
    """Asks what to export; closes with the choice, or None if it was cancelled."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("d", "choose('dpo')", "DPO"),
        Binding("k", "choose('kto')", "KTO"),
        Binding("h", "choose('hf')", "data set"),
        Binding("c", "choose('csv')", "CSV"),
        Binding("j", "choose('jsonl')", "JSONL"),
        Binding("a", "agreement", "agreement"),
        Binding("o", "hold_out", "hold out"),
        Binding("escape", "choose('')", "cancel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._choice = ExportChoice()

    def compose(self) -> ComposeResult:
        """List what there is."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Export", "bold"))
            yield Static(
                Content.assemble(
                    ("d", "bold"), "    preference pairs for DPO, as TRL reads them\n",
                    ("k", "bold"), "    answers labelled good or bad for KTO (both bad: two bad ones)\n",
                    ("h", "bold"), "    both as a data set that datasets.load_dataset reads\n",
                    ("c", "bold"), "    the votes as a table: a,b,outcome,labeler,prompt\n",
                    ("j", "bold"), "    the votes with all texts, JSONL\n",
                    ("esc", "bold"), "  nothing",
                )
            )  # fmt: skip
            yield Static(id="filters")

    def on_mount(self) -> None:
        """Say what is asked of the examples at first."""
        self._show()

    def action_choose(self, kind: str) -> None:
        """Close with a choice."""
        self.dismiss(replace(self._choice, kind=kind) if kind else None)

    def action_agreement(self) -> None:
        """Ask for the next share of the votes that must agree."""
        self._choice = replace(self._choice, agreement=_next(AGREEMENTS, self._choice.agreement))
        self._show()

    def action_hold_out(self) -> None:
        """Hold out the next share of the prompts."""
        self._choice = replace(self._choice, hold_out=_next(HOLD_OUTS, self._choice.hold_out))
        self._show()

    def _show(self) -> None:
        asked = self._choice
        least = "a majority" if asked.agreement is None else f"{100 * asked.agreement:.0f} %"
        held = "no prompts are held out"
        if asked.hold_out:
            held = f"{100 * asked.hold_out:.0f} % of the prompts are held out, in a file of their own"
        self.query_one("#filters", Static).update(
            Content.assemble(
                "For d, k and h:\n",
                ("a", "bold"), f"    {least} of the votes must be for it\n",
                ("o", "bold"), f"    {held}",
            )
        )  # fmt: skip


def export(store: "Store", workspace: Workspace, choice: ExportChoice) -> str:
    """Write an export into the `exports` folder of the project and say what was written where.

    Raises:
        FtarenaError: There is nothing to write, or it cannot be written.
    """
    from ftarena.store.example_files import write_dataset, write_examples
    from ftarena.store.preferences import PairFilter

    make_private(workspace.root / "exports")
    which = PairFilter(agreement=choice.agreement)
    if choice.kind == "hf":
        path = default_export(workspace, "votes", "")
        written = write_dataset(store, path, which, hold_out=choice.hold_out)
        return f"{' and '.join(map(_counted, written.examples))}: {path}"
    if choice.kind in ("dpo", "kto"):
        path = default_export(workspace, {"dpo": "preferences", "kto": "answers"}[choice.kind], ".jsonl")
        written = write_examples(store, path, choice.kind, which, hold_out=choice.hold_out)
        return f"{_counted(written.examples[0])}: {', '.join(map(str, written.files))}"
    return _export_votes(store, default_export(workspace, "votes", f".{choice.kind}"), choice.kind)


def _export_votes(store: "Store", path: "Path", kind: Kind) -> str:
    import io

    from ftarena.store.exports import export_votes
    from ftarena.tui.exports import write_export

    out = io.StringIO(newline="")
    count = export_votes(store, out, kind)
    return f"{count:,} votes: {write_export(path, out.getvalue())}"


def _counted(examples: "Examples") -> str:
    number = len(examples.train) + len(examples.held_out)
    words = f"{number:,} {'pairs' if examples.kind == 'dpo' else 'answers'}"
    return f"{words}, {len(examples.held_out):,} held out" if examples.held_out else words


def _next(values: tuple[float | None, ...], value: float | None) -> float | None:
    return values[(values.index(value) + 1) % len(values)]
