"""Learning from pairs without a reference: ORPO, CPO and SimPO.

These trainers are experimental in TRL 1.16. Their losses are used as they are; what goes in is ours. They
would tokenise once more, compute logits of every position over the whole vocabulary, prompts included (5 GB
for a pair of 2,048 tokens and 152,000 words), and ORPO would also learn the prompts. Here the rows come
tokenised, and the log-probabilities of the answers' tokens from the head that the other methods use.
"""

import os
from collections.abc import Sequence
from typing import Any

import torch
from transformers import TrainerCallback
from trl.trainer.utils import add_fused_lm_head

from ftarena.curation.tokens import IGNORED, EncodedPair
from ftarena.training.worker.job import Job
from ftarena.training.worker.trainers.shared import RunTrainer, pair_rows, ready, shared_arguments

# That they are experimental is for us to know (their versions are pinned), not for the user to read.
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer


class _FromTokens(RunTrainer):
    """What both have in common: rows as they are, log-probabilities from the fused head."""

    averages: bool
    """Whether an answer's log-probability is the mean of its tokens', not their sum."""

    seen: Any = 0
    """Tokens trained on; a tensor where the model is, so that counting waits for nothing."""

    def tokenize_row(self, feature: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a row as it is: it comes tokenised."""
        return feature

    def concatenated_forward(self, model: Any, batch: Any) -> tuple[torch.Tensor, ...]:
        """Return what the loss is made of.

        Args:
            model: The one in training.
            batch: `chosen_` and `rejected_` `input_ids`, `attention_mask` and `labels`, (batch, length) each.

        Returns:
            Log-probabilities of the chosen and the rejected answers (batch,), for the log the mean logits of
            both (n_tokens,), the mean loss per token of the chosen answers (), and of a mixture of experts
            its own loss ().
        """
        both = self.concatenated_inputs(  # type: ignore[attr-defined]  # TRL's
            batch,
            padding_value=self.processing_class.pad_token_id,  # type: ignore[attr-defined]  # transformers'
            device=self.accelerator.device,  # type: ignore[attr-defined]  # transformers'
        )
        n_chosen = batch["chosen_labels"].shape[0]
        output = model(
            input_ids=both["concatenated_input_ids"],
            attention_mask=both["concatenated_attention_mask"],
            labels=both["concatenated_labels"],
            fused_lm_head=True,
        )
        self.seen = self.seen + both["concatenated_attention_mask"].sum()
        mask = both["concatenated_labels"][:, 1:] != IGNORED
        sums, counts = output.log_probs.sum(dim=1), mask.sum(dim=1)
        log_probs = sums / counts if self.averages else sums
        loss = -sums[:n_chosen].sum() / counts[:n_chosen].sum()
        means = [output.mean_logits[part][mask[part]] for part in (slice(n_chosen), slice(n_chosen, None))]
        aux = (output.aux_loss,) if getattr(self, "aux_loss_enabled", False) else ()
        return (log_probs[:n_chosen], log_probs[n_chosen:], *means, loss, *aux)

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log the tokens trained on as well, as TRL's stable trainers do."""
        if "loss" in logs:
            logs["num_tokens"] = float(self.seen)
        super().log(logs, *args, **kwargs)  # type: ignore[misc]  # transformers'


class OddsTrainer(_FromTokens, ORPOTrainer):  # type: ignore[misc]  # TRL has no types
    """Odds-ratio preference optimisation (arXiv 2403.07691) on pairs that are already tokenised."""

    averages = True


class ContrastTrainer(_FromTokens, CPOTrainer):  # type: ignore[misc]  # TRL has no types
    """Contrastive preference optimisation (arXiv 2401.08417), or SimPO (2405.14734), on tokenised pairs."""

    @property
    def averages(self) -> bool:  # type: ignore[override]  # a constant there
        """SimPO takes the mean, CPO the sum."""
        return bool(self.loss_type == "simpo")


class PairCollator:
    """Pads pairs to one length a side.

    Args:
        pad_id: Fills up shorter answers.
    """

    def __init__(self, pad_id: int) -> None:
        self._pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return `input_ids`, `attention_mask` and `labels` (batch, length) of both sides."""
        batch: dict[str, Any] = {}
        for side in ("chosen", "rejected"):
            answers = [row[f"{side}_ids"] for row in rows]
            longest = max(
                len(row["prompt_ids"]) + len(answer) for row, answer in zip(rows, answers, strict=True)
            )
            ids, labels, attention = [], [], []
            for row, answer in zip(rows, answers, strict=True):
                prompt = row["prompt_ids"]
                left = longest - len(prompt) - len(answer)
                ids.append([*prompt, *answer, *[self._pad_id] * left])
                labels.append([*[IGNORED] * len(prompt), *answer, *[IGNORED] * left])
                attention.append([1] * (longest - left) + [0] * left)
            batch[f"{side}_input_ids"] = torch.tensor(ids)
            batch[f"{side}_labels"] = torch.tensor(labels)
            batch[f"{side}_attention_mask"] = torch.tensor(attention)
        return batch


def reference_free_trainer(
    job: Job, model: Any, tokenizer: Any, pairs: Sequence[EncodedPair], callbacks: list[TrainerCallback]
) -> Any:
    """Return the trainer of a preference run without a reference.

    Args:
        job: The run.
        model: With the weights that learn.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        pairs: What to learn from.
        callbacks: Are told about steps and logs.
    """
    recipe = job.recipe
    arguments = shared_arguments(job) | {"remove_unused_columns": False}
    kind: Any = OddsTrainer
    config: Any = None
    if recipe.method == "orpo":
        config = ORPOConfig(**arguments, beta=recipe.beta)
    else:
        kind = ContrastTrainer
        simpo = recipe.method == "simpo"
        alpha = recipe.cpo_alpha if recipe.cpo_alpha is not None else 1.0
        config = CPOConfig(
            **arguments,
            beta=recipe.beta,
            loss_type="simpo" if simpo else "sigmoid",
            cpo_alpha=0.0 if simpo else alpha,
            simpo_gamma=recipe.simpo_gamma or 0.0,
        )
    inner = model.get_base_model() if recipe.has_adapter else model
    add_fused_lm_head(inner, outputs=("log_probs", "mean_logits"))
    return ready(
        kind(
            model=model,
            args=config,
            data_collator=PairCollator(tokenizer.pad_token_id),
            train_dataset=pair_rows(pairs),
            processing_class=tokenizer,
            callbacks=callbacks,
        ),
        job,
    )
