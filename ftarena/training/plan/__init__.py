"""What a run will take, said beforehand: steps, memory, time, disk; whether it fits, and what to change.

`shapes` (a model's weights from its `config.json`), `lengths` (the data in tokens), `schedule` (batches and
steps), `choices` (what the worker decides by itself), `cards` (where it runs), `memory` and `duration` (what
it takes), `constants` (all that was measured), `planning`, which brings them together, `remedies` where a run
does not fit, and `refusing` it.
Nothing here loads torch or a model's weights.
"""

from ftarena.training.plan.cards import Card, card_named, this_card
from ftarena.training.plan.planning import Measured, Plan, fit_recipe, measure, plan_of
from ftarena.training.plan.refusing import admit
from ftarena.training.plan.remedies import Remedy
from ftarena.training.plan.shapes import Shape, Unplannable, read_shape, shape_of

__all__ = [
    "Card",
    "Measured",
    "Plan",
    "Remedy",
    "Shape",
    "Unplannable",
    "admit",
    "card_named",
    "fit_recipe",
    "measure",
    "plan_of",
    "read_shape",
    "shape_of",
    "this_card",
]
