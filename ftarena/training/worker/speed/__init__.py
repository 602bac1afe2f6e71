"""What makes a step faster or smaller without changing what it computes.

`lora` (the adapter's product in fewer passes), `varlen` (attention over packed rows), `packing` (batches of
one shape), `head` (log-probabilities in pieces), `compiling` (compiled layers, activation budget), `fp8`
(frozen products in 8 bits). `hasten` applies what the machine and the recipe allow.
"""

from ftarena.training.worker.speed.applying import hasten

__all__ = ["hasten"]
