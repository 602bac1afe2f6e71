"""What to write out of the votes: pairs for the next DPO run, or the votes themselves."""

import io
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.tui.exports import default_export, write_export
from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.store import Store

Kind = Literal["dpo", "csv", "jsonl"]


class ExportScreen(ModalScreen[Kind | None]):
    """Asks what to export; closes with the kind, or None if it was cancelled."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("d", "choose('dpo')", "DPO"),
        Binding("c", "choose('csv')", "CSV"),
        Binding("j", "choose('jsonl')", "JSONL"),
        Binding("escape", "choose('')", "cancel"),
    ]

    def compose(self) -> ComposeResult:
        """List what there is."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Export", "bold"))
            yield Static(
                Content.assemble(
                    ("d", "bold"), "    preference pairs for DPO, as TRL reads them (no ties, no both bad)\n",
                    ("c", "bold"), "    the votes as a table: a,b,outcome,labeler,prompt\n",
                    ("j", "bold"), "    the votes with all texts, JSONL\n",
                    ("esc", "bold"), "  nothing",
                )
            )  # fmt: skip

    def action_choose(self, kind: str) -> None:
        """Close with a choice."""
        self.dismiss(kind or None)  # type: ignore[arg-type]  # the bindings above give kinds only


def export(store: "Store", workspace: Workspace, kind: Kind) -> str:
    """Write an export into the `exports` folder of the project and say what was written where."""
    from ftarena.store.exports import export_votes
    from ftarena.store.preferences import export_dpo

    out = io.StringIO(newline="")
    if kind == "dpo":
        counted = f"{export_dpo(store, out).pairs:,} pairs"
    else:
        counted = f"{export_votes(store, out, kind):,} votes"
    suffix = ".csv" if kind == "csv" else ".jsonl"
    stem = "preferences" if kind == "dpo" else "votes"
    return f"{counted}: {write_export(default_export(workspace, stem, suffix), out.getvalue())}"
