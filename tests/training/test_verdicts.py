"""When figures are an alarm, and what is said then. No model, no torch."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.recipes.schema import Recipe
from ftarena.scoring.paired import Difference, MeasuredLosses, paired_difference
from ftarena.training.verdicts import (
    LossCourse,
    Preferring,
    Said,
    best_step,
    degeneration_guard,
    drift_guard,
    enough,
    forgetting_guard,
    overfitting_guard,
)
from ftarena.training.verdicts.degeneration import loops

RUN = "mine-20260101-000000"
LOSSES = st.dictionaries(st.integers(0, 10_000), st.floats(0.01, 10), min_size=1, max_size=20)


def recipe(**keys: Any) -> Recipe:
    return Recipe.model_validate(
        {"method": "sft", "model_name_or_path": "m", "dataset": "d", **keys}
    ).resolved()


def sure(before: float, after: float) -> Difference:
    """A difference that no chance explains."""
    return Difference(before, after, 0.01, 100)


class TestOverfitting:
    """Held-out loss against training loss."""

    def test_it_rises_while_training_loss_falls(self) -> None:
        """My third epoch learned the examples by heart; I am told since when."""
        train = [(step, 3.0 - 0.02 * step) for step in range(1, 101)]
        course = LossCourse({0: 3.0, 40: 2.0, 80: 2.2, 100: 2.3}, train, sure(2.0, 2.3))
        guard = overfitting_guard(course, recipe(eval_split=0.1))
        assert guard.verdict == "alarm" and guard.figures["since_step"] == 40
        assert guard.words == (
            "held-out loss +0.30 (2.00 → 2.30), 30.0 σ, while training loss fell: overfit since step 40"
        )
        assert "checkpoint-40" in guard.remedies[0]
        assert any(line.startswith("learning_rate: ") for line in guard.remedies)

    def test_both_rise(self) -> None:
        """With a learning rate far too high it is not overfitting, and I am told so."""
        train = [(step, 2.0 + 0.02 * step) for step in range(1, 101)]
        guard = overfitting_guard(
            LossCourse({0: 2.0, 100: 3.0}, train, sure(2.0, 3.0)), recipe(eval_split=0.1)
        )
        assert guard.verdict == "alarm" and "diverges" in guard.words

    @pytest.mark.parametrize(
        ("rise", "error"), [(0.01, 0.001), (0.2, 0.1), (-0.5, 0.01)], ids=["small", "chance", "better"]
    )
    def test_nothing_to_say(self, rise: float, error: float) -> None:
        """A rise that does not matter, or that chance explains, is none."""
        losses = {0: 2.0, 10: 2.0 + rise}
        difference = Difference(2.0, 2.0 + rise, error, 50)
        guard = overfitting_guard(LossCourse(losses, [(1, 2.0)], difference), recipe(eval_split=0.1))
        assert guard.verdict == "ok" and guard.figures["since_step"] is None and not guard.remedies

    def test_learning_preferences_may_cost_a_little(self) -> None:
        """DPO does not minimise the loss of answers: 0.05 is no alarm there, 0.3 is."""
        dpo = recipe(method="dpo", eval_split=0.1)
        for rise, verdict in ((0.05, "ok"), (0.3, "alarm")):
            course = LossCourse({0: 2.0, 10: 2.0 + rise}, [], sure(2.0, 2.0 + rise))
            assert overfitting_guard(course, dpo).verdict == verdict

    def test_one_measurement_is_no_course(self) -> None:
        """Where nothing can be said, it is said why."""
        assert "once so far" in overfitting_guard(LossCourse({0: 2.0}, []), recipe(eval_split=0.1)).words
        assert "neither eval_dataset nor eval_split" in overfitting_guard(LossCourse({}, []), recipe()).words


class TestStopping:
    """Early stopping depends on the losses alone."""

    def test_patience(self) -> None:
        """Two measurements in a row that are no better end the run, and it says which was best."""
        losses = {0: 3.0, 10: 2.0, 20: 2.1, 30: 2.0}
        assert enough(losses, 2, 0.0) == "held-out loss is no better since 2 measurements: 2.000 at step 10"
        assert not enough(losses, 3, 0.0) and not enough(losses, None, 0.0)
        assert not enough({**losses, 30: 1.9}, 2, 0.0)

    def test_a_threshold_asks_for_more(self) -> None:
        """A hair's breadth does not count as better."""
        losses = {0: 2.0, 10: 1.99, 20: 1.98}
        assert enough(losses, 2, 0.05) and not enough(losses, 2, 0.0)

    @given(LOSSES, st.integers(1, 5))
    def test_one_that_keeps_falling_never_stops(self, losses: dict[int, float], patience: int) -> None:
        """As long as each measurement is better than all before, training goes on."""
        falling = {step: 1.0 / (rank + 1) for rank, step in enumerate(sorted(losses))}
        assert not enough(falling, patience, 0.0)

    @given(LOSSES)
    def test_the_best_step_is_the_earliest_of_the_lowest(self, losses: dict[int, float]) -> None:
        """Of two equal checkpoints the one that was trained less."""
        best = best_step(losses)
        assert losses[best] == min(losses.values())
        assert all(step >= best for step, loss in losses.items() if loss == losses[best])


