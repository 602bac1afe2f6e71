"""Held-out loss: how surprised the model is by answers it was never trained on.

The mean over all answer tokens, in nats, end-of-turn token included: the same quantity as
`ftarena.evaluation` asks an engine for. Only the loss is kept, never the logits: accumulated logits are what
makes evaluation run out of memory where training fits.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ftarena.curation.tokens import IGNORED, Encoded


def heldout_loss(
    model: Any,
    examples: Sequence[Encoded],
    *,
    batch_size: int,
    pad_id: int,
    bf16: bool,
    stop: Callable[[], bool],
) -> float | None:
    """Return the mean loss per answer token, or None where `stop` said so or there are no tokens.

    Args:
        model: The PEFT model that TRL has given its fused head; its training mode is restored.
        examples: Encoded examples with their labels.
        batch_size: Examples a forward pass; they are taken in the order of their length.
        pad_id: Token that fills up shorter examples.
        bf16: Whether to compute in bfloat16.
        stop: Asked before each batch.
    """
    ordered = sorted(examples, key=lambda example: len(example.input_ids))
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    total, tokens = 0.0, 0
    try:
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            for start in range(0, len(ordered), batch_size):
                if stop():
                    return None
                batch = ordered[start : start + batch_size]
                longest = len(batch[-1].input_ids)
                output = model(
                    input_ids=_pad([one.input_ids for one in batch], longest, pad_id, device),
                    attention_mask=_pad([[1] * len(one.input_ids) for one in batch], longest, 0, device),
                    labels=_pad([one.labels for one in batch], longest, IGNORED, device),
                    use_cache=False,
                    fused_lm_head=True,
                )
                total -= output.log_probs.double().sum().item()
                tokens += int(output.label_mask.sum())
    finally:
        model.train(training)
    return total / tokens if tokens else None


def _pad(rows: Sequence[Sequence[int]], length: int, value: int, device: Any) -> Any:
    return torch.tensor([[*row, *([value] * (length - len(row)))] for row in rows], device=device)
