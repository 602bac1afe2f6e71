"""Learning from scored answers of the model's own: group relative policy optimisation (arXiv 2402.03300)."""

import functools
import types
from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import add_fused_lm_head

from ftarena.curation.tokens import EncodedQuestion
from ftarena.training.worker.job import Job
from ftarena.training.worker.rewards import rewards_of
from ftarena.training.worker.trainers.shared import RunTrainer, ready, shared_arguments


class SampleTrainer(RunTrainer, GRPOTrainer):  # type: ignore[misc]  # TRL has no types
    """Samples answers to questions that come tokenised, has them scored, and learns the better ones."""

    question_ids: dict[str, list[int]]
    """The tokens of each question, by its text."""

    tempered = False
    """Whether log-probabilities are those at the sampling temperature, which only the loss asks for."""

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # TRL 1.16 would tokenise the text with whatever special tokens the tokenizer adds to raw text.
        return [self.question_ids[prompt] for prompt in prompts], None, {}

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        self.tempered = True
        try:
            return super()._get_per_token_logps_and_entropies(*args, **kwargs)
        finally:
            self.tempered = False


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
        reward_funcs=list(rewards_of(recipe, job.directory)),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    trainer.question_ids = {one.text: one.prompt_ids for one in questions}
    _temper_only_the_loss(trainer, job)
    return trainer


def _temper_only_the_loss(trainer: Any, job: Job) -> None:
    """Let measurements see the model as it is, and only the trainer's own loss the sampling temperature.

    TRL bakes the temperature into the model's head; a held-out loss through it would be another model's.
    """
    model = trainer.model.get_base_model() if job.recipe.has_adapter else trainer.model
    at_temperature = model.forward
    del model.forward
    add_fused_lm_head(model, outputs=("log_probs", "entropy"))
    ready(trainer, job)
    plain = model.forward

    @functools.wraps(type(model).forward)  # `generate` checks its arguments against the signature
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (at_temperature if trainer.tempered else plain)(*args, **kwargs)

    model.forward = types.MethodType(forward, model)
