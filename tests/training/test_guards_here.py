"""What a run's guards say while it trains: whole runs in this process, on a model that takes milliseconds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.training.guards import read_guards
from ftarena.training.runs import Run, RunState, read_events, read_metrics
from ftarena.workspace import Workspace

DATA = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture(autouse=True)
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights say nothing worth waiting for."""
    probe = pytest.importorskip("ftarena.training.worker.guarding.probe")
    monkeypatch.setattr(probe, "MOST_TOKENS", 4)


@pytest.fixture
def sft(workspace: Workspace, tiny_model: Path, train_here: Callable[..., Run]) -> Callable[..., Run]:
    """A function that trains on a handful of the demo's answers."""

    def train(**keys: object) -> Run:
        run = train_here(
            workspace,
            **{
                "method": "sft",
                "model_name_or_path": tiny_model,
                "dataset": f"{DATA}/sft.jsonl#16",
                "general_dataset": "builtin:general#12",
                "learning_rate": 0.02,
                "max_length": 256,
                "per_device_train_batch_size": 4,
                "gradient_accumulation_steps": 1,
                **keys,
            },
        )
        assert run.state is RunState.FINISHED, run.message
        return run

    return train


def test_a_measured_run_takes_the_same_steps(sft: Callable[..., Run]) -> None:
    """However often I look, with answers and all, what is learned is the same to the last bit."""
    plain = sft(general_dataset="[]")
    measured = sft(eval_dataset=f"{DATA}/heldout.jsonl#6", eval_steps=2, probe_answers="true")
    weights = [(run.directory / "adapter_model.safetensors").read_bytes() for run in (plain, measured)]
    assert weights[0] == weights[1]
    assert [guard.verdict for guard in read_guards(plain)] == []
    rows = [row for row in read_metrics(measured) if "general_loss" in row]
    assert [row["step"] for row in rows] == [0, 2, 4]
    assert rows[0]["kl"] == 0 and all(row["kl"] > 0 and "eval_loss" in row for row in rows[1:])
    guards = {guard.name: guard for guard in read_guards(measured)}
    assert list(guards) == ["overfitting", "forgetting", "drift", "degeneration"]
    assert guards["forgetting"].figures["questions"] == 12
    assert guards["forgetting"].figures["before_nats"] == pytest.approx(rows[0]["general_loss"])
    assert guards["forgetting"].figures["after_nats"] == pytest.approx(rows[-1]["general_loss"])
    assert guards["drift"].figures["kl_nats"] == pytest.approx(rows[-1]["kl"])
    assert guards["degeneration"].figures["answers_now"] == 8
    # An alarm is noted when it begins, not at each measurement.
    noted = [event["guard"] for event in read_events(measured) if event["event"] == "guard-alarm"]
    assert len(noted) == len(set(noted))
    assert {guard.name for guard in guards.values() if guard.verdict == "alarm"} <= set(noted)


def test_early_stopping_ends_a_run_that_gets_no_better(sft: Callable[..., Run]) -> None:
    """I set a patience of one; the first measurement that is no better ends the run."""
    run = sft(
        eval_dataset=f"{DATA}/heldout.jsonl#6",
        general_dataset="[]",
        eval_steps=1,
        early_stopping_patience=1,
        early_stopping_threshold=100,
    )
    assert (run.step, run.total_steps) == (1, 4)
    overfitting, forgetting, drift = read_guards(run)
    assert overfitting.figures["best_step"] in (0, 1)
    assert forgetting.verdict == drift.verdict == "unknown"


def test_preferences_are_watched_by_their_own_figures_too(
    workspace: Workspace, tiny_model: Path, train_here: Callable[..., Run]
) -> None:
    """A preference run without held-out data is asked general questions; its chosen answers are followed."""
    run = train_here(
        workspace,
        method="dpo",
        model_name_or_path=tiny_model,
        dataset=f"{DATA}/preferences.jsonl#8",
        general_dataset="builtin:general#12",
        learning_rate=0.001,
        max_length=256,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=1,
    )
    assert run.state is RunState.FINISHED, run.message
    guards = {guard.name: guard for guard in read_guards(run)}
    figures = guards["degeneration"].figures
    assert figures["answers_start"] == figures["answers_now"] == 8
    # Random weights know no answer: about ln 49,152 = 10.8 nats a token.
    assert figures["start_log_prob_start"] == pytest.approx(-10.8, abs=1)
    assert isinstance(figures["chosen_delta_nats"], float)
    assert guards["overfitting"].verdict == "unknown"
