"""Curves of a run: printed, laid over another's, written into files."""

import csv
import io
from pathlib import Path

import pytest
from made_runs import OVERFITS, make_run

from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.chart import chart
from ftarena.plain.runs import show
from ftarena.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two runs, one of each kind, and one that has not begun."""
    project = Workspace(tmp_path / ".ftarena").ensure()
    make_run(
        project, "sft-1", overfit_from=60, guards=[OVERFITS], planned_bytes=1.5e9, best=60, checkpoints=[60]
    )
    make_run(project, "dpo-$1", "finished", step=120, method="dpo")
    make_run(project, "new-1", "queued", step=0, total=0)
    return project


def drawn(workspace: Workspace, *keys: str, **options: object) -> str:
    out = io.StringIO()
    assert chart(workspace, *keys, out=out, **options) == 0  # type: ignore[arg-type]  # as given
    return out.getvalue()


def test_the_loss_in_the_terminal(workspace: Workspace) -> None:
    """I see train and held-out loss, where it was best and since when it overfits."""
    said = drawn(workspace, "sft-1")
    for words in ("train loss", "◆ held-out loss", "┊ best: step 60", "┊ overfit since step 60", "step 90"):
        assert words in said, words
    assert "\x1b" not in said


def test_two_runs_over_each_other(workspace: Workspace) -> None:
    """Two runs in one picture, told apart by line and sign, not by colour alone."""
    said = drawn(workspace, "sft-1", "dpo-$1", metrics=["grad_norm"])
    assert "⠒⠒ sft-1 gradient norm" in said and "⠐⠐ dpo-$1 gradient norm" in said
    assert "solid: sft-1-2026" in said and "dotted: dpo-$1-2026" in said


def test_chosen_metrics(workspace: Workspace) -> None:
    """I name charts or metrics as TRL calls them; one that the run has not is an error with what it has."""
    said = drawn(workspace, "dpo-$1", metrics=["rewards/margins", "rate", "num_tokens"])
    assert "reward margin" in said and "learning rate" in said and "num_tokens" in said
    with pytest.raises(UsageError, match="no metric 'nonsense'") as told:
        drawn(workspace, "dpo-$1", metrics=["nonsense"])
    assert "loss, held-out" in told.value.hint


def test_a_table_of_every_figure(workspace: Workspace, tmp_path: Path) -> None:
    """-o x.csv has every row and metric; with --metric only these."""
    path = tmp_path / "figures.csv"
    said = drawn(workspace, "sft-1", "dpo-$1", file=path)
    rows = list(csv.DictReader(path.open(newline="")))
    assert f"{len(rows):,} rows" in said
    assert {row["run"] for row in rows} == {"sft-1-20260102-030405", "dpo-$1-20260102-030405"}
    assert [row["step"] for row in rows[:2]] == ["0", "1"] and rows[0]["eval_loss"] == "2.9"
    drawn(workspace, "sft-1", file=path, metrics=["grad_norm"])
    rows = list(csv.DictReader(path.open(newline="")))
    assert set(rows[0]) == {"run", "step", "time", "grad_norm"} and len(rows) == 90


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_a_picture_for_a_report(workspace: Workspace, tmp_path: Path, suffix: str, magic: bytes) -> None:
    """-o x.png and x.svg are pictures; a name with a dollar in it is no formula."""
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curves{suffix}"
    drawn(workspace, "dpo-$1", "sft-1", file=path, metrics=["loss", "margin"])
    assert path.read_bytes().startswith(magic)


def test_files_that_cannot_be(workspace: Workspace, tmp_path: Path) -> None:
    """Another kind of file, a folder that is not there, a run without figures: one message each."""
    with pytest.raises(UsageError, match=r"\.gif"):
        drawn(workspace, "sft-1", file=tmp_path / "x.gif")
    with pytest.raises(FtarenaError, match="No such file or directory"):
        drawn(workspace, "sft-1", file=tmp_path / "nowhere" / "x.csv")
    with pytest.raises(FtarenaError, match="has no figures yet"):
        drawn(workspace, "new-1", file=tmp_path / "x.csv")
    assert "no figures yet" in drawn(workspace, "new-1")


def test_the_page_of_a_run(workspace: Workspace) -> None:
    """`runs show`: plan against memory, losses, guards with remedies, checkpoints, and what to type next."""
    out = io.StringIO()
    assert show(workspace, "sft-1", out=out) == 0
    said = "\n".join(" ".join(line.split()) for line in out.getvalue().splitlines())
    for words in (
        "state ◐ training, 90/120 75 %, 1 min 15 s left",
        "memory 1.4 GB at the peak, plan 1.5 GB (7 % less)",
        "lowest 1.603 at step 60",
        "overfitting ▲ held-out loss +0.21 since step 60",
        "→ stop earlier: num_train_epochs: 1",
        "checkpoints step 60 (best)",
        "watch it ftarena runs watch sft-1-20260102-030405",
    ):
        assert words in said, words
