"""TRL's trainers as ftarena uses them: examples come tokenised, nothing is dropped behind one's back.

One file a family of methods; `build_trainer` chooses.
"""

from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback

from ftarena.recipes.schema import Method
from ftarena.training.worker.job import Job
from ftarena.training.worker.trainers.answers import answer_trainer
from ftarena.training.worker.trainers.preferences import pair_trainer
from ftarena.training.worker.trainers.reference_free import reference_free_trainer
from ftarena.training.worker.trainers.reinforcement import sample_trainer
from ftarena.training.worker.trainers.scoring import score_trainer
from ftarena.training.worker.trainers.unpaired import labelled_trainer

_BUILDERS: dict[Method, Callable[[Job, Any, Any, Sequence[Any], list[TrainerCallback]], Any]] = {
    "sft": answer_trainer,
    "dpo": pair_trainer,
    "ipo": pair_trainer,
    "kto": labelled_trainer,
    "orpo": reference_free_trainer,
    "simpo": reference_free_trainer,
    "cpo": reference_free_trainer,
    "reward": score_trainer,
    "grpo": sample_trainer,
}


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
        FtarenaError: The method cannot be trained.
    """
    return _BUILDERS[job.recipe.method](job, model, tokenizer, examples, callbacks)
