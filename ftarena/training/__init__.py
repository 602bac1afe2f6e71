"""Training: base models made ready, runs started, watched and stopped. The work itself is in `worker`.

Importing this package loads no machine-learning library; only the worker's own process does.
"""

from ftarena.training.models import prepare_model

__all__ = ["prepare_model"]
