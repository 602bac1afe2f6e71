"""What the machine has, also inside a container and with broken drivers."""

from pathlib import Path

import pytest

from ftarena import hardware


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on PATH, for an `nvidia-smi` that the test writes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return folder / "nvidia-smi"


def install(program: Path, script: str) -> None:
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)


def test_cores_are_those_of_the_container(tmp_path: Path) -> None:
    """In a container with half a core, one thread is started, not one per core of the host."""
    write(tmp_path / "proc/self/cgroup", "0::/pod/me\n")
    write(tmp_path / "sys/fs/cgroup/pod/me/cpu.max", "max 100000\n")
    write(tmp_path / "sys/fs/cgroup/pod/cpu.max", "50000 100000\n")
    assert hardware.usable_cores(tmp_path) == 1
    assert hardware.usable_cores(tmp_path / "nowhere") >= 1


def test_memory_is_that_of_the_container(tmp_path: Path) -> None:
    """A container's limit counts, and its page cache counts as free."""
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    group = tmp_path / "sys/fs/cgroup"
    write(group / "memory.max", "100000000\n")
    write(group / "memory.current", "70000000\n")
    write(group / "memory.stat", "anon 1\ninactive_file 20000000\n")
    assert hardware.memory(tmp_path) == hardware.Memory(100_000_000, 50_000_000)


def test_old_control_groups_count_too(tmp_path: Path) -> None:
    """An older kernel's limits are found where it keeps them; -1 means none."""
    write(tmp_path / "proc/self/cgroup", "5:memory:/job\n4:cpu,cpuacct:/job\n")
    write(tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes", "100000000\n")
    write(tmp_path / "sys/fs/cgroup/memory/memory.usage_in_bytes", "40000000\n")
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    assert hardware.memory(tmp_path).available == 60_000_000
    assert hardware.usable_cores(tmp_path) == hardware.usable_cores(tmp_path / "nowhere")


def test_cards_are_listed(nvidia_smi: Path) -> None:
    """A card is named with its memory; one that fell off the bus is left out."""
    install(
        nvidia_smi,
        "echo '0, GPU-aa, NVIDIA H100 80GB HBM3, 81559, 80000, 580.1'\n"
        "echo '1, GPU-bb, NVIDIA H100 80GB HBM3, [Unknown Error], [N/A], 580.1'\n",
    )
    (card,) = hardware.gpus()
    assert (card.name, card.total_mib, card.free_mib) == ("NVIDIA H100 80GB HBM3", 81559, 80000)
    assert hardware.detect_accelerator() == "cuda"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("", []), ("-1", []), ("1", [1]), ("1,0", [1, 0]), ("0,7,1", [0]), ("GPU-b", [1])],
)
def test_hidden_cards_stay_hidden(
    nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch, setting: str, expected: list[int]
) -> None:
    """CUDA_VISIBLE_DEVICES hides cards from ftarena as it does from CUDA."""
    install(nvidia_smi, "echo '0, GPU-aa, A, 1, 1, 5'\necho '1, GPU-bb, B, 1, 1, 5'\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    assert [card.index for card in hardware.gpus()] == expected


def test_a_broken_driver_is_no_card(nvidia_smi: Path, tmp_path: Path) -> None:
    """With a driver that fails, models run on the CPU, and the doctor can say why."""
    install(nvidia_smi, "echo 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n")
    (tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0").mkdir(parents=True)
    assert hardware.detect_accelerator() == "cpu"
    assert hardware.driver_without_cards(tmp_path)


def test_disk_space_of_a_folder_to_come(tmp_path: Path) -> None:
    """Free space is known for a folder that does not exist yet."""
    assert hardware.disk_free(tmp_path / "a" / "b") > 0
