"""What the machine decides about a run: device, number format, checkpointing, threads."""

import os
from dataclasses import asdict, dataclass
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
    if recipe.tuning == "qlora" and not cuda:
        raise FtarenaError("tuning: qlora needs a GPU, and torch sees none here", "use tuning: lora")
    if recipe.packing and not (cuda and (recipe.attn_implementation or "").startswith("flash")):
        raise FtarenaError(
            "packing needs a GPU and attn_implementation: flash_attention_2, "
            "or packed examples would see each other",
            "leave packing out; examples are grouped by length instead",
        )
    # On a CPU bfloat16 takes ten times as long without AMX or AVX512-bf16; with the latter a step of a 135M
    # model took about as long as in float32 (4.4 against 5.7 s of CPU time).
    bf16 = recipe.bf16 if recipe.bf16 is not None else (cuda and torch.cuda.is_bf16_supported())
    checkpointing = recipe.gradient_checkpointing if recipe.gradient_checkpointing is not None else cuda
    return Machine("cuda" if cuda else "cpu", bf16, checkpointing, threads)


def use_one_card() -> None:
    """Show torch one card only: with several, transformers would wrap the model in `nn.DataParallel`.

    Must run before CUDA is initialised.
    """
    if "CUDA_VISIBLE_DEVICES" not in os.environ and (cards := hardware.gpus()) and len(cards) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = max(cards, key=lambda card: card.free_mib).uuid
