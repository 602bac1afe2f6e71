"""What a run may be asked to do: the names of models, recipes, and how they are read.

No torch, no network, and nothing is created.
"""

from ftarena.recipes.models import ModelRef, is_ready, resolve_model

__all__ = ["ModelRef", "is_ready", "resolve_model"]
