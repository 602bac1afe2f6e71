"""Decoder layers as compiled graphs: fewer kernels, and a choice of what is kept for the way back.

Each layer is compiled by itself: all are alike, so one compilation serves all, and what lies between them
(gradient checkpointing, PEFT, hooks) works as ever. The budget decides how much of what a layer computes is
kept for its backward pass; the rest is computed again, the cheapest first (a knapsack over the graph, by
torch's partitioner; the idea is that of Chen et al. 2016, arXiv 1604.06174).
"""

from typing import Any

import torch
import torch._dynamo
import torch._functorch.config


def decoder_layers(model: Any) -> list[Any]:
    """Return the decoder layers of a causal language model, first to last; empty where they are not found.

    Args:
        model: The causal language model, with or without adapters, not the PEFT model around it.
    """
    inner = getattr(model, "model", None)
    layers = getattr(inner, "layers", None)
    return list(layers) if isinstance(layers, torch.nn.ModuleList) else []


def compile_layers(model: Any, *, budget: float | None, dynamic: bool) -> int:
    """Compile each decoder layer; return how many.

    Args:
        model: The causal language model.
        budget: Share of a layer's activations that is kept for the backward pass, above 0, at most 1. None:
            torch's own choice, all that is dear to compute.
        dynamic: Whether batches have different shapes. One compilation then serves all lengths.
    """
    if budget is not None:
        torch._functorch.config.activation_memory_budget = budget
    # Training, measuring and a switched-off adapter are one variant each, in two shapes.
    torch._dynamo.config.cache_size_limit = max(torch._dynamo.config.cache_size_limit, 32)
    layers = decoder_layers(model)
    for layer in layers:
        layer.forward = torch.compile(layer.forward, dynamic=dynamic)
    return len(layers)
