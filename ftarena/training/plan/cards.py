"""What a run may run on: the card or the CPU of this machine, or a card that someone thinks of renting."""

import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ftarena import hardware
from ftarena.errors import UsageError

_GIB = 2**30


@dataclass(frozen=True)
class Card:
    """A device that trains."""

    name: str
    device: Literal["cuda", "cpu"]
    memory_bytes: int
    """What a run may use: the card's memory, or the free memory of a machine without one."""

    flops: float
    """Products of bfloat16 a second as the maker gives them (dense); of a CPU, float32 as measured here."""

    bandwidth: float
    """Bytes of its memory a second."""

    measured: bool
    """Whether the figures of step times were taken on such a card; else they are scaled from one."""

    bf16: bool = True
    """Whether it computes in bfloat16."""


# Makers' data sheets: GiB, dense bf16 products with float32 sums in TFLOP/s, memory in TB/s.
_TABLE: dict[str, tuple[float, float, float]] = {
    "H100 80GB": (79.6, 989, 3.35),
    "H100 PCIe": (79.6, 756, 2.0),
    "H200": (140.4, 989, 4.8),
    "B200": (179.0, 2250, 8.0),
    "A100 80GB": (79.3, 312, 2.0),
    "A100 40GB": (39.4, 312, 1.55),
    "L40S": (44.5, 362, 0.86),
    "RTX 6000 Ada": (48.0, 182, 0.96),
    "RTX A6000": (47.5, 155, 0.77),
    "A40": (44.5, 150, 0.70),
    "RTX 5090": (31.8, 210, 1.79),
    "RTX 4090": (23.99, 165, 1.01),
    "RTX 3090": (23.99, 71, 0.94),
    "A10G": (22.5, 70, 0.60),
    "A10": (22.5, 125, 0.60),
    "L4": (22.5, 121, 0.30),
    "RTX 4080": (15.99, 97, 0.72),
    "T4": (14.6, 65, 0.32),
    "V100": (31.7, 125, 0.90),
}
_WITHOUT_BF16 = frozenset({"T4", "V100"})
_MEASURED = frozenset({"H100 80GB", "H200"})


def card_named(words: str) -> Card:
    """Return the card that a command line names.

    Args:
        words: `cpu`; a card's name, such as `H100 80GB` or `4090`; or only its memory, such as `24GB`, which
            takes the speed of a common card of that size.

    Raises:
        UsageError: No such card is known.
    """
    text = " ".join(words.split())
    if text.lower() == "cpu":
        return this_cpu()
    if size := re.fullmatch(r"(\d+(?:\.\d+)?)\s*G(?:i?B)?", text, re.I):
        gib = float(size[1])
        if gib < 1:
            raise UsageError(f"no card has {text} of memory", "give what it has, as in 24GB")
        near = min(_TABLE, key=lambda name: (abs(_TABLE[name][0] - gib), -_TABLE[name][1]))
        card = _from_table(near)
        return Card(f"a card of {gib:g} GB", "cuda", int(gib * _GIB), card.flops, card.bandwidth, False)
    found = _look_up(text)
    if found is None:
        known = ", ".join(_TABLE)
        raise UsageError(f"no card is called {text!r}", f"give its memory, as in 24GB, or one of: {known}")
    return _from_table(found)


def this_card() -> Card:
    """Return the card of this machine with the most memory, or its CPU."""
    cards = hardware.gpus()
    if not cards:
        return this_cpu()
    best = max(cards, key=lambda card: card.total_mib)
    name = _look_up(best.name) or min(_TABLE, key=lambda one: abs(_TABLE[one][0] * 1024 - best.total_mib))
    if name.startswith("A100") and best.total_mib > 50_000:
        name = "A100 80GB"
    known = _from_table(name)
    return Card(
        best.name,
        "cuda",
        best.total_mib * 2**20,
        known.flops,
        known.bandwidth,
        known.measured and name in _MEASURED,
        known.bf16,
    )


def this_cpu() -> Card:
    """Return this machine without its cards: the memory that is free, and how fast it multiplies."""
    cores = hardware.usable_cores()
    word = "core" if cores == 1 else "cores"
    return Card(
        f"CPU, {cores} {word}", "cpu", hardware.memory().available, _cpu_flops(), 10e9, True, bf16=False
    )


@lru_cache(maxsize=1)
def _cpu_flops() -> float:
    """Return float32 products a second of all cores, from a fifth of a second of matrix products."""
    import numpy as np

    matrix = np.ones((768, 768), dtype=np.float32)
    best, began = 0.0, time.perf_counter()
    while time.perf_counter() - began < 0.2:
        start = time.process_time()
        matrix @ matrix
        # Of the processor's time, since other programs have some of the clock's; the best, since caches fill.
        best = max(best, 2 * 768**3 / max(time.process_time() - start, 1e-6))
    return best * hardware.usable_cores()


def _from_table(name: str) -> Card:
    gib, tflops, terabytes = _TABLE[name]
    return Card(
        name,
        "cuda",
        int(gib * _GIB),
        tflops * 1e12,
        terabytes * 1e12,
        name in _MEASURED,
        name not in _WITHOUT_BF16,
    )


def _look_up(words: str) -> str | None:
    """Return the row of the table whose words are all in `words`, or that has all of these; or None."""
    given = set(re.findall(r"[a-z0-9]+", words.lower()))
    whole = [name for name in _TABLE if set(re.findall(r"[a-z0-9]+", name.lower())) <= given]
    if whole:
        return max(whole, key=len)
    part = [name for name in _TABLE if given and given <= set(re.findall(r"[a-z0-9]+", name.lower()))]
    if part:
        return part[0]
    # `NVIDIA H100 PCIe` has both words, `NVIDIA A100-SXM4-80GB` and `NVIDIA H100 SXM` have only the first.
    first = [name for name in _TABLE if name.lower().split()[0] in given and not name.startswith("RTX")]
    return first[0] if first else None
