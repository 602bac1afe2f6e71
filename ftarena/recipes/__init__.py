"""What a run may be asked to do: the names of models, recipes, and how they are read.

No torch, no network, and nothing is created.
"""

from ftarena.recipes.load import dump_recipe, load_recipe
from ftarena.recipes.models import ModelRef, is_ready, resolve_model
from ftarena.recipes.schema import Recipe, split_sample

__all__ = ["ModelRef", "Recipe", "dump_recipe", "is_ready", "load_recipe", "resolve_model", "split_sample"]
