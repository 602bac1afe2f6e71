"""How much of an adapter is best? Held-out and general loss of a run at several strengths, as a table.

At 0 stands the base, at 1 the run. Between them general knowledge usually comes back faster than the lesson
is lost, so a run that forgot need not be trained anew.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ftarena.curation.examples import Example as Row
from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.examples import Example, conversation
from ftarena.evaluation.forgetting import Difference, Verdict, paired_difference, verdict
from ftarena.evaluation.loss import LossReport, heldout_loss
from ftarena.evaluation.respondent import Respondent
from ftarena.evaluation.turns import turn
from ftarena.recipes.load import load_recipe
from ftarena.recipes.models import resolve_model
from ftarena.serving.protocol import EngineGone
from ftarena.training.data import load_data
from ftarena.training.models import prepare_model
from ftarena.training.runs import RESOLVED_RECIPE, Run
from ftarena.training.shipping.scaled import check_scalable, write_scaled
from ftarena.workspace import Workspace

SCALES = (0.0, 0.25, 0.5, 0.75, 1.0)
LARGEST = 2.0
"""Beyond the run is allowed as far as this: it shows whether more of it would still help."""

EXAMPLES = 100
"""Answers of each set that are measured on, at most."""

Tell = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Point:
    """A run at one strength."""

    scale: float
    heldout: LossReport | None
    """None where the run holds nothing out."""

    general: LossReport | None
    """None where it has no general questions."""


@dataclass(frozen=True)
class Curve:
    """A run at several strengths, the weakest first."""

    points: tuple[Point, ...]
    suggested: float | None
    """The strength to keep; None where nothing tells."""

    reason: str
    """Why, in a line."""

    def learned(self, point: Point) -> Difference | None:
        """Return how the held-out loss differs from the base's; negative is better."""
        return _difference(self.points[0].heldout, point.heldout)

    def forgot(self, point: Point) -> Difference | None:
        """Return how the general loss differs from the base's; positive is worse."""
        return _difference(self.points[0].general, point.general)


def scale_curve(
    run: Run, workspace: Workspace, scales: Sequence[float] = SCALES, tell: Tell = lambda line, part: None
) -> Curve:
    """Measure a run at several strengths of its adapter; the base is always among them.

    Args:
        run: One that has left a LoRA adapter.
        workspace: Its workspace, whose engine is asked.
        scales: Strengths, 0 (the base) to 2.
        tell: Told what is done, and how far it is (0 to 1).

    Raises:
        UsageError: A strength that is none.
        FtarenaError: The adapter cannot be scaled, the data are gone, or the engine cannot start.
    """
    for scale in scales:
        if not 0 <= scale <= LARGEST:
            raise UsageError(f"a scale of {scale:g} is not between 0 and {LARGEST:g}", "such as 0,0.5,1")
    check_scalable(run)
    data = load_data(load_recipe(run.directory / RESOLVED_RECIPE))
    heldout, general = _examples(data.heldout), _examples(data.general)
    if not heldout and not general:
        raise FtarenaError(
            f"{run.id} holds nothing out and has no general questions, so there is nothing to measure",
            "train with eval_split: 0.1",
        )
    wanted = sorted({0.0, *scales})
    with turn(workspace, f"the scale curve of {run.id}", lambda line: tell(line, None)):
        points = asyncio.run(_measure(run, workspace, wanted, heldout, general, tell))
    return Curve(tuple(points), *suggest(points))


def suggest(points: Sequence[Point]) -> tuple[float | None, str]:
    """Return which strength to keep, and why.

    Of the strengths that have not forgotten (general loss, compared with the base's, more than chance and at
    least 0.1 nats) the one with the lowest held-out loss; without held-out answers the strongest of them.

    Args:
        points: The weakest first, beginning with the base.
    """
    tried = [point for point in points if 0 < point.scale <= 1] or [point for point in points if point.scale]
    if not tried:
        return None, "only the base was measured"
    kept = [point for point in tried if not _has_forgotten(points[0], point)]
    if not kept:
        return tried[
            0
        ].scale, "every strength has forgotten; this is the least. Train with less, or with replay"
    if any(point.heldout is None for point in kept):
        return kept[-1].scale, "the strongest that has not forgotten (nothing is held out to tell more)"
    best = min(kept, key=lambda point: point.heldout.mean_loss if point.heldout else 0.0)
    if len(kept) < len(tried):
        return best.scale, "the lowest held-out loss among those that have not forgotten"
    return best.scale, "the lowest held-out loss; none has forgotten"


async def _measure(
    run: Run,
    workspace: Workspace,
    scales: Sequence[float],
    heldout: Sequence[Example],
    general: Sequence[Example],
    tell: Tell,
) -> list[Point]:
    adapter = check_scalable(run)
    model = prepare_model(resolve_model(run.base_model), lambda line: tell(line, None))
    folder = workspace.root / "scaled" / run.id
    steps = _Steps(tell, len(scales) * (len(heldout) + len(general)))
    points = []
    try:
        for scale in scales:
            if scale == 0:
                who = Respondent(workspace, model, tell=steps.say)
            elif scale == 1:
                who = Respondent(workspace, model, run.id, adapter, steps.say)
            else:
                path = await asyncio.to_thread(write_scaled, adapter, scale, folder / f"{scale:g}")
                who = Respondent(workspace, model, f"{run.id}/scale-{scale:g}", path, steps.say)
            async with who:
                losses = [
                    await _loss(who, examples, steps, f"scale {scale:g}: {kind} loss")
                    for kind, examples in (("held-out", heldout), ("general", general))
                ]
            if scale not in (0, 1):
                await asyncio.to_thread(who.engine.forget_adapter, who.name)
            points.append(Point(scale, *losses))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return points


async def _loss(
    who: Respondent, examples: Sequence[Example], steps: "_Steps", doing: str
) -> LossReport | None:
    if not examples:
        return None
    for last in (False, True):
        client = await who.client()
        try:
            report = await heldout_loss(
                client, who.name, examples, on_progress=lambda done, _: steps.say(doing, done)
            )
        except EngineGone:  # restarted, or sent to sleep by a run: awake again it is asked a second time
            if last:
                raise
        else:
            steps.before += len(examples)
            return report
    raise AssertionError


class _Steps:
    """How far the measuring is."""

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell = tell
        self._total = total
        self.before = 0

    def say(self, line: str, done: int = 0) -> None:
        self._tell(line, (self.before + done) / self._total)


def _has_forgotten(base: Point, point: Point) -> bool:
    difference = _difference(base.general, point.general)
    return difference is not None and verdict(difference) is Verdict.FORGOT


def _difference(before: LossReport | None, after: LossReport | None) -> Difference | None:
    return paired_difference(before, after) if before is not None and after is not None else None


def _examples(rows: Sequence[Row]) -> list[Example]:
    """Return answers that an engine can be asked about: no tools, no bare texts."""
    found = []
    for row in rows:
        prompt, reference = conversation(row), "".join(turn.content for turn in row.completion)
        if prompt and reference:
            found.append(Example(prompt=prompt, reference=reference))
    return found[:EXAMPLES]
