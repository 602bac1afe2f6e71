"""Learning from single answers that are labelled good or bad: Kahneman-Tversky optimisation.

The loss (arXiv 2402.01306, eq. 7 and 8) compares each answer with how far the model has moved from its
reference in general, which TRL estimates from mismatched answers: within a batch each question is given the
answer of the one before. So the batches are laid down here, once, shuffled by the run's seed, and stay the
same in every epoch.
"""

import random
from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import KTOConfig, KTOTrainer

from ftarena.curation.tokens import EncodedLabelled
from ftarena.training.worker.job import Job
from ftarena.training.worker.trainers.shared import RunTrainer, ready, shared_arguments


class LabelledTrainer(RunTrainer, KTOTrainer):  # type: ignore[misc]  # TRL has no types
    """Kahneman-Tversky optimisation on answers that are already tokenised."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset  # TRL 1.16 would render and tokenise the rows a second time


def labelled_trainer(
    job: Job, model: Any, tokenizer: Any, answers: Sequence[EncodedLabelled], callbacks: list[TrainerCallback]
) -> Any:
    """Return the trainer of a run on labelled answers; the reference is as in `preferences`.

    Args:
        job: The run.
        model: With the weights that learn.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        answers: What to learn from, good ones and bad ones.
        callbacks: Are told about steps and logs.
    """
    recipe = job.recipe
    desirable, undesirable = weights(answers, recipe.desirable_weight, recipe.undesirable_weight)
    job.reporter.event(
        "kto-weights",
        f"a good answer weighs {desirable:.3g}, a bad one {undesirable:.3g}",
        desirable=desirable,
        undesirable=undesirable,
    )
    arguments = shared_arguments(job) | {"train_sampling_strategy": "sequential"}
    config = KTOConfig(
        **arguments,
        beta=recipe.beta,
        desirable_weight=desirable,
        undesirable_weight=undesirable,
        precompute_ref_log_probs=bool(recipe.precompute_ref_log_probs),
    )
    return ready(
        LabelledTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows_in_batches(answers, recipe.batch_size, recipe.seed)),
            processing_class=tokenizer,
            callbacks=callbacks,
        ),
        job,
    )


def weights(
    answers: Sequence[EncodedLabelled], desirable: float | None, undesirable: float | None
) -> tuple[float, float]:
    """Return what a good and a bad answer weigh: unless said otherwise, so that both sides weigh the same.

    Args:
        answers: Both kinds occur.
        desirable: As the recipe has it.
        undesirable: As the recipe has it.
    """
    if desirable is not None or undesirable is not None:
        return desirable or 1.0, undesirable or 1.0
    good = sum(one.label for one in answers)
    bad = len(answers) - good
    return max(bad / good, 1.0), max(good / bad, 1.0)


def rows_in_batches(answers: Sequence[EncodedLabelled], batch_size: int, seed: int) -> list[dict[str, Any]]:
    """Return the rows in the order of training, each with the mismatched answer of its batch.

    A last batch of one row would be given its own answer, which says nothing about other questions; it gets
    that of the row before.

    Args:
        answers: At least two.
        batch_size: Rows a batch.
        seed: Decides the order.
    """
    order = list(answers)
    random.Random(seed).shuffle(order)
    rows = []
    for begin in range(0, len(order), batch_size):
        batch = order[begin : begin + batch_size]
        for at, one in enumerate(batch):
            other = batch[at - 1] if len(batch) > 1 else order[begin - 1]
            rows.append(
                {
                    "prompt_ids": one.prompt_ids,
                    "completion_ids": one.answer_ids,
                    "KL_completion_ids": other.answer_ids,
                    "label": one.label,
                }
            )
    return rows
