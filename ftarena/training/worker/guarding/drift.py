"""How far the model has moved from what it was: KL divergence per token over the general answers.

The estimator is KL(now ‖ start) of the distributions over the next token, averaged over the answer tokens of
the general set, nats per token; it is the penalty of preference learning (Stiennon et al. 2020,
arXiv 2009.01325) with the reference answers as contexts. Of the start only the `TOP` likeliest tokens of each
distribution are kept, and the mass of all others as one: merging outcomes never raises a divergence (log-sum
inequality; Cover & Thomas, *Elements of Information Theory*, 2nd ed., theorem 2.7.1), so the figure is a
lower bound, and a close one where the start was sure of its words. So every tuning is measured alike, full
ones too, at no cost of a second model, and a run that is resumed knows where it began.
"""

from typing import Any

import torch

TOP = 256
"""Tokens of each distribution that are kept apart."""

MOST_POSITIONS = 4096
"""Answer tokens looked at, those of the longest answers first: 8 MB on disk."""

_LEAST = 1e-12


class Drift:
    """Compares distributions with those of the start; the first look of a run is the start.

    Args:
        start: What `tensors` returned; empty before the first look.
    """

    def __init__(self, start: dict[str, Any] | None = None) -> None:
        self._start = start or {}
        self._ids: list[Any] = []
        self._log_probs: list[Any] = []
        self._position = 0
        self._total = 0.0

    @property
    def begun(self) -> bool:
        """Whether the start is known."""
        return bool(self._start)

    def tensors(self) -> dict[str, Any]:
        """Return what is known of the start: `ids` (n, top) int32 and `log_probs` (n, top) float32."""
        return self._start

    def begin(self) -> None:
        """Forget the last look."""
        self._ids, self._log_probs, self._position, self._total = [], [], 0, 0.0

    def look(self, log_probs: Any) -> None:
        """Take in some distributions, in the order in which they came at the start.

        Args:
            log_probs: (n, vocabulary) float32.
        """
        log_probs = log_probs[: MOST_POSITIONS - self._position]
        begin, self._position = self._position, self._position + len(log_probs)
        if not len(log_probs):
            return
        if not self.begun:
            values, ids = log_probs.topk(min(TOP, log_probs.shape[-1]), dim=-1)
            self._ids.append(ids.int().cpu())
            self._log_probs.append(values.cpu())
            return
        ids = self._start["ids"][begin : self._position].to(log_probs.device, torch.int64)
        before = self._start["log_probs"][begin : self._position].to(log_probs.device).double()
        now = log_probs.gather(1, ids).double()
        rest_now, rest_before = _rest(now), _rest(before)
        kept = (now.exp() * (now - before)).sum(-1)
        self._total += float((kept + rest_now * (rest_now.log() - rest_before.log())).sum())

    def end(self) -> float:
        """Return the divergence of the last look in nats per token; 0 where it was the start."""
        if not self.begun:
            self._start = {"ids": torch.cat(self._ids), "log_probs": torch.cat(self._log_probs)}
            return 0.0
        return max(self._total / self._position, 0.0)  # below 0 only by rounding


def _rest(log_probs: Any) -> Any:
    """Return the probability of all tokens that are not kept, (n,) float64."""
    return (1.0 - log_probs.exp().sum(-1)).clamp_min(_LEAST)
