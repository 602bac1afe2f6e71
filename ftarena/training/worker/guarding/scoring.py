"""How surprised the model is by answers: the loss of each example, in nats per answer token.

End-of-turn tokens count, prompts do not: the same quantity as `ftarena.evaluation` asks an engine for. Logits
are made for answer tokens only, a bounded piece at a time, and none is kept: accumulated logits are what
makes evaluation run out of memory where training fits. The longest examples come first, so that what does
not fit into memory fails before the first step and not in the night.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from peft import PeftModel

from ftarena.curation.tokens import IGNORED, Encoded
from ftarena.scoring.paired import MeasuredLosses
from ftarena.training.worker.compact_head import scales_logits

MAX_LOGIT_BYTES = 256_000_000
"""Largest piece of logits at a time, in float32."""

Look = Callable[[Any], None]
"""Is given the log-probabilities of some answer tokens, (n, vocabulary) float32, always in the same order."""


def score_answers(
    model: Any,
    examples: Sequence[Encoded],
    *,
    batch_size: int,
    pad_id: int,
    bf16: bool,
    stop: Callable[[], bool],
    look: Look | None = None,
    told: Callable[[int], None] = lambda count: None,
) -> MeasuredLosses | None:
    """Return the loss of each example, or None where `stop` said so.

    Args:
        model: A causal language model, with or without adapters; its training mode is restored.
        examples: Encoded examples with their labels.
        batch_size: Examples a forward pass.
        pad_id: Token that fills up shorter examples.
        bf16: Whether to compute in bfloat16.
        stop: Asked before each batch.
        look: Looks at every distribution on the way.
        told: Called after each batch with how many examples it scored.
    """
    order = sorted(range(len(examples)), key=lambda index: (-len(examples[index].input_ids), index))
    causal = model.get_base_model() if isinstance(model, PeftModel) else model
    device = next(model.parameters()).device
    sums = [0.0] * len(examples)
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            # A scaled head is asked through the model's own forward, an example at a time.
            size = 1 if scales_logits(causal) else batch_size
            for start in range(0, len(order), size):
                if stop():
                    return None
                batch = [examples[index] for index in order[start : start + size]]
                for rows, log_probs, targets in _pieces(causal, batch, pad_id, device):
                    if look is not None:
                        look(log_probs)
                    chosen = log_probs.gather(1, targets[:, None])[:, 0].double()
                    found = torch.zeros(len(batch), dtype=torch.float64, device=device)
                    for row, value in enumerate(found.index_add_(0, rows, chosen).tolist()):
                        sums[order[start + row]] -= value
                told(len(batch))
    finally:
        model.train(training)
    tokens = tuple(max(sum(label != IGNORED for label in one.labels[1:]), 1) for one in examples)
    return MeasuredLosses(tuple(total / count for total, count in zip(sums, tokens, strict=True)), tokens)


def _pieces(
    causal: Any, batch: Sequence[Encoded], pad_id: int, device: Any
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield rows (n,) int64, log-probabilities (n, vocabulary) float32 and targets (n,) of answer tokens."""
    longest = max(len(one.input_ids) for one in batch)
    ids = _padded([one.input_ids for one in batch], longest, pad_id, device)
    mask = _padded([[1] * len(one.input_ids) for one in batch], longest, 0, device)
    targets = _padded([one.labels for one in batch], longest, IGNORED, device)[:, 1:]
    learned = targets != IGNORED  # (batch, longest - 1)
    rows = learned.nonzero()[:, 0]
    if scales_logits(causal):
        places = learned[0].nonzero()[:, 0]
        logits = causal(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=places).logits[0]
        yield rows, torch.log_softmax(logits.float(), dim=-1), targets[learned]
        return
    hidden = causal.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    hidden, wanted = hidden[:, :-1][learned], targets[learned]
    head = causal.get_output_embeddings()
    most = max(MAX_LOGIT_BYTES // (4 * causal.config.get_text_config().vocab_size), 1)
    for begin in range(0, len(wanted), most):
        piece = slice(begin, begin + most)
        yield rows[piece], torch.log_softmax(head(hidden[piece]).float(), dim=-1), wanted[piece]


def _padded(rows: Sequence[Sequence[int]], length: int, value: int, device: Any) -> Any:
    return torch.tensor([[*row, *([value] * (length - len(row)))] for row in rows], device=device)
