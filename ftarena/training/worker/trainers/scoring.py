"""A model that scores answers, learned from pairs (Bradley-Terry, as in arXiv 2203.02155)."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import RewardConfig, RewardTrainer

from ftarena.curation.tokens import EncodedPair
from ftarena.errors import FtarenaError
from ftarena.training.worker.job import Job
from ftarena.training.worker.trainers.shared import RunTrainer, ready, shared_arguments

_NAMES = {"accuracy": "rewards/accuracies", "margin": "rewards/margins"}
# TRL calls them so in its other trainers of pairs.


class ScoreTrainer(RunTrainer, RewardTrainer):  # type: ignore[misc]  # TRL has no types
    """Learns to score the better answer of a pair higher."""

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        if "length" not in self._signature_columns:
            self._signature_columns += ["length"]

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log accuracy and margin under the names that they have with other methods."""
        for mode in self._metrics.values():
            for theirs, ours in _NAMES.items():
                if theirs in mode:
                    mode[ours] = mode.pop(theirs)
        super().log(logs, *args, **kwargs)


def score_trainer(
    job: Job, model: Any, tokenizer: Any, pairs: Sequence[EncodedPair], callbacks: list[TrainerCallback]
) -> Any:
    """Return the trainer of a reward model.

    Args:
        job: The run.
        model: A sequence classifier with one label.
        tokenizer: Saved beside checkpoints. Its padding token is replaced where it is one that ends answers.
        pairs: What to learn from.
        callbacks: Are told about steps and logs.

    Raises:
        FtarenaError: Every special token of the model ends answers.
    """
    rows: list[dict[str, Any]] = [
        {
            "chosen_ids": pair.prompt_ids + pair.chosen_ids,
            "rejected_ids": pair.prompt_ids + pair.rejected_ids,
            "length": pair.length,
        }
        for pair in pairs
    ]
    _pad_apart(tokenizer, {ids[-1] for row in rows for ids in (row["chosen_ids"], row["rejected_ids"])})
    config = RewardConfig(**shared_arguments(job))
    return ready(
        ScoreTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            callbacks=callbacks,
        ),
        job,
    )


def _pad_apart(tokenizer: Any, ends: set[int]) -> None:
    """Let a tokenizer pad with a token that ends no answer.

    transformers reads the score at the last token that is not padding. Where the end of a turn is the padding
    too (a habit of many tokenizers), that is the token before, while an engine reads it at the end of the
    turn.

    Raises:
        FtarenaError: There is no other special token.
    """
    if tokenizer.pad_token_id not in ends:
        return
    others = [token for token in tokenizer.all_special_ids if token not in ends]
    if not others:
        raise FtarenaError(
            f"every special token of the model ends answers ({', '.join(tokenizer.all_special_tokens)}), "
            "so none can pad",
            "use a base model with a padding token of its own",
        )
    unknown = tokenizer.unk_token_id
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(unknown if unknown in others else others[0])
