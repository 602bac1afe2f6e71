"""Experiment trackers that a run reports to, and whether their packages are here: asked before it starts."""

from collections.abc import Sequence
from importlib.util import find_spec

from ftarena.errors import FtarenaError

_PACKAGES = {
    "azure_ml": ("azureml",),
    "dagshub": ("dagshub",),
    "flyte": ("flytekit",),
    "kubeflow": ("kubeflow",),
    "tensorboard": ("tensorboard", "tensorboardX"),
}
# Where a tracker's module is not called like it; of several, one is enough.


def need_trackers(report_to: Sequence[str]) -> None:
    """Make sure that every tracker a recipe names can be told.

    Args:
        report_to: Names of transformers; `all` means those that are installed, so nothing is missing.

    Raises:
        FtarenaError: A package is not installed.
    """
    for tracker in report_to:
        modules = _PACKAGES.get(tracker, (tracker,))
        if tracker in ("none", "all") or any(find_spec(module) is not None for module in modules):
            continue
        raise FtarenaError(
            f"report_to names {tracker}, but its package {modules[0]} is not installed",
            f"pip install {modules[0]}, or leave it out of report_to",
        )
