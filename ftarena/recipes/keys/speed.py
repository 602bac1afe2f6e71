"""What trades memory for time, and neither for the result."""

from typing import Annotated, Literal

from pydantic import Field

from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Number, Text


class SpeedKeys(KeyGroup):
    """Memory and time; the loss curve stays the same."""

    packing: bool = False
    """SFT: put several examples into one row of `max_length`. They never see each other: attention is told
    where each begins."""

    attn_implementation: Text | None = None
    """Which attention transformers uses; its own choice (sdpa) unless set."""

    gradient_checkpointing: bool | None = None
    """Save memory by computing activations twice (about 25 % slower). Default: on a GPU yes, on a CPU no."""

    torch_compile: bool | None = None
    """Compile each decoder layer (10 s once, then 15 to 25 % faster). Default: on a GPU, where the run is
    long enough to win it back. With `base_precision: fp8` only packed rows are compiled."""

    activation_memory_budget: Annotated[Number, Field(gt=0, le=1)] | None = None
    """With `torch_compile`: share of a layer's activations that is kept for the way back; the rest is
    computed again, the cheapest first. Replaces `gradient_checkpointing`."""

    bf16: bool | None = None
    """Compute in bfloat16. Default: on a GPU that can, yes; on a CPU no, since without AMX or AVX512-bf16 a
    step takes ten times as long."""

    use_liger_kernel: bool | None = None
    """Liger's fused GPU kernels for the layers. Default: where `liger-kernel` is installed and a GPU is
    there."""

    base_precision: Literal["bf16", "fp8"] = "bf16"
    """Number format in which products with the frozen weights are computed; `fp8` needs a GPU of the Hopper
    generation or later."""
