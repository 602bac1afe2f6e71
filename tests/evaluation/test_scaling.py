"""A run at part of its strength: what is learned, what is forgotten, which to keep."""

import io
import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.loss import LossReport
from ftarena.evaluation.scaling import Point, scale_curve, suggest
from ftarena.plain.scale import scale
from ftarena.processes import read_json
from ftarena.serving.engine import list_engines
from ftarena.training.runs import ADAPTER_WEIGHTS, Run, RunState, find_run, list_runs
from ftarena.training.shipping.scaled import keep_scaled, scaled_config
from ftarena.workspace import Workspace

MakeRun = Callable[..., Run]


def report(loss: float) -> LossReport:
    """Thirty answers of ten tokens around a loss: differences of 0.02 nats are beyond chance."""
    noise = random.Random(loss)
    each = [loss + noise.gauss(0, 0.01) for _ in range(30)]
    return LossReport(sum(each) / 30, 300, 30, tuple(each), (10,) * 30)


def curve(*rows: tuple[float, float | None, float | None]) -> list[Point]:
    return [
        Point(scale, None if held is None else report(held), None if known is None else report(known))
        for scale, held, known in rows
    ]


def test_the_best_strength_that_has_not_forgotten_is_suggested() -> None:
    """At full strength it learned most and forgot much; half of it learned nearly as much."""
    points = curve((0, 3.0, 2.0), (0.25, 2.4, 2.01), (0.5, 2.0, 2.05), (0.75, 1.9, 2.3), (1, 1.8, 2.9))
    assert suggest(points) == (0.5, "the lowest held-out loss among those that have not forgotten")


def test_a_run_that_forgot_nothing_is_kept_as_it_is() -> None:
    """Nothing is wrong with it, so nothing is to be scaled."""
    assert suggest(curve((0, 3.0, 2.0), (0.5, 2.0, 2.0), (1, 1.5, 2.0)))[0] == 1


def test_less_is_suggested_where_less_is_better() -> None:
    """It overshot: half of it predicts the held-out answers better than all."""
    assert suggest(curve((0, 3.0, 2.0), (0.5, 2.0, 2.0), (1, 2.2, 2.0)))[0] == 0.5


def test_the_least_is_suggested_where_all_have_forgotten() -> None:
    """No strength is good: I am told that scaling is not enough."""
    chosen, why = suggest(curve((0, 3.0, 2.0), (0.5, 2.0, 2.5), (1, 1.8, 3.0)))
    assert chosen == 0.5 and "Train with less" in why


def test_without_held_out_answers_the_strongest_that_knows_is_suggested() -> None:
    """Only general questions tell."""
    assert suggest(curve((0, None, 2.0), (0.5, None, 2.0), (1, None, 2.6)))[0] == 0.5


@given(st.floats(0.01, 2), st.integers(1, 256), st.integers(1, 512))
def test_scaling_is_linear_in_alpha(factor: float, rank: int, alpha: int) -> None:
    """Twice half of an adapter is the adapter, with rank stabilisation or without, module by module."""
    config = {"r": rank, "lora_alpha": alpha, "alpha_pattern": {"q_proj": 2 * alpha}, "use_rslora": True}
    once = scaled_config(config, factor)
    assert once["lora_alpha"] == pytest.approx(alpha * factor)
    assert once["alpha_pattern"]["q_proj"] == pytest.approx(2 * alpha * factor)
    assert once["r"] == rank and once["use_rslora"]
    assert scaled_config(config, 1.0) == config


def test_each_strength_is_loaded_measured_and_unloaded(
    project: Workspace, ended_run: MakeRun, answers: Callable[[dict[str, Any]], None]
) -> None:
    """I look at five strengths; afterwards the engine holds what it held, and no copies lie about."""
    run = ended_run()
    parts: list[float | None] = []
    found = scale_curve(run, project, tell=lambda line, part: parts.append(part))
    assert [point.scale for point in found.points] == [0, 0.25, 0.5, 0.75, 1]
    assert all(point.heldout and point.general for point in found.points)
    (engine,) = list_engines(project)
    assert engine.status().adapters == (run.id,)
    loads = re.findall(r"(un)?loaded (\S+)", engine.log.read_text())
    assert [name for un, name in loads if un] == [
        f"{run.id}/scale-{part}" for part in ("0.25", "0.5", "0.75")
    ]
    assert not (project.root / "scaled" / run.id).exists()
    known = [part for part in parts if part is not None]
    assert known == sorted(known) and known[-1] == 1


