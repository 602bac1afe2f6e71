"""How far a start is and why one failed, read from vLLM's log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.serving import progress

LOG = """\
(APIServer pid=1) INFO 11-24 05:46:43 [api_utils.py:286] non-default args: {'uds': 's'}
(APIServer pid=1) INFO 11-24 05:46:53 [model.py:2152] Using max model len 2048
(EngineCore pid=2) INFO 11-24 05:47:13 [cpu_model_runner.py:68] Starting to load model /m...
(EngineCore pid=2) INFO 11-24 05:47:16 [default_loader.py:501] Loading weights took 2.28 seconds
(EngineCore pid=2) INFO 11-24 05:47:22 [core.py:402] init engine (profile, create kv cache) took 3 s
""".splitlines()


def test_the_phases_of_a_start() -> None:
    """The status line says what is going on, in the order it happens, and never goes back."""
    phase, seen = "launch", []
    for line in LOG:
        phase = progress.phase_in([line], phase)
        seen.append(phase)
    assert seen == ["model", "core", "weights", "memory", "server"]
    assert progress.phase_in(LOG, "launch") == "server"
    assert progress.phase_in(LOG[:1], "weights") == "weights"


@given(
    st.sampled_from([phase.key for phase in progress.PHASES]),
    st.floats(0, 1e6),
    st.dictionaries(st.sampled_from([*(p.key for p in progress.PHASES), "ready"]), st.floats(0, 1e4)),
)
def test_an_estimate_is_always_usable(phase: str, elapsed: float, began: dict[str, float]) -> None:
    """Whatever was remembered and however long it lasts, the bar is not full and some time is left."""
    done, left = progress.estimate(phase, elapsed, began)
    assert 0 <= done <= 0.99
    assert left >= 1


def test_the_second_start_knows_its_time() -> None:
    """After a start that took 100 s, half of it is half of it."""
    began = {"launch": 0.0, "weights": 40.0, "server": 80.0, "ready": 100.0}
    assert progress.estimate("weights", 10.0, began) == (0.5, 50.0)
    assert progress.estimate("weights", 500.0, began) == (0.8, 20.0)  # it waits at the phase's end


@pytest.mark.parametrize(
    ("log", "code", "expected"),
    [
        ("x/python: No module named 'vllm'", 1, "not installed"),
        (
            "ValueError: Free memory on device cuda:0 (1/24 GiB) on startup is less than desired",
            1,
            "GPU's memory",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
            1,
            "not enough for this model",
        ),
        (
            "ValueError: Model architectures ['FooForCausalLM'] are not supported for now.",
            1,
            "(FooForCausalLM)",
        ),
        ("RuntimeError: operator torchvision::nms does not exist", 1, "torchvision"),
        (
            "(EngineCore pid=7) ERROR 11-24 [core.py:1] KeyError: 'layers.0.foo'\n"
            "RuntimeError: Engine core initialization failed. See root cause above.",
            1,
            "KeyError: 'layers.0.foo'",
        ),
        (
            "RuntimeError: Engine core initialization failed. See above.",
            1,
            "Engine core initialization failed",
        ),
        ("INFO fine\n", -9, "killed, as the kernel does when memory runs out"),
        ("INFO fine\n", -11, "signal 11"),
        ("last words\n\n", 3, "exit code 3: last words"),
        ("", None, "vLLM ended"),
    ],
)
def test_the_reason_is_told(log: str, code: int | None, expected: str) -> None:
    """A failed start names its cause, not the echo of it, and never just a code where there is more."""
    reason = progress.reason_in(log.splitlines(), code)
    assert expected in reason.message
    assert "\n" not in reason.message
    assert reason.hint
