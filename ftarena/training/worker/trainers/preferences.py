"""Learning from pairs with a frozen reference: DPO and IPO."""

from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer

from ftarena.curation.tokens import EncodedPair
from ftarena.training.worker.job import Job
from ftarena.training.worker.trainers.shared import RunTrainer, pair_rows, ready, shared_arguments


class PairTrainer(RunTrainer, DPOTrainer):  # type: ignore[misc]  # TRL has no types
    """Direct preference optimisation on pairs that are already tokenised."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        # SFTTrainer of TRL 1.16 takes tokenised rows as they are, DPOTrainer renders them a second time. With
        # rows of our own both methods end an answer at the very same token.
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        # TRL leaves only the columns of its collator; the sampler needs the length to group pairs by it.
        if "length" not in self._signature_columns:
            self._signature_columns += ["length"]


def pair_trainer(
    job: Job, model: Any, tokenizer: Any, pairs: Sequence[EncodedPair], callbacks: list[TrainerCallback]
) -> Any:
    """Return the trainer of a preference run.

    The reference is what the model was at the start. TRL 1.16 keeps a frozen copy of the adapter under the
    name `ref` when it is given a PEFT model; a new adapter starts as zero, so its copy is the base itself.
    Without an adapter it is a second model, or its log-probabilities are computed ahead and none is kept.

    Args:
        job: The run.
        model: With the weights that learn.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        pairs: What to learn from.
        callbacks: Are told about steps and logs.
    """
    recipe = job.recipe
    config = DPOConfig(
        **shared_arguments(job),
        loss_type=["ipo"] if recipe.method == "ipo" else list(recipe.loss_type),
        loss_weights=recipe.loss_weights,
        beta=recipe.beta,
        label_smoothing=recipe.label_smoothing,
        precompute_ref_log_probs=bool(recipe.precompute_ref_log_probs),
    )
    return ready(
        PairTrainer(
            model=model,
            args=config,
            train_dataset=pair_rows(pairs),
            processing_class=tokenizer,
            callbacks=callbacks,
        ),
        job,
    )
