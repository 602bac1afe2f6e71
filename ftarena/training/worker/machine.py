"""What the machine decides about a run: device, number format, checkpointing, threads."""

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

import torch

from ftarena import hardware
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe


@dataclass(frozen=True)
class Machine:
    """What the machine decides about a run."""

    device: str
    """`cuda` or `cpu`."""

    bf16: bool
    gradient_checkpointing: bool
    threads: int
    """CPU threads of torch."""

    compile: bool | None = None
    """Whether decoder layers are compiled; None: where the run is long enough to win it back."""

    activation_budget: float | None = None
    """Share of a compiled layer's activations that is kept for the backward pass."""

    short_lora: bool = False
    """Whether LoRA's product is computed in fewer passes."""

    fused_head: bool = False
    """Whether log-probabilities are computed in pieces, with their gradient."""

    varlen: bool = False
    """Whether packed rows have an attention of their own."""

    fp8: bool = False
    """Whether products with frozen weights are computed in 8 bits."""

    liger: bool = False
    """Whether Liger's kernels replace those of the layers."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, with the card's name."""
        card = torch.cuda.get_device_name(0) if self.device == "cuda" else None
        return {**asdict(self), "card": card}


def machine_for(recipe: Recipe) -> Machine:
    """Decide device, number format and checkpointing, and set torch's threads.

    Raises:
        FtarenaError: The recipe wants something that this machine cannot do.
    """
    cuda = torch.cuda.is_available()
    threads = hardware.usable_cores()
    torch.set_num_threads(threads)
    # On a CPU bfloat16 takes ten times as long without AMX or AVX512-bf16; with the latter a step of a 135M
    # model took about as long as in float32 (4.4 against 5.7 s of CPU time).
    bf16 = recipe.bf16 if recipe.bf16 is not None else (cuda and torch.cuda.is_bf16_supported())
    budget = recipe.activation_memory_budget
    checkpointing = recipe.gradient_checkpointing
    if checkpointing is None:
        checkpointing = cuda and budget is None
    return Machine(
        "cuda" if cuda else "cpu",
        bf16,
        checkpointing,
        threads,
        compile=(recipe.torch_compile if budget is None else True) if cuda else False,
        activation_budget=budget if cuda else None,
        short_lora=cuda,
        fused_head=cuda,
        varlen=cuda,
        fp8=_fp8(recipe),
        liger=_liger(recipe, cuda=cuda),
    )


def _fp8(recipe: Recipe) -> bool:
    """Return whether frozen products are to be computed in 8 bits.

    Raises:
        FtarenaError: The recipe wants them, and the GPU has no such products.
    """
    if recipe.base_precision != "fp8":
        return False
    if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (9, 0):
        raise FtarenaError(
            "base_precision: fp8 needs a GPU of the Hopper generation or later, and torch sees none here",
            "leave base_precision out",
        )
    return True


def _liger(recipe: Recipe, *, cuda: bool) -> bool:
    """Return whether Liger's kernels are to be used.

    Raises:
        FtarenaError: The recipe wants them, and they are not there or have no GPU.
    """
    there = cuda and find_spec("liger_kernel") is not None
    if recipe.use_liger_kernel and not there:
        raise FtarenaError(
            "use_liger_kernel needs a GPU and the package liger-kernel, and one of them is not here",
            "leave it out, or: pip install liger-kernel",
        )
    return bool(recipe.use_liger_kernel)
