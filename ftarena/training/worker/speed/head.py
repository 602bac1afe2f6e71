"""The language-model head on a GPU: log-probabilities in pieces, with the gradient made on the way.

The logits of 8,000 tokens over a vocabulary of 152,000 are 5 GB in float32. They are computed for a piece
of the learned positions at a time; since the head is frozen, each piece's share of the gradient is computed
there and then, so no logits are kept and none are computed twice (two products instead of three).
"""

import functools
import types
from typing import Any

import torch
from trl.trainer.utils import FusedCausalLMOutput

from ftarena.training.worker.compact_head import scales_logits

_PIECE_BYTES = 400_000_000
# Of float32 logits at a time.


class _PiecewiseLogProbs(torch.autograd.Function):  # type: ignore[misc]  # torch is not followed by mypy
    """log p(target) of each position, and whether the target is the likeliest token."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        n, vocabulary = hidden.shape[0], weight.shape[0]
        piece = max(_PIECE_BYTES // (4 * vocabulary), 16)
        log_probs = torch.empty(n, dtype=torch.float32, device=hidden.device)
        top = torch.empty(n, dtype=torch.bool, device=hidden.device)
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else None
        for start in range(0, n, piece):
            rows = slice(start, start + piece)
            logits = hidden[rows] @ weight.t()
            log_probs[rows], top[rows], slope = _score(logits, targets[rows])
            if gradient is not None:
                torch.mm(slope, weight, out=gradient[rows])
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(top)
        return log_probs, top

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        if slope is None:
            return None, None, None
        return (gradients[0][:, None] * slope).to(slope.dtype), None, None


def _score_plainly(
    logits: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return log p(target), whether it is the likeliest, and d log p / d logits as the logits' dtype."""
    exact = logits.float()
    norm = torch.logsumexp(exact, dim=-1, keepdim=True)
    chosen = exact.gather(1, targets[:, None])
    is_target = torch.arange(logits.shape[-1], device=logits.device) == targets[:, None]
    slope = is_target.float() - torch.exp(exact - norm)
    return (chosen - norm)[:, 0], chosen[:, 0] >= exact.amax(dim=-1), slope.to(logits.dtype)


_compiled_score = torch.compile(_score_plainly, dynamic=True)


def _score(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    # On a GPU one kernel reads the logits twice and writes the slope; plainly it is eight passes over them.
    return _compiled_score(logits, targets) if logits.is_cuda else _score_plainly(logits, targets)


def piecewise_log_probs(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log p(target) and whether the target is the likeliest token, for each position.

    Args:
        hidden: (n, width), what the head is given.
        weight: (vocabulary, width), frozen.
        targets: (n,) int64.

    Returns:
        (n,) float32, differentiable in `hidden`, and (n,) bool.
    """
    found: tuple[torch.Tensor, torch.Tensor] = _PiecewiseLogProbs.apply(hidden, weight, targets)
    return found


def add_piecewise_head(model: Any) -> bool:
    """Let a model that TRL has given its fused head use this one instead.

    Args:
        model: The causal language model inside the PEFT model.

    Returns:
        Whether it does; False where the model scales its logits, or the head has a bias or is trained.
    """
    head = model.get_output_embeddings()
    if scales_logits(model) or getattr(head, "bias", None) is not None or head.weight.requires_grad:
        return False
    fused = model.forward

    @functools.wraps(type(model).forward)  # `generate` checks its arguments against the signature
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **kwargs: Any) -> Any:
        if not fused_lm_head or labels is None or "shift_labels" in kwargs:
            return fused(*args, fused_lm_head=fused_lm_head, labels=labels, **kwargs)
        n_items = kwargs.pop("num_items_in_batch", None)
        kwargs["use_cache"] = False
        targets = labels[:, 1:]  # (batch, length - 1)
        mask = targets != -100
        hidden = self.base_model(*args, **kwargs).last_hidden_state[:, :-1]
        weight = self.get_output_embeddings().weight
        learned = hidden[mask].to(weight.dtype)
        with torch.autocast(hidden.device.type, enabled=False):
            chosen, top = piecewise_log_probs(learned, weight, targets[mask])
        placed = torch.zeros(mask.shape, dtype=chosen.dtype, device=mask.device).masked_scatter(mask, chosen)
        zeros = torch.zeros_like(placed)
        with torch.no_grad():  # the mean over the vocabulary is a product with the mean row of the head
            mean = (learned @ weight.mean(dim=0)).to(placed.dtype)
        return FusedCausalLMOutput(
            loss=-chosen.sum() / (mask.sum().clamp(min=1) if n_items is None else n_items),
            log_probs=placed,
            entropy=zeros,  # a curve in the log that costs a pass over the vocabulary: never reported
            mean_logits=zeros.masked_scatter(mask, mean),
            is_top1=torch.zeros_like(mask).masked_scatter(mask, top),
            label_mask=mask,
        )

    model.forward = types.MethodType(forward, model)
    return True
