"""Numbers that go wrong: which of them stop a run, and which are no trouble."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.processes import write_json
from ftarena.recipes.schema import Recipe
from ftarena.training.runs import STATUS, read_events, read_run
from ftarena.training.worker.alarms import Alarms
from ftarena.training.worker.reporter import Reporter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder as its starter leaves it."""
    write_json(tmp_path / STATUS, {"state": "queued", "name": "mine", "method": "sft", "started_at": 1.0})
    return tmp_path


def alarms(folder: Path, method: str = "sft", **keys: Any) -> Alarms:
    recipe = Recipe(method=method, model_name_or_path="demo:smollm2", dataset=["x.jsonl"], **keys).resolved()  # type: ignore[arg-type]  # a test's word
    return Alarms(recipe, Reporter(folder))


def see(watch: Alarms, losses: list[float], norm: float = 1.0, rate: float = 1e-4, warmup: int = 0) -> None:
    for step, loss in enumerate(losses, 1):
        watch.look(step, {"loss": loss, "grad_norm": norm, "learning_rate": rate}, warmup_steps=warmup)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("what", ["loss", "grad_norm"])
def test_a_number_that_is_none_stops_at_once(folder: Path, value: float, what: str) -> None:
    """The weights are spoilt: I read at which step and what to lower."""
    watch = alarms(folder, learning_rate=0.5)
    row = {"loss": 1.0, "grad_norm": 1.0, what: value}
    with pytest.raises(FtarenaError, match=rf"is {value} at step 7: the weights are spoilt") as error:
        watch.look(7, row, warmup_steps=0)
    assert "lower learning_rate (it was 0.5)" in error.value.hint


def test_a_run_that_diverges_is_stopped(folder: Path) -> None:
    """The loss jumps and stays there: three logs are enough to know."""
    with pytest.raises(FtarenaError, match=r"the loss is 12 at step 14, 6\.0 times its median of 2,"):
        see(alarms(folder), [2.0] * 11 + [12.0] * 3)


@given(
    losses=st.lists(st.floats(1.0, 4.9), min_size=1, max_size=60),
    at=st.lists(st.integers(0, 59), max_size=4),
)
def test_ups_and_downs_are_no_alarm(
    tmp_path_factory: pytest.TempPathFactory, losses: list[float], at: list[int]
) -> None:
    """A noisy loss, or a single bad batch now and then, does not end my night's run."""
    folder = tmp_path_factory.mktemp("run")
    write_json(folder / STATUS, {"state": "queued"})
    spikes = {number for number in at if not {number - 1, number + 1} & set(at)}
    see(alarms(folder), [1000.0 if number in spikes else loss for number, loss in enumerate(losses)])


def test_the_beginning_may_be_wild(folder: Path) -> None:
    """In the first ten logs nothing has settled yet."""
    see(alarms(folder), [0.1, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0])


@pytest.mark.parametrize("method", ["sft", "orpo"])
def test_no_gradient_means_that_nothing_is_learned(folder: Path, method: str) -> None:
    """A mask that covers everything, or frozen weights: it stops after three logs, not in the morning."""
    with pytest.raises(FtarenaError, match="the gradient was exactly 0 in 3 logs up to step 3"):
        see(alarms(folder, method), [2.0] * 3, norm=0.0)


def test_pairs_that_are_all_told_apart_are_no_defect(folder: Path) -> None:
    """DPO has learned every pair: the loss is exactly 0, and the run says so once and goes on."""
    watch = alarms(folder, "dpo", logging_steps=2)
    see(watch, [0.6] * 11)
    see(watch, [0.0] * 9, norm=0.0)
    (event,) = read_events(read_run(folder))
    assert event["event"] == "nothing-learned" and "every pair is told apart" in event["message"]


def test_rewards_that_are_all_equal_are_told(folder: Path) -> None:
    """GRPO's loss is 0 by nature; that there is nothing to prefer is worth a line."""
    see(alarms(folder, "grpo", reward_funcs=["length"]), [0.0, -0.1, 0.0, 0.0, 0.0], norm=0.0)
    (event,) = read_events(read_run(folder))
    assert "same reward" in event["message"]


def test_a_learning_rate_of_zero_is_noticed_after_the_warm_up(folder: Path) -> None:
    """It rises from 0, which is no trouble; that it stays there is."""
    see(alarms(folder), [2.0] * 8, rate=0.0, warmup=10)
    with pytest.raises(FtarenaError, match="the learning rate was 0 in every log up to step 4"):
        see(alarms(folder), [2.0] * 8, rate=0.0, warmup=2)


def test_a_reference_that_is_not_the_start_is_a_defect(folder: Path) -> None:
    """DPO's first margin is 0, or the model is compared with something else than it was."""
    row = {"loss": 0.69, "grad_norm": 1.0, "rewards/margins": 0.3}
    with pytest.raises(FtarenaError, match=r"the first margin is 0\.3, not 0"):
        alarms(folder, "dpo").look(1, row, warmup_steps=0)


def test_what_was_seen_is_known_again_after_a_resume(folder: Path) -> None:
    """Two bad logs before the crash and one after it are three in a row."""
    before = alarms(folder)
    see(before, [2.0] * 11 + [12.0] * 2)
    after = alarms(folder)
    after.recall(before.state())
    with pytest.raises(FtarenaError, match="for 3 logs in a row"):
        after.look(14, {"loss": 12.0, "grad_norm": 1.0}, warmup_steps=0)