def test_the_table_names_base_run_and_what_to_do(
    project: Workspace, ended_run: MakeRun, answers: Callable[[dict[str, Any]], None]
) -> None:
    """The table says how each strength differs from the base."""
    run, out = ended_run(), io.StringIO()
    assert scale(project, run.id, scales="0.5,1", out=out) == 0
    lines = out.getvalue().splitlines()
    assert lines[1].split()[0] == "0" and lines[1].endswith("base")
    assert any(line.strip().startswith("0.5") for line in lines)
    assert any(line.startswith("Suggested: ") for line in lines)
    out = io.StringIO()
    scale(project, run.id, scales="1", as_json=True, out=out)
    assert [point["scale"] for point in json.loads(out.getvalue())["points"]] == [0, 1]


def test_a_strength_can_be_kept_as_a_run_of_its_own(project: Workspace, ended_run: MakeRun) -> None:
    """Half of it is the best: it is listed, answers and is shipped like any run, and the first one stays."""
    run = ended_run(adapter={"alpha_pattern": {"q_proj": 8}})
    out = io.StringIO()
    assert scale(project, run.id, keep=0.5, out=out) == 0
    kept = find_run(project, out.getvalue().strip())
    assert kept.state is RunState.FINISHED and kept.name == "lesson-x0.5" and kept.adapter is not None
    assert (kept.base_model, kept.method, kept.tuning) == (run.base_model, run.method, run.tuning)
    config = read_json(kept.directory / "adapter_config.json")
    assert config["lora_alpha"] == 16 and config["alpha_pattern"] == {"q_proj": 4}
    assert read_json(run.directory / "adapter_config.json")["lora_alpha"] == 32
    assert (kept.directory / ADAPTER_WEIGHTS).read_bytes() == (run.directory / ADAPTER_WEIGHTS).read_bytes()
    assert read_json(kept.directory / "status.json")["made_from"] == {"run": run.id, "scale": 0.5}
    again = keep_scaled(run, project, 0.5)
    assert again.id != kept.id and len(list_runs(project)) == 3


@pytest.mark.parametrize(
    ("adapter", "reason"),
    [({"use_dora": True}, "DoRA"), ({"modules_to_save": ["embed_tokens"]}, "embed_tokens")],
)
def test_what_is_no_plain_lora_is_refused_with_the_reason(
    project: Workspace, ended_run: MakeRun, adapter: dict[str, Any], reason: str
) -> None:
    """Half of a DoRA adapter is no model between base and run; I am told before an engine starts."""
    run = ended_run(adapter=adapter)
    for attempt in (lambda: scale_curve(run, project), lambda: keep_scaled(run, project, 0.5)):
        with pytest.raises(FtarenaError, match=reason):
            attempt()
    assert not list_engines(project)


def test_rank_stabilised_adapters_are_scaled_too(project: Workspace, ended_run: MakeRun) -> None:
    """With rsLoRA the strength is alpha / √r: half the alpha is half the strength as well."""
    kept = keep_scaled(ended_run(adapter={"use_rslora": True}), project, 0.5)
    assert read_json(kept.directory / "adapter_config.json")["use_rslora"] is True


@pytest.mark.parametrize("scales", ["0,x", "3", "-1", ""])
def test_what_is_no_strength_is_a_mistake_of_the_command_line(
    project: Workspace, ended_run: MakeRun, scales: str
) -> None:
    """A typing error costs no engine start."""
    with pytest.raises(UsageError):
        scale(project, ended_run().id, scales=scales, out=io.StringIO())


def test_an_engine_that_goes_away_half_way_is_asked_again(
    project: Workspace, ended_run: MakeRun, answers: Callable[[dict[str, Any]], None]
) -> None:
    """Somebody stopped the engine while a strength was measured: it is started, loads it, and goes on."""
    run, stopped = ended_run(), []

    def tell(line: str, part: float | None) -> None:
        if line.startswith("scale 0.5: held-out") and not stopped:
            stopped.append(line)
            list_engines(project)[0].stop()

    found = scale_curve(run, project, (0.5,), tell)
    assert stopped
    assert [point.scale for point in found.points] == [0, 0.5]
    assert found.points[1].heldout and found.points[1].heldout.n_examples == 25
