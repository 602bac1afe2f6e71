"""Attention over packed rows: each example sees itself only, and nothing is computed between examples.

A packed batch is one long row; `cu_seq_lens_q` says where each example begins (transformers' name and form:
cumulative lengths, int32, (n_examples + 1,)). FlashAttention takes that directly. Batches without it, those
of a measurement or of `generate`, go through torch's scaled dot product as ever.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "ftarena_varlen"
"""What `attn_implementation` says where this is used."""

_packed = False
# Whether the batch under way is packed. Set by the hook below: mask functions are not told.


def register() -> None:
    """Make the implementation known to transformers; harmless when repeated."""
    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _mask)


def watch(model: Any) -> None:
    """Let the model say for each batch whether it is packed.

    Args:
        model: The transformer below the language-model head.
    """
    model.register_forward_pre_hook(_before, with_kwargs=True)


def _before(module: Any, args: Any, kwargs: Any) -> None:
    global _packed
    _packed = kwargs.get("cu_seq_lens_q") is not None


def _mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    return None if _packed else sdpa_mask(*args, **kwargs)


def _attend(
    module: Any,
    query: torch.Tensor,  # (1, heads, n, head_dim)
    key: torch.Tensor,  # (1, key_value_heads, n, head_dim)
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    if cu_seq_lens_q is None or max_length_q is None:
        out, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return out, None
    n = query.shape[2]
    # The kernel itself takes fewer heads of keys, but torch 2.11 cannot count its operations then, which an
    # activation budget needs (AssertionError in sdpa_flop_count).
    groups = query.shape[1] // key.shape[1]
    attended = torch.ops.aten._flash_attention_forward(
        query[0].transpose(0, 1),
        key[0].repeat_interleave(groups, dim=0).transpose(0, 1),
        value[0].repeat_interleave(groups, dim=0).transpose(0, 1),
        cu_seq_lens_q,
        cu_seq_lens_q,
        max_length_q,
        max_length_q,
        0.0,
        True,
        False,
        scale=scaling,
    )[0]  # (n, heads, head_dim)
    return attended.reshape(1, n, *attended.shape[1:]), None
