"""TRL's trainers as ftarena uses them: examples come tokenised, nothing is dropped behind one's back.

One file a family of methods, loaded only by the runs that use it: GRPO's part of TRL alone takes seconds.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from transformers import TrainerCallback

from ftarena.recipes.schema import Method
from ftarena.training.worker.job import Job

_BUILDERS: dict[Method, tuple[str, str]] = {
    "sft": ("answers", "answer_trainer"),
    "dpo": ("preferences", "pair_trainer"),
    "ipo": ("preferences", "pair_trainer"),
    "kto": ("unpaired", "labelled_trainer"),
    "orpo": ("reference_free", "reference_free_trainer"),
    "simpo": ("reference_free", "reference_free_trainer"),
    "cpo": ("reference_free", "reference_free_trainer"),
    "reward": ("scoring", "score_trainer"),
    "grpo": ("reinforcement", "sample_trainer"),
}
"""Of each method the module here and the function in it that makes its trainer."""


def build_trainer(
    job: Job, model: Any, tokenizer: Any, examples: Sequence[Any], callbacks: list[TrainerCallback]
) -> Any:
    """Return the trainer of a run's method.

    Args:
        job: The run.
        model: With the weights that learn.
        tokenizer: Of the model, with a padding token.
        examples: What `encoding` made of the training data, in the kind that the method takes.
        callbacks: Are told about steps and logs, in this order.

    Raises:
        FtarenaError: The method cannot be trained with this model or these reward functions.
    """
    module, function = _BUILDERS[job.recipe.method]
    builder = getattr(import_module(f"{__name__}.{module}"), function)
    return builder(job, model, tokenizer, examples, callbacks)
