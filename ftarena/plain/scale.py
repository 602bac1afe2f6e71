"""`ftarena runs scale`: a run at part of its strength, as a table, and one of them to keep."""

import json
import sys
from typing import Any, TextIO

from ftarena.errors import UsageError
from ftarena.evaluation.forgetting import Difference, verdict
from ftarena.evaluation.loss import LossReport
from ftarena.evaluation.scaling import LARGEST, SCALES, Curve, Point, scale_curve
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.progress import Stage, Stages
from ftarena.text import clean_line
from ftarena.training.runs import Run, find_run
from ftarena.training.shipping.scaled import keep_scaled
from ftarena.workspace import Workspace


def scale(
    workspace: Workspace,
    key: str,
    *,
    scales: str | None = None,
    keep: float | None = None,
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Measure a run at several strengths of its adapter, or keep it at one of them.

    Args:
        workspace: The project.
        key: The run's id, the beginning of one, or its name.
        scales: Strengths, separated by commas.
        keep: Make a run of this strength instead of measuring.
        as_json: Print one JSON object instead of a table.
        out: Where to; standard output by default.

    Raises:
        UsageError: A strength that is none.
        FtarenaError: There is no such run, its adapter cannot be scaled, or the engine cannot start.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    if keep is not None:
        if scales is not None:
            raise UsageError("--scales measures and --keep makes a run: one at a time", "measure first")
        return _keep(workspace, run, keep, as_json, out)
    wanted = _numbers(scales) if scales is not None else SCALES
    with (
        told_what_goes_on(workspace),
        Stages([Stage("scale", f"{clean_line(run.id)} at {len(wanted)} strengths", None)]) as stages,
        stages.run("scale") as stage,
    ):
        curve = scale_curve(run, workspace, wanted, lambda line, part: stage.update(line, fraction=part))
    if as_json:
        print(json.dumps(_plain(run, curve), indent=2), file=out)
    else:
        print("\n".join(_table(run, curve)), file=out)
    return 0


def _keep(workspace: Workspace, run: Run, keep: float, as_json: bool, out: TextIO) -> int:
    if not 0 < keep <= LARGEST or keep == 1:
        raise UsageError(f"--keep {keep:g}: expected above 0, at most {LARGEST:g}, and not 1", "such as 0.5")
    kept = keep_scaled(run, workspace, keep)
    if as_json:
        print(json.dumps({"run": kept.id, "made_from": run.id, "scale": keep}, indent=2), file=out)
    else:
        print(kept.id, file=out)
        print(
            f"It takes part in the arena as {clean_line(kept.name)}: ftarena vote --contestant "
            f"{clean_line(run.name)} --contestant {clean_line(kept.name)}",
            file=sys.stderr,
        )
    return 0


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--scales {clean_line(text)}: expected numbers separated by commas", "such as 0,0.5,1"
        ) from None


def _table(run: Run, curve: Curve) -> list[str]:
    lines = [f"{'scale':>5}  {'held-out loss':22}  {'general loss':34}  (nats per answer token)"]
    for point in curve.points:
        heldout = _cell(point.heldout, curve.learned(point), judged=False)
        general = _cell(point.general, curve.forgot(point), judged=True)
        mark = "  ← suggested" if point.scale == curve.suggested else ""
        name = "  base" if point.scale == 0 else "  the run" if point.scale == 1 else ""
        lines.append(f"{point.scale:5g}  {heldout:22}  {general:34}{name}{mark}".rstrip())
    if curve.suggested is not None:
        lines += ["", f"Suggested: {curve.suggested:g}, {curve.reason}."]
        if curve.suggested != 1:
            lines.append(f"Keep it: ftarena runs scale {clean_line(run.id)} --keep {curve.suggested:g}")
    return lines


def _cell(report: LossReport | None, difference: Difference | None, *, judged: bool) -> str:
    if report is None:
        return "-"
    if difference is None or difference.delta == 0:
        return f"{report.mean_loss:.3f}"
    said = f"{report.mean_loss:.3f} ({difference.delta:+.3f}, {difference.sigmas:+.1f} σ"
    return said + (f": {verdict(difference)})" if judged else ")")


def _plain(run: Run, curve: Curve) -> dict[str, Any]:
    return {
        "run": run.id,
        "points": [_plain_point(curve, point) for point in curve.points],
        "suggested": curve.suggested,
        "reason": curve.reason,
    }


def _plain_point(curve: Curve, point: Point) -> dict[str, Any]:
    forgot = curve.forgot(point)
    learned = curve.learned(point)
    return {
        "scale": point.scale,
        "heldout_loss": point.heldout and point.heldout.mean_loss,
        "heldout_delta": learned and learned.delta,
        "general_loss": point.general and point.general.mean_loss,
        "general_delta": forgot and forgot.delta,
        "general_sigmas": forgot and forgot.sigmas,
        "verdict": str(verdict(forgot)) if forgot else None,
    }
