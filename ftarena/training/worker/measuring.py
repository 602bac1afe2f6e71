"""What is measured of the model itself: before training, at intervals, and after; and what the guards say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ftarena.curation.tokens import Encoded, EncodedPair
from ftarena.recipes.keys.guards import PROBED_METHODS
from ftarena.recipes.schema import REFERENCED_METHODS
from ftarena.scoring.paired import Difference, MeasuredLosses, paired_difference
from ftarena.training.figures.metrics import MetricsTail
from ftarena.training.guards import GUARDS, Guard, write_guards
from ftarena.training.runs import METRICS
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
from ftarena.training.worker.guarding.drift import Drift
from ftarena.training.worker.guarding.probe import ask, choose_questions
from ftarena.training.worker.guarding.ranking import rank_pairs
from ftarena.training.worker.guarding.scoring import score_answers
from ftarena.training.worker.job import Job

_LATE_LOGS = 5
# Rows of metrics whose mean is what a preference run says lately.


@dataclass(frozen=True)
class _Look:
    """One measurement."""

    step: int
    heldout: MeasuredLosses | None
    general: MeasuredLosses | None
    kl: float | None
    said: Said | None
    accuracy: float | None


class Measuring:
    """Measures the model, remembers the figures, and writes what the guards find to `guards.json`.

    Args:
        job: The run.
        heldout: Examples that are never trained on, encoded; may be empty.
        general: General questions with reference answers, encoded; may be empty.
        pad_id: Token that fills up shorter examples.
        pairs: Pairs that are never trained on, for a model that scores answers; may be empty.
        answer_tokens: Mean length of the chosen answers trained on; unknown or none without pairs.
    """

    def __init__(
        self,
        job: Job,
        heldout: Sequence[Encoded],
        general: Sequence[Encoded],
        pad_id: int,
        *,
        pairs: Sequence[EncodedPair] = (),
        answer_tokens: float | None = None,
    ) -> None:
        self._job = job
        # A reward model gives a score and answers nothing: there is no loss of answers to measure.
        self._answers = job.recipe.method != "reward"
        self._heldout = list(heldout) if self._answers else []
        self._general = list(general) if self._answers else []
        self._pairs = [] if self._answers else list(pairs)
        self._pad_id = pad_id
        self._answer_tokens = answer_tokens
        probes = job.recipe.probe_answers
        if probes is None:
            probes = job.recipe.method in PROBED_METHODS
        self._questions = choose_questions(self._heldout, self._general) if probes else []
        self._metrics = MetricsTail(job.directory / METRICS)
        self._drift = Drift()
        self._general_start: MeasuredLosses | None = None
        self._said_start: Said | None = None
        self._heldout_best: MeasuredLosses | None = None
        self._newest: _Look | None = None
        self._alarmed: set[str] = set()
        self.losses: dict[int, float] = {}
        """Held-out loss by step, 0 being the model before training."""

    @property
    def enough(self) -> str:
        """Why it is better to stop here, or empty."""
        recipe = self._job.recipe
        return enough(self.losses, recipe.early_stopping_patience, recipe.early_stopping_threshold)

    @property
    def measures(self) -> bool:
        """Whether there is anything to measure on."""
        return bool(self._heldout or self._general or self._pairs)

    def state(self) -> dict[str, Any]:
        """Return what has to be known again when the run is resumed; plain values and tensors."""
        return {
            "losses": dict(self.losses),
            "heldout_best": _plain(self._heldout_best),
            "general_start": _plain(self._general_start),
            "said_start": self._said_start.to_json() if self._said_start else None,
            "drift": self._drift.tensors(),
            "alarmed": sorted(self._alarmed),
        }

    def recall(self, state: dict[str, Any]) -> None:
        """Know again what `state` returned when the checkpoint was saved."""
        self.losses = dict(state["losses"])
        self._heldout_best = _losses(state["heldout_best"])
        self._general_start = _losses(state["general_start"])
        self._said_start = Said(**state["said_start"]) if state["said_start"] else None
        self._drift = Drift(state["drift"])
        self._alarmed = set(state["alarmed"])

    def measure(self, model: Any, step: int) -> dict[str, float]:
        """Return metrics by name; empty where someone asked to stop.

        `eval_loss`, `general_loss` and `kl`; of a model that scores answers `eval_accuracy`, the share of
        held-out pairs that it ranks right. How far the measurement is stands in the run's status.

        `guards.json` is written anew. Nothing changes in the model, and no random number is drawn.

        Args:
            model: The one in training; its mode is restored.
            step: Optimiser steps done.
        """
        look = self._look(model, step)
        if look is None:
            return {}
        values: dict[str, float] = {}
        if look.heldout is not None:
            values["eval_loss"] = self.losses[step] = look.heldout.mean_loss
            if self._heldout_best is None or best_step(self.losses) == step:
                self._heldout_best = look.heldout
        if look.general is not None:
            values["general_loss"] = look.general.mean_loss
            self._general_start = self._general_start or look.general
        if look.kl is not None:
            values["kl"] = look.kl
        if look.accuracy is not None:
            values["eval_accuracy"] = look.accuracy
        self._said_start = self._said_start or look.said
        self._newest = look
        if self._answers:
            self._tell(self.guards(), step)
        return values

    def guards(self) -> list[Guard]:
        """Return what the guards find at the newest measurement; empty before the first."""
        look, recipe = self._newest, self._job.recipe
        if look is None:
            return []
        self._metrics.read()
        run, step = self._job.directory.name, look.step
        course = LossCourse(
            self.losses,
            [(int(step), loss) for step, loss in self._metrics.points("loss")],
            _difference(self._heldout_best, look.heldout),
        )
        found = [
            overfitting_guard(course, recipe),
            forgetting_guard(_difference(self._general_start, look.general), recipe, run=run, step=step),
            drift_guard(look.kl, recipe, run=run, step=step),
        ]
        if recipe.method in PROBED_METHODS or self._questions:
            found.append(
                degeneration_guard(
                    self._said_start, look.said, self._preferring(), recipe, run=run, step=step
                )
            )
        return found

    def _tell(self, guards: Sequence[Guard], step: int) -> None:
        """Write what the guards find, and note each alarm once, when it begins."""
        with self._job.reporter.unless_full():
            write_guards(self._job.directory / GUARDS, guards)
        alarms = {guard.name: guard.words for guard in guards if guard.verdict == "alarm"}
        for name in sorted(alarms.keys() - self._alarmed):
            self._job.reporter.event("guard-alarm", f"{name}: {alarms[name]}", guard=name, step=step)
        self._alarmed = set(alarms)

    def _look(self, model: Any, step: int) -> _Look | None:
        """Measure everything; None where someone asked to stop meanwhile."""
        common: dict[str, Any] = {
            "pad_id": self._pad_id,
            "bf16": self._job.machine.bf16,
            "stop": lambda: self._job.stop.requested,
        }
        size = self._job.recipe.per_device_eval_batch_size
        counted = _Counted(self._job.reporter.note, step, self._count)
        heldout = general = kl = said = accuracy = None
        if self._pairs:
            accuracy = rank_pairs(
                model,
                self._pairs,
                batch_size=size,
                bf16=common["bf16"],
                stop=common["stop"],
                told=counted.more,
            )
            if accuracy is None:
                return None
        if self._heldout:
            heldout = score_answers(model, self._heldout, batch_size=size, told=counted.more, **common)
            if heldout is None:
                return None
        if self._general:
            self._drift.begin()
            general = score_answers(
                model, self._general, batch_size=size, look=self._drift.look, told=counted.more, **common
            )
            if general is None:
                return None
            kl = self._drift.end()
        if self._questions:
            said = ask(model, self._questions, **common)
            if said is None:
                return None
            counted.more(len(self._questions))
        return _Look(step, heldout, general, kl, said, accuracy)

    @property
    def _count(self) -> int:
        """How many examples, pairs and questions a measurement looks at."""
        return len(self._pairs) + len(self._heldout) + len(self._general) + len(self._questions)

    def _preferring(self) -> Preferring:
        """Return what the run's own figures say lately."""
        recipe = self._job.recipe

        def late(key: str) -> float | None:
            values = [value for _, value in self._metrics.points(key)][-_LATE_LOGS:]
            return fmean(values) if values else None

        # A reward is beta times the change of an answer's log-probability against the reference.
        reward, change = late("rewards/chosen"), None
        if recipe.method in REFERENCED_METHODS and recipe.beta and self._answer_tokens and reward is not None:
            change = reward / recipe.beta / self._answer_tokens
        return Preferring(change, late("rewards/accuracies"))


class _Counted:
    """Tells how far a measurement is: `measuring at step 0: 24 of 48`."""

    def __init__(self, note: Callable[[str], None], step: int, total: int) -> None:
        self._note = note
        self._step = step
        self._total = total
        self._done = 0

    def more(self, count: int) -> None:
        """Count what is done."""
        self._done += count
        self._note(f"measuring at step {self._step}: {self._done} of {self._total}")


def mean_chosen_tokens(examples: Sequence[Any]) -> float | None:
    """Return the mean length of the chosen answers of preference pairs, None for other examples."""
    lengths = [len(one.chosen_ids) for one in examples if hasattr(one, "chosen_ids")]
    return fmean(lengths) if lengths else None


def _difference(before: MeasuredLosses | None, after: MeasuredLosses | None) -> Difference | None:
    return paired_difference(before, after) if before is not None and after is not None else None


def _plain(losses: MeasuredLosses | None) -> dict[str, Any] | None:
    return {"per_example": list(losses.per_example), "tokens": list(losses.tokens)} if losses else None


def _losses(state: dict[str, Any] | None) -> MeasuredLosses | None:
    return MeasuredLosses(tuple(state["per_example"]), tuple(state["tokens"])) if state else None
