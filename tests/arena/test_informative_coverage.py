"""Intervals hold the truth also where votes were spent by `informative`: a small run of the benchmark."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "samplers.py"


@pytest.fixture(scope="module")
def samplers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("samplers_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_intervals_hold_the_truth(samplers: ModuleType) -> None:
    """Of 30 differences and 30 win rates, at least 90 % lie inside their 95 % intervals."""
    found = samplers.coverage(10, 150, 150, seed=3)
    for what in ("difference", "win rate"):
        assert found[f"informative, weighted: {what}"]["coverage"] >= 0.9


def test_three_contestants_take_fewer_votes(samplers: ModuleType) -> None:
    """On the same worlds every verdict falls after fewer votes than with uniform draws, and none is wrong."""
    found = samplers.votes(3, 8, 800, seed=5)
    assert found["informative: all"]["ratio"] < 0.8
    assert found["informative: false"] <= 0.05
