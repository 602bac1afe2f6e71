"""Products with frozen weights in 8-bit floating point, on GPUs that have it (Hopper and later).

Only the two products of a frozen linear layer are touched: its output and the gradient of its input. Each
row of activations and each row (or column) of a weight has a scale of its own, so one outlier spoils one row
only; sums are kept in float32 and given back in bfloat16. Adapters, norms, attention and the head stay as
they are.
Format: Micikevicius et al. 2022, arXiv 2209.05433 (e4m3, largest value 448).
"""

from dataclasses import dataclass
from typing import Any

import torch

_LARGEST = 448.0
_SMALLEST_SCALE = 1e-12
_MULTIPLE = 16
# The hardware's product wants both sizes of a weight divisible by this.


@dataclass(frozen=True)
class FrozenWeight:
    """A frozen weight in the two layouts that its products want: two bytes a weight, as bfloat16 has."""

    rows: torch.Tensor
    """(n_out, n_in) e4m3."""

    row_scales: torch.Tensor
    """(n_out, 1) float32."""

    columns: torch.Tensor
    """(n_in, n_out) e4m3."""

    column_scales: torch.Tensor
    """(n_in, 1) float32."""

    @classmethod
    def of(cls, weight: torch.Tensor) -> "FrozenWeight":
        """Return a (n_out, n_in) weight quantised along either side."""
        return cls(*quantise(weight), *quantise(weight.t().contiguous()))


def quantise(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (n, k) values in e4m3 and the (n, 1) float32 scales that give them back by multiplication."""
    exact = values.float()
    scale = exact.abs().amax(dim=-1, keepdim=True).clamp(min=_SMALLEST_SCALE) / _LARGEST
    return (exact / scale).clamp(-_LARGEST, _LARGEST).to(torch.float8_e4m3fn), scale


def scaled_product(x: torch.Tensor, weight: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Return x @ weight.T in the dtype of x.

    Args:
        x: (n, k), on a GPU bfloat16.
        weight: (m, k) e4m3.
        scales: (m, 1) float32.
    """
    exact, x_scales = quantise(x)
    if not x.is_cuda:  # the same numbers in float32: what tests, and curves without a GPU, are held against
        return ((exact.float() @ weight.float().t()) * x_scales * scales.t()).to(x.dtype)
    product: torch.Tensor = torch._scaled_mm(
        exact,
        weight.t(),
        scale_a=x_scales,
        scale_b=scales.t(),
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )
    return product


class EightBitLinear(torch.nn.Module):  # type: ignore[misc]  # torch is not followed by mypy
    """A frozen linear layer whose weight is there in 8 bits only.

    Args:
        layer: The layer to replace; on a GPU in bfloat16.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        frozen = FrozenWeight.of(layer.weight.data)
        for name in ("rows", "row_scales", "columns", "column_scales"):
            self.register_buffer(name, getattr(frozen, name), persistent=False)
        self.bias = layer.bias

    @property
    def frozen(self) -> FrozenWeight:
        """The weight in its two layouts."""
        return FrozenWeight(self.rows, self.row_scales, self.columns, self.column_scales)

    def cast(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input in the dtype that products take and give: on a GPU bfloat16."""
        return x.to(torch.bfloat16) if x.is_cuda else x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x @ weight.T + bias: what the layer computes where its adapter is switched off."""
        x = self.cast(x)
        found = scaled_product(x.reshape(-1, x.shape[-1]), self.rows, self.row_scales)
        found = found if self.bias is None else found + self.bias
        return found.view(*x.shape[:-1], self.out_features)


def fits(weight: Any) -> bool:
    """Return whether the hardware can multiply by a weight of this shape."""
    right = weight.dtype is torch.bfloat16 or not weight.is_cuda
    return right and all(size % _MULTIPLE == 0 for size in weight.shape)
