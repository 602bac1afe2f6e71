"""How far a starting engine is, and why one ended: read out of vLLM's log.

vLLM says nothing else while it starts, which takes from half a minute (small model, CPU) to minutes (GPU,
compiling). The log's landmarks below are the same in 0.26 and 0.32; where a landmark is missing the phase
before it just lasts longer. What each phase took is remembered, so the next start knows its time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ftarena.text import clean_line


@dataclass(frozen=True)
class Phase:
    """A stretch of the start."""

    key: str
    words: str
    """What is going on, for a status line."""

    landmark: str
    """Text in the log that says the phase has begun; empty for phases that the supervisor announces."""

    usual_s: float
    """When it begins on two CPU cores, in seconds from the start."""


PHASES = (
    Phase("launch", "loading vLLM", "", 0.0),
    Phase("model", "reading the model's configuration", "non-default args", 9.0),
    Phase("core", "starting the engine's process", "Using max model len", 12.0),
    Phase("weights", "loading the weights", "Starting to load model", 22.0),
    Phase("memory", "making room for answers", "Loading weights took", 26.0),
    Phase("graphs", "capturing CUDA graphs", "Capturing CUDA graph", 29.0),
    Phase("server", "opening the socket", "init engine (profile", 33.0),
    Phase("warmup", "answering a first question", "", 35.0),
)
USUAL_READY_S = 40.0
GPU_SLOWER = 3.0
"""A GPU's start compiles and captures: 88 s with a warm compile cache, 154 s without."""

_BY_KEY = {phase.key: phase for phase in PHASES}
READY = "ready"


def phase_in(lines: Iterable[str], current: str) -> str:
    """Return the key of the phase that a start is in after some more lines of its log.

    Args:
        lines: New lines.
        current: The phase before them; it never goes back.
    """
    keys = list(_BY_KEY)
    reached = keys.index(current)
    for line in lines:
        for index, phase in enumerate(PHASES[reached + 1 :], reached + 1):
            if phase.landmark and phase.landmark in line:
                reached = index
                break
    return keys[reached]


def words(phase: str) -> str:
    """Return what is going on in a phase."""
    return _BY_KEY[phase].words if phase in _BY_KEY else phase


def estimate(
    phase: str, in_phase_s: float, began: Mapping[str, float], slower: float = 1.0
) -> tuple[float, float]:
    """Return how much of the start is done (0 to 1) and the seconds left.

    A phase that lasts longer than last time stands still at its end: a bar that waits is more honest than one
    that is full.

    Args:
        phase: Key of the phase under way.
        in_phase_s: Seconds since it began.
        began: When each phase began in the last start and when it was `ready`, in seconds from its launch;
            empty for the first start here.
        slower: By what factor a first start is slower than on two CPU cores.
    """
    times = {entry.key: entry.usual_s * slower for entry in PHASES} | {READY: USUAL_READY_S * slower}
    if READY in began:
        times = {READY: began[READY]} | {
            entry.key: began[entry.key] for entry in PHASES if entry.key in began
        }
    total = max(times[READY], 1.0)
    start = times.get(phase, 0.0)
    end = min([time for time in times.values() if time > start], default=total)
    at = min(start + in_phase_s, end)
    return min(at / total, 0.99), max(total - at, 1.0)


@dataclass(frozen=True)
class Reason:
    """Why an engine ended: one line, and what to do."""

    message: str
    hint: str = "see all of it: ftarena engine logs"


# What people meet, most telling first: the pattern in the log, what it means, what helps.
_KNOWN = (
    (
        r"No module named '?vllm",
        Reason("vLLM is not installed in this environment", "install it: make setup"),
    ),
    (
        r"operator torchvision::nms does not exist",
        Reason(
            "torchvision is installed beside a CPU build of torch it does not fit",
            "rm -r .venv && make setup",
        ),
    ),
    (
        r"Free memory on device .* is less than desired",
        Reason("another process holds too much of the GPU's memory", "see which: nvidia-smi"),
    ),
    (
        r"CUDA out of memory|OutOfMemoryError",
        Reason("the GPU's memory is not enough for this model", "see what else is on the card: nvidia-smi"),
    ),
    (
        r"No available memory for the cache blocks|larger than the maximum number of tokens",
        Reason(
            "after the weights no memory is left for answers", "free some: nvidia-smi, or a smaller model"
        ),
    ),
    (
        r"Cannot allocate memory|DefaultCPUAllocator: can't allocate",
        Reason("the main memory is not enough for this model", "close something, or take a smaller model"),
    ),
    (
        r"Model architectures \[?'?([\w, ']+)'?\]? are not supported",
        Reason("vLLM does not know this kind of model ({0})", "see vLLM's list of supported models"),
    ),
    (
        r"No space left on device",
        Reason("the disk is full", "free some space: df -h"),
    ),
)
# Raised by the outer process after the inner one has died of the real cause.
_ECHO = re.compile(
    r"Engine core initialization failed|WorkerProc initialization failed|EngineDeadError|SystemExit"
)
_ERROR = re.compile(r"(?:^|\s)((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)): (\S.*)$")


def reason_in(lines: Sequence[str], exit_code: int | None) -> Reason:
    """Return why vLLM ended, as its log and its exit code tell.

    Args:
        lines: The end of its log.
        exit_code: As `subprocess` gives it: negative for a signal, `None` if unknown.
    """
    text = "\n".join(lines)
    for pattern, reason in _KNOWN:
        if match := re.search(pattern, text):
            groups = [clean_line(group).strip("'[] ") for group in match.groups()]
            return Reason(reason.message.format(*groups), reason.hint)
    found = [match for line in lines if (match := _ERROR.search(clean_line(line)))]
    causes = [match for match in found if not _ECHO.search(match[0])]
    if causes:
        return Reason(f"vLLM failed: {causes[-1][1]}: {causes[-1][2]}"[:300])
    if exit_code == -9:
        return Reason("vLLM was killed, as the kernel does when memory runs out", "dmesg | tail; free -h")
    if exit_code is not None and exit_code < 0:
        return Reason(f"vLLM was ended by signal {-exit_code}")
    if found:
        return Reason(f"vLLM failed: {found[-1][1]}: {found[-1][2]}"[:300])
    last = next((clean_line(line) for line in reversed(lines) if line.strip()), "")
    ending = "" if exit_code is None else f" with exit code {exit_code}"
    return Reason(f"vLLM ended{ending}" + (f": {last[:200]}" if last else ""))
