"""What was measured, and what the plan makes of it. All figures of memory and speed stand here.

From `benchmarks/plan_table.py` and its forerunner on one H100 80 GB, kept in `benchmarks/results`, against
which `tests/training/test_plan_table.py` holds the plan. The constants of memory were fitted to every other
row; what no row has measured yet says so.
"""

from dataclasses import dataclass

CUDA_CONTEXT = 0.80e9
"""Bytes that CUDA itself takes on the card (H100, torch 2.11: 804 MB)."""

LIBRARIES = 0.82e9
"""Bytes of main memory that Python, torch, transformers and TRL take on a CPU (resident; 822 MB)."""


@dataclass(frozen=True)
class Activations:
    """What one decoder layer keeps of one token for its backward pass, in bytes."""

    by_hidden: float
    """Times the model's width."""

    by_intermediate: float
    """Times the width of its MLP."""

    transient: float
    """While a layer's gradient is computed: so many times what the layer keeps, on top."""

    def layer(self, hidden: int, intermediate: int) -> float:
        """Return the bytes a token and layer."""
        return self.by_hidden * hidden + self.by_intermediate * intermediate


PLAIN = Activations(27.3, 7.9, 1.6)
"""bfloat16 with PEFT's own LoRA: casts of its inputs to float32 are half of it. 23 cells, within 2 %."""

SHORT = Activations(16.5, 8.0, 1.6)
"""bfloat16 with `worker.speed.lora`: norms in float32, inputs and outputs of the linear layers once.
Five rows of `plan-table-h100.jsonl`, within 5 %."""

COMPILED = Activations(12.0, 6.0, 0.75)
"""Compiled layers: norms and the gate are computed again from what is kept anyway. Counted; one row of
`plan-table-h100.jsonl`, within 1 %."""

FULL = Activations(24.6, 7.1, 1.6)
"""All weights learn: nothing is cast for an adapter (135M, 0.5B)."""

FULL_FLOAT32 = Activations(36.0, 9.0, 1.6)
"""All weights learn and are kept in float32: so are the norms' outputs, and each product casts its input.
Counted, not yet measured."""

FLOAT32 = Activations(56.0, 22.0, 1.0)
"""float32, on a CPU (one run: 135M, 8 × 115 tokens, 3.65 GB resident in all)."""

DORA_OUTPUTS = 3
"""How many times what the linear layers put out PEFT 0.21 keeps for DoRA: the part of the base, that of the
adapter, and as much again (one run: 135M, 8 × 115 tokens in float32, 5.28 GB resident in all)."""

LIGER_SHARE = 0.92
"""Liger's norms and gate keep so much of a layer's activations (estimated)."""

KEPT_INPUT = 2.0
"""Bytes a token, layer and unit of width that gradient checkpointing keeps: the layer's input."""

PIECE_BYTES = 0.8e9
"""The head's logits, made in pieces of 400 MB in float32, with their gradient."""

SLACK = 0.03
"""Share of the activations that torch's allocator holds without using it."""

SLACK_TRANSIENT = 0.38
"""The same of what one layer needs at a time: the larger it is, the more fragments are left."""

QUANTISED = 0.516
"""Bytes a weight in NF4 with blocks of 64 and constants quantised twice (arXiv 2305.14314, section 3)."""

# Time.

FORWARD_S, BACKWARD_S = 4.0e-3, 4.9e-3
"""Seconds a layer with LoRA takes at least, however small: the launches of its many small kernels. With
`worker.speed.lora` about as long: it saves memory and passes over it, not launches."""

COMPILED_FORWARD_S, COMPILED_BACKWARD_S = 2.0e-3, 3.0e-3
"""The same with compiled layers (7B, 2,048 tokens: 0.17 to 0.21 s a step)."""

FOUR_BIT_LAUNCHES = 1.7
"""Unpacking 4-bit weights launches so many times the kernels of a layer (7B: 0.62 s a step)."""

DORA_LAUNCHES = 1.8
"""DoRA's norms and scales launch so many times the kernels of plain LoRA (one row: 0.5B, 8 × 1,024)."""

FULL_FORWARD_S, FULL_BACKWARD_S = 1.0e-3, 1.2e-3
"""The same where all weights learn."""

EIGHT_BIT_GAIN = 1.45
"""Products with frozen weights in 8 bits are so much faster, rounding included."""

REFERENCE_LAUNCH = 1.3
"""A frozen reference's forward pass in launches of the trained one's (switching adapters included)."""

PRODUCT_SHARE = 0.56
"""Of the maker's products a second, large matrix products reach so much (550 TFLOP/s on an H100)."""

BANDWIDTH_SHARE = 0.42
"""Of the maker's bandwidth, everything between the products reaches so much (1.4 TB/s)."""

COMPILED_PASSES = 0.45
"""Compiled layers pass over their activations so often as plain ones do."""

SUMMED_SHARE = 0.03
"""Of the maker's products, TRL's fused head reaches so much where it sums gradients in float32."""

LAUNCH_POWER = 4.0
"""How launches and computing overlap: (launch^p + compute^p)^(1/p)."""

OPTIMISER_BYTES = 36.0
"""Bytes that clipping and AdamW move a trained weight and step."""

CPU_SHARE = 0.80
"""Of the float32 products a second that this machine reaches, a training step reaches so much."""

COMPILE_S = 25.0
"""Compiling the layers, once: 15 to 25 s, 90 s where nothing of it is in torch's cache yet."""

COMPILE_PAYS_FLOP = {True: 300e12 * 40.0 / 0.2, False: 300e12 * 180.0 / 0.2}
"""Four multiplications a weight and token: a run of more of them compiles its layers by itself. By whether
rows are packed: compiling for their one shape takes 15 to 22 s, for batches of all lengths 92 s, and a run
has to win back twice that. Compiled layers save a fifth of a step, at some 300e12 a second (7.6B)."""

PROBE_ANSWERS, PROBE_TOKENS = 8, 32
"""Answers that the probe lets a model write at each measurement, and their most tokens
(`worker.guarding.probe`)."""

EXAM_QUESTIONS, EXAM_TAUGHT, EXAM_GENERAL = 20, 20, 100
"""What an exam asks at most: to answer, to recite (and as many held-out ones), and to know
(`evaluation.exam.paper`)."""

EXAM_ANSWER, EXAM_SHORT_ANSWER = 120, 32
"""Tokens of an usual answer, and of one to a general question (estimated)."""

ENGINE_START_S = {"cuda": 75.0, "cpu": 45.0}
"""The engine's imports, weights, graphs (demo model on two cores: 40 to 60 s; H100: 60 to 90 s)."""

ENGINE_AT_ONCE = 16
"""Answers that are written side by side."""

OWN_ANSWER = 200
"""Tokens of an answer that the base gives to a prompt of `replay_dataset: self`, question included
(estimated: SmolLM2's mean; the real ones are counted when they are there)."""

START_S = {"cuda": 18.0, "cpu": 14.0}
"""Imports, the data, the trainer."""

READ_BYTES_S = 1.5e9
"""Bytes a second at which weights are read."""

WRITE_BYTES_S = 0.8e9
"""Bytes a second at which checkpoints are written and synced."""
