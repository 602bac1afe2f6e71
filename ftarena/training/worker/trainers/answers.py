"""Supervised fine-tuning: learning answers."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from ftarena.curation.tokens import Encoded
from ftarena.training.worker.job import Job
from ftarena.training.worker.trainers.shared import RunTrainer, ready, shared_arguments


class AnswerTrainer(RunTrainer, SFTTrainer):  # type: ignore[misc]  # TRL has no types
    """Supervised fine-tuning on examples that are already tokenised and labelled."""


def answer_trainer(
    job: Job, model: Any, tokenizer: Any, examples: Sequence[Encoded], callbacks: list[TrainerCallback]
) -> Any:
    """Return the trainer of a supervised run.

    Args:
        job: The run.
        model: With the weights that learn.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        examples: What to learn.
        callbacks: Are told about steps, logs and evaluations.
    """
    rows = [{"input_ids": one.input_ids, "labels": one.labels} for one in examples]
    config = SFTConfig(**shared_arguments(job), loss_type=job.recipe.loss_type[0], packing=job.recipe.packing)
    return ready(
        AnswerTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            callbacks=callbacks,
        ),
        job,
    )
