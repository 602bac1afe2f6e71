"""The language-model head on a CPU: only where there is something to learn, and each product once.

TRL 1.16 computes log-probabilities in tiles that bound memory on a GPU. Without Triton it scores every
position, prompts included, keeps running statistics in several passes over the vocabulary and computes the
logits again for the gradient. For a 135M model with a vocabulary of 49k the head is a fifth of the
parameters, so that costs a third of a training step. Here the logits of the learned positions are simply
kept; above `MAX_LOGIT_BYTES`, or where a model scales its logits, TRL's way is taken.
"""

import functools
import types
from typing import Any

import torch
from trl.trainer.utils import FusedCausalLMOutput

MAX_LOGIT_BYTES = 1_000_000_000

_SCALED = (
    "final_logit_softcapping",
    "logit_scale",
    "output_multiplier",
    "lm_head_multiplier",
    "logits_scaling",
)
# Config keys by which models scale their logits (the list in TRL's add_fused_lm_head).


def add_compact_head(model: Any) -> bool:
    """Let a model that TRL has given its fused head use the compact one instead.

    Args:
        model: The causal language model inside the PEFT model.

    Returns:
        Whether it does; False where the model scales its logits or has a bias in the head.
    """
    config = model.config.get_text_config()
    head = model.get_output_embeddings()
    if scales_logits(model) or getattr(head, "bias", None) is not None:
        return False
    tiled = model.forward

    @functools.wraps(type(model).forward)  # `generate` checks its arguments against the signature
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **kwargs: Any) -> Any:
        if not fused_lm_head or labels is None or "shift_labels" in kwargs:
            return tiled(*args, fused_lm_head=fused_lm_head, labels=labels, **kwargs)
        targets = labels[:, 1:]  # (batch, length - 1)
        mask = targets != -100
        if int(mask.sum()) * config.vocab_size * 4 > MAX_LOGIT_BYTES:
            return tiled(*args, fused_lm_head=True, labels=labels, **kwargs)
        n_items = kwargs.pop("num_items_in_batch", None)
        kwargs["use_cache"] = False
        hidden = self.base_model(*args, **kwargs).last_hidden_state[:, :-1]
        logits = self.get_output_embeddings()(hidden[mask]).float()  # (n_learned, vocabulary)
        log_probs = torch.log_softmax(logits, dim=-1)
        chosen = log_probs.gather(1, targets[mask][:, None])[:, 0]
        with torch.no_grad():
            is_top1 = logits.argmax(dim=-1) == targets[mask]
            mean_logits = logits.mean(dim=-1)
        placed = torch.zeros(mask.shape, dtype=chosen.dtype).masked_scatter(mask, chosen)
        return FusedCausalLMOutput(
            loss=-chosen.sum() / (max(int(mask.sum()), 1) if n_items is None else n_items),
            log_probs=placed,
            # Only a curve in the log, but a pass over the whole vocabulary: not computed, never reported.
            entropy=torch.zeros_like(placed),
            mean_logits=torch.zeros_like(placed).masked_scatter(mask, mean_logits),
            is_top1=torch.zeros_like(mask).masked_scatter(mask, is_top1),
            label_mask=mask,
        )

    model.forward = types.MethodType(forward, model)
    return True


def scales_logits(model: Any) -> bool:
    """Return whether a model bends or scales what its head computes, as Gemma and Granite do."""
    config = model.config.get_text_config()
    return any(getattr(config, key, None) is not None for key in _SCALED)
