"""How well a reward model tells answers apart: how many held-out pairs it ranks right."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ftarena.curation.tokens import EncodedPair


def rank_pairs(
    model: Any,
    pairs: Sequence[EncodedPair],
    *,
    batch_size: int,
    bf16: bool,
    stop: Callable[[], bool],
    told: Callable[[int], None] = lambda count: None,
) -> float | None:
    """Return the share of pairs that are ranked right, or None where `stop` said so.

    Equal scores are half right: a model that scores everything alike knows as much as a coin (as with the
    area under the ROC curve, Hanley and McNeil 1982).

    Args:
        model: A sequence classifier with one label; its training mode is restored.
        pairs: At least one.
        batch_size: Answers a forward pass, at least 1.
        bf16: Whether to compute in bfloat16.
        stop: Asked before each batch.
        told: Called after each batch with how many pairs it scored.
    """
    device = next(model.parameters()).device
    # The score is read at the last token that is not this one.
    pad_id = model.config.get_text_config().pad_token_id
    size = max(batch_size // 2, 1)
    order = sorted(pairs, key=lambda pair: -pair.length)
    right = 0.0
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            for start in range(0, len(order), size):
                if stop():
                    return None
                batch = order[start : start + size]
                rows = [pair.prompt_ids + pair.chosen_ids for pair in batch]
                rows += [pair.prompt_ids + pair.rejected_ids for pair in batch]
                longest = max(map(len, rows))
                ids = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows], device=device)
                mask = torch.tensor(
                    [[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device
                )
                scores = model(input_ids=ids, attention_mask=mask).logits[:, 0].float()
                margins = scores[: len(batch)] - scores[len(batch) :]
                right += float((margins > 0).sum() + 0.5 * (margins == 0).sum())
                told(len(batch))
    finally:
        model.train(training)
    return right / len(pairs)
