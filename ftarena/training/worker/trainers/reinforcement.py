"""Learning from scored answers of the model's own: group relative policy optimisation (arXiv 2402.03300)."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import import_utils

from ftarena.curation.tokens import EncodedQuestion
from ftarena.training.worker.job import Job
from ftarena.training.worker.rewards import rewards_of
from ftarena.training.worker.trainers.shared import RunTrainer, ready, shared_arguments

# Answers are sampled by the model in training itself. TRL 1.16 would import vLLM where it is installed, which
# takes seconds, only to have its names at hand.
import_utils.is_vllm_available = lambda *_, **__: False

from trl import GRPOConfig, GRPOTrainer  # noqa: E402  # after the line above


class SampleTrainer(RunTrainer, GRPOTrainer):  # type: ignore[misc]  # TRL has no types
    """Samples answers to questions that come tokenised, has them scored, and learns the better ones."""

    question_ids: dict[str, list[int]]
    """The tokens of each question, by its text."""

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # TRL 1.16 would tokenise the text with whatever special tokens the tokenizer adds to raw text.
        return [self.question_ids[prompt] for prompt in prompts], None, {}


def sample_trainer(
    job: Job,
    model: Any,
    tokenizer: Any,
    questions: Sequence[EncodedQuestion],
    callbacks: list[TrainerCallback],
) -> Any:
    """Return the trainer of a run on questions.

    Args:
        job: The run.
        model: With the weights that learn.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        questions: What to sample answers to.
        callbacks: Are told about steps and logs.

    Raises:
        FtarenaError: A reward function cannot be had.
    """
    recipe = job.recipe
    rows = [{"prompt": one.text, "reference": one.reference} for one in questions]
    # The prompts of a batch differ, their answers are sampled together: there is nothing to group by length.
    arguments = shared_arguments(job) | {"train_sampling_strategy": "random"}
    del arguments["max_length"]
    config = GRPOConfig(
        **arguments,
        beta=recipe.beta,
        num_generations=recipe.num_generations,
        max_completion_length=recipe.max_completion_length,
        temperature=recipe.temperature,
        reward_weights=recipe.reward_weights,
    )
    trainer = SampleTrainer(
        model=model,
        reward_funcs=list(rewards_of(recipe, job.directory, job.reporter.note)),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    trainer.question_ids = {one.text: one.prompt_ids for one in questions}
    return _ready(trainer, job)


def _ready(trainer: Any, job: Job) -> Any:
    """Return the trainer as `ready` makes it, with the sampling temperature in its loss.

    TRL bakes the temperature into the model's head; the quicker heads know none.
    """
    model = trainer.model.get_base_model() if job.recipe.has_adapter else trainer.model
    tempered = model.forward
    ready(trainer, job)
    if job.recipe.temperature != 1:
        model.forward = tempered
    return trainer
