"""Random numbers of a run: measuring the model must not use up any that training would have had."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def set_aside() -> Iterator[None]:
    """Let what happens inside draw random numbers without any effect on those drawn afterwards."""
    python, arrays, cpu = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
        torch.random.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def be_deterministic() -> None:
    """Prefer operations that give the same bits each time, where that costs nothing: on a CPU.

    There everything that training uses has one already; this only warns of what has not.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