class TestForgetting:
    """General loss before and after."""

    def test_it_forgot(self) -> None:
        """The verdict is one line with its figures, and the first remedy does the least harm."""
        difference = Difference(2.60, 2.91, 0.0775, 120)
        guard = forgetting_guard(difference, recipe(), run=RUN, step=20)
        assert guard.verdict == "alarm"
        assert guard.words == "general loss +0.31 (2.60 → 2.91), 4.0 σ: it forgot"
        assert [line.split()[0] for line in guard.remedies] == [
            "replay_dataset:",
            "learning_rate:",
            "fewer",
            "ftarena",
            "lora_r:",
        ]
        assert f"ftarena runs scale {RUN}" in guard.remedies[3]

    def test_remedies_know_what_is_tried_already(self) -> None:
        """With replay in the recipe I am told to take more of it; a full fine-tuning is told of LoRA."""
        keys = {"replay_dataset": "general", "tuning": "full", "num_train_epochs": 3}
        guard = forgetting_guard(sure(2, 3), recipe(**keys), run=RUN, step=20)
        assert guard.remedies[0] == "replay_ratio: 0.1 instead of 0.05"
        assert "num_train_epochs: 1.5 instead of 3" in guard.remedies
        assert not any("scale" in line for line in guard.remedies)
        assert guard.remedies[-1].startswith("tuning: lora")

    def test_nothing_was_measured(self) -> None:
        """An empty general set is an unknown, not a clean bill."""
        guard = forgetting_guard(None, recipe(general_dataset=[]), run=RUN, step=20)
        assert guard.verdict == "unknown" and "general_dataset is empty" in guard.words

    def test_the_mean_weighs_tokens(self) -> None:
        """A long answer counts for as many tokens as it has."""
        losses = MeasuredLosses((1.0, 4.0), (3, 1))
        assert losses.mean_loss == pytest.approx(1.75)
        assert paired_difference(losses, losses).delta == 0
        assert math.isnan(MeasuredLosses((), ()).mean_loss)


class TestDrift:
    """How far the model has moved."""

    def test_far_and_near(self) -> None:
        """A small divergence is a figure, a large one an alarm with remedies."""
        near, far = (drift_guard(kl, recipe(method="dpo"), run=RUN, step=6) for kl in (0.01, 2.0))
        assert near.verdict == "ok" and near.figures["kl_nats"] == 0.01
        assert far.verdict == "alarm" and any(line.startswith("beta: 0.2") for line in far.remedies)
        assert drift_guard(None, recipe(), run=RUN, step=6).verdict == "unknown"


GOOD = Said(answers=8, mean_tokens=30, limited=0.1, looping=0.0, distinct_2=0.95, start_log_prob=-0.5)


class TestDegeneration:
    """Answers that fall apart while the margin rises."""

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"looping": 0.5}, "50% of the answers end in a loop, 0% did at the start"),
            ({"start_log_prob": -3.0}, "2.5 nats per token stranger to the model at the start"),
            (
                {"mean_tokens": 62.0, "limited": 0.9},
                "answers have 62 tokens and 90% never end, from 30 and 10%",
            ),
        ],
    )
    def test_each_way_of_falling_apart(self, change: dict[str, float], words: str) -> None:
        """Loops, gibberish and endless answers are each named, with what was before."""
        now = Said(**{**GOOD.to_json(), **change})
        guard = degeneration_guard(GOOD, now, Preferring(0.1, 1.0), recipe(method="dpo"), run=RUN, step=9)
        assert guard.verdict == "alarm" and words in guard.words
        assert guard.remedies[0].startswith("learning_rate: ")  # the SFT term is in the loss already

    def test_chosen_answers_fall_far_while_accuracy_is_full(self) -> None:
        """The margin looks fine, but it only moves away from the worse answers."""
        dpo = recipe(method="dpo", loss_type="sigmoid")
        guard = degeneration_guard(GOOD, GOOD, Preferring(-1.2, 1.0), dpo, run=RUN, step=9)
        assert guard.verdict == "alarm" and "1.2 nats per token less likely" in guard.words
        assert guard.remedies[0].startswith("loss_type: [sigmoid, sft]")
        for harmless in (Preferring(-1.2, 0.6), Preferring(-0.1, 1.0), Preferring(None, 1.0)):
            assert degeneration_guard(GOOD, GOOD, harmless, dpo, run=RUN, step=9).verdict == "ok"

    def test_what_was_bad_before_is_not_held_against_the_run(self) -> None:
        """A model that always rambled is not an alarm because it still does."""
        rambling = Said(8, 64.0, 1.0, 0.6, 0.4, -0.3)
        said = degeneration_guard(
            rambling, rambling, Preferring(0, 0.5), recipe(method="dpo"), run=RUN, step=9
        )
        assert said.verdict == "ok"

    def test_nobody_looked(self) -> None:
        """With the probe off the guard says that it does not know."""
        guard = degeneration_guard(None, None, Preferring(0, 0.5), recipe(method="dpo"), run=RUN, step=9)
        assert guard.verdict == "unknown" and "probe_answers" in guard.words

    def test_answers_are_described(self) -> None:
        """Length, limit, loops and repetition, counted within each answer."""
        said = Said.of([[1, 2, 3], [7, 8] * 10], limit=20, start_log_prob=None)
        assert (said.answers, said.mean_tokens, said.limited, said.looping) == (2, 11.5, 0.5, 0.5)
        assert said.distinct_2 == pytest.approx(4 / 21)

    @given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.lists(st.integers(0, 50), max_size=40))
    def test_a_cycle_is_a_loop_whatever_came_before(self, cycle: list[int], before: list[int]) -> None:
        """However an answer begins: once it repeats one to eight tokens for long enough, it loops."""
        assert loops([*before, *cycle * 16])
        assert not loops([*before, *range(100, 116)])


def test_no_torch_is_needed_for_a_verdict() -> None:
    """Front ends read findings without the training libraries."""
    folder = Path(__file__).parents[2] / "ftarena" / "training" / "verdicts"
    for file in folder.glob("*.py"):
        assert "import torch" not in file.read_text(encoding="utf-8")
