"""LoRA's product without detours: what PEFT computes, in fewer passes over memory.

For a frozen weight W and an adapter (A, B), PEFT casts the input to float32, multiplies by A, by B, scales,
adds and casts back; each is a pass over all activations. Here the input is read as it is, the adapter's
weights are cast instead (they are a thousandth of the size), and the low-rank part is added to the product in
its own dtype. The backward pass likewise adds to the gradient of the frozen product; that may be in 8 bits.

Hu et al. 2021, arXiv 2106.09685, section 4.1: y = W x + (alpha / r) B A x.
"""

import types
from typing import Any

import torch
from peft.tuners.lora import layer as peft_lora

from ftarena.training.worker.speed.fp8 import EightBitLinear, FrozenWeight, fits, scaled_product


class _LoraProduct(torch.autograd.Function):  # type: ignore[misc]  # torch is not followed by mypy
    """y = x Wᵀ + b + s (x Aᵀ) Bᵀ, with gradients for x, A and B only."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,  # (..., n_in)
        weight: torch.Tensor | None,  # (n_out, n_in), frozen; None where it is there in 8 bits
        bias: torch.Tensor | None,  # (n_out,), frozen
        down: torch.Tensor,  # A: (rank, n_in)
        up: torch.Tensor,  # B: (n_out, rank)
        scale: float,
        rows8: torch.Tensor | None,
        row_scales: torch.Tensor | None,
        columns8: torch.Tensor | None,
        column_scales: torch.Tensor | None,
    ) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1])
        dtype = x.dtype
        inner = rows @ down.to(dtype).t()  # (n, rank)
        if rows8 is None or row_scales is None:
            out = torch.nn.functional.linear(rows, weight, bias)
        else:
            out = scaled_product(rows, rows8, row_scales)
            out = out if bias is None else out + bias
        out = out + inner @ (up * scale).to(dtype).t()
        if columns8 is None:
            ctx.save_for_backward(rows, weight, down, up, inner)
        else:
            ctx.save_for_backward(rows, columns8, down, up, inner, column_scales)
        ctx.scale = scale
        return out.view(*x.shape[:-1], out.shape[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight, down, up, inner, *scales = ctx.saved_tensors
        (gradient,) = gradients
        dtype = rows.dtype
        given = gradient.reshape(-1, gradient.shape[-1])  # (n, n_out)
        through = given @ (up * ctx.scale).to(dtype)  # (n, rank)
        d_down = (through.t() @ rows).to(down.dtype)
        d_up = (given.t() @ inner).to(up.dtype) * ctx.scale
        d_x = None
        if ctx.needs_input_grad[0]:
            frozen = scaled_product(given, weight, scales[0]) if scales else given @ weight
            d_x = (frozen + through @ down.to(dtype)).view(*gradient.shape[:-1], rows.shape[1])
        return d_x, None, None, d_down, d_up, None, None, None, None, None


def lora_product(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    down: torch.Tensor,
    up: torch.Tensor,
    scale: float,
    eight: FrozenWeight | None = None,
) -> torch.Tensor:
    """Return `x @ weight.T + bias + scale * (x @ down.T) @ up.T`, with gradients for x, down and up.

    Args:
        x: (..., n_in), in the dtype of `weight`.
        weight: (n_out, n_in), frozen. None: `eight` stands for it.
        bias: (n_out,), frozen.
        down: (rank, n_in), any floating dtype.
        up: (n_out, rank).
        scale: alpha / rank, or whatever the adapter's scaling is.
        eight: The weight in 8 bits.
    """
    layouts = (eight.rows, eight.row_scales, eight.columns, eight.column_scales) if eight else (None,) * 4
    result: torch.Tensor = _LoraProduct.apply(x, weight, bias, down, up, scale, *layouts)
    return result


def shorten_lora(model: Any, *, fp8: bool = False) -> int:
    """Let the LoRA layers of a PEFT model compute their product this way; return how many do.

    Left as they are: layers with dropout, DoRA and its like, quantised or trainable bases. A layer whose
    adapter is switched off, merged, or not alone takes PEFT's way at that call.

    Args:
        model: PEFT model with a trainable adapter.
        fp8: Compute the products with frozen weights in 8 bits.
    """
    shortened = 0
    for module in model.modules():
        if type(module) is peft_lora.Linear and _eligible(module):
            if fp8 and fits(module.base_layer.weight):
                module.base_layer = EightBitLinear(module.base_layer)
            module.forward = types.MethodType(_forward, module)
            shortened += 1
    return shortened


def _eligible(module: Any) -> bool:
    base = module.base_layer
    return (
        type(base) is torch.nn.Linear
        and not base.weight.requires_grad
        and base.weight.is_floating_point()
        and not module.lora_variant
        and not any(module.use_dora.values())
        and not any(module.lora_bias.values())
        and not module.fan_in_fan_out
        and all(isinstance(dropout, torch.nn.Identity) for dropout in module.lora_dropout.values())
    )


def _forward(self: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    active = self.active_adapters
    usual = self.disable_adapters or self.merged or args or kwargs or len(active) != 1
    if usual or active[0] not in self.lora_A:
        plain: torch.Tensor = peft_lora.Linear.forward(self, x, *args, **kwargs)
        return plain
    name, base = active[0], self.base_layer
    down, up, scale = self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name]
    if isinstance(base, EightBitLinear):
        return lora_product(base.cast(x), None, base.bias, down, up, scale, base.frozen)
    return lora_product(x.to(base.weight.dtype), base.weight, base.bias, down, up, scale)
