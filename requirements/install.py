"""Fill `.venv` with the pinned closure, showing what is done, how far it is and how long it will take.

    python3 requirements/install.py

Runs on the bare system Python (3.11 or newer), so it uses the standard library alone. `nvidia-smi` decides
between cpu.txt and cuda.txt; FTARENA_CLOSURE=cpu or =cuda overrules it. A second call that finds nothing
changed ends at once. Nothing is resolved: each closure is complete and goes in with `--no-deps`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ftarena-closure.sha256"
LOG = VENV / "install.log"

NEEDED_GB = {"cpu": 6, "cuda": 16}
TYPICAL_MIN = {"cpu": "2 to 6", "cuda": "5 to 10"}
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main() -> int:
    """Install what is missing and return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything has checked the version
        return fail(
            f"Python {sys.version.split()[0]} is too old: ftarena needs 3.11 or newer",
            "call make with a newer one: make PYTHON=python3.12 setup",
        )
    closure = os.environ.get("FTARENA_CLOSURE") or ("cuda" if has_nvidia_gpu() else "cpu")
    if closure not in NEEDED_GB:
        return fail(f"FTARENA_CLOSURE={closure} is neither cpu nor cuda", "unset FTARENA_CLOSURE")
    requirements = HERE / f"{closure}.txt"
    stamp = digest(requirements, PROJECT / "pyproject.toml", Path(__file__))
    if STAMP.exists() and STAMP.read_text() == stamp and PYTHON.exists():
        return 0

    free_gb = shutil.disk_usage(PROJECT).free / 1e9
    if free_gb < NEEDED_GB[closure] and not STAMP.exists():
        return fail(
            f"{free_gb:.1f} GB are free beside {PROJECT}; the packages need {NEEDED_GB[closure]} GB",
            "free some space, or clone the project onto a larger disk",
        )
    try:
        install(closure, requirements)
    except Failed as error:
        return fail(*error.args)
    STAMP.write_text(stamp)
    return 0


class Failed(Exception):
    """A step that did not work: what happened, and what to do."""


def install(closure: str, requirements: Path) -> None:
    """Create the environment and fill it, step by step."""
    started = time.monotonic()
    total = sum(1 for line in requirements.read_text().splitlines() if "==" in line)
    say(
        f"Setting up .venv with {total} packages ({requirements.name}); this usually takes "
        f"{TYPICAL_MIN[closure]} minutes, once."
    )
    if not PYTHON.exists():
        step([sys.executable, "-m", "venv", str(VENV)], "creating .venv", 0, started)
        if not PYTHON.exists():
            raise Failed(
                "python3 -m venv left no interpreter", "on Debian and Ubuntu: apt-get install python3-venv"
            )
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]

    if closure == "cpu" and sys.platform == "linux":
        install_cpu_torch(pip, requirements, started)
    step([*pip, "-r", str(requirements)], f"installing {total} packages", total, started)
    step([*pip, "--no-build-isolation", "-e", str(PROJECT)], "installing ftarena", 0, started)
    step(
        [str(PYTHON), "-c", "import httpx, pydantic, sqlite_utils, textual, torch, typer"],
        "checking",
        0,
        started,
    )
    say(f"Set up in {time.monotonic() - started:.0f} s.")


def install_cpu_torch(pip: list[str], requirements: Path, started: float) -> None:
    """Take PyTorch's CPU build: from the configured sources if they have it, else from PyTorch's own index.

    A plain `torch==X` would bring the CUDA build on the open internet: 3 GB more, and without the CUDA
    libraries (`--no-deps`) it would not even import.
    """
    pin = next(line.strip() for line in requirements.read_text().splitlines() if line.startswith("torch=="))
    have = subprocess.run(
        [str(PYTHON), "-c", "import importlib.metadata as m; print(m.version('torch'))"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if have == f"{pin.removeprefix('torch==')}+cpu":
        return
    for source in ([], ["--extra-index-url", PYTORCH_CPU_INDEX]):
        try:
            step([*pip, *source, f"{pin}+cpu"], "installing torch (CPU build)", 0, started)
            return
        except Failed:
            continue
    raise Failed(
        f"no CPU build of {pin} in the configured package sources nor at PyTorch's own index",
        f"see {LOG}; behind a proxy, set it for pip and run `make setup` again",
    )


def step(command: list[str], what: str, packages: int, started: float) -> None:
    """Run one command, showing progress; its output goes to the log."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        mark = log.tell()
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            last_said = 0.0
            while process.poll() is None:
                time.sleep(0.2)
                now = time.monotonic()
                if now - last_said >= (0.5 if sys.stderr.isatty() else 15):
                    last_said = now
                    progress(what, packages, mark, now - started)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if process.returncode:
        words = [line for line in LOG.read_text(errors="replace")[mark:].splitlines() if line.strip()]
        telling = [line for line in words if "ERROR" in line or "error:" in line.lower()] or words
        raise Failed(
            f"{what} failed: {telling[-1].strip() if telling else 'no output'}",
            f"the whole output is in {LOG}",
        )


def progress(what: str, packages: int, mark: int, elapsed_s: float) -> None:
    """Show one line: the step, how many packages are fetched or in place, the time so far."""
    line = f"  {what} … {elapsed_s:.0f} s"
    if packages:
        with LOG.open("rb") as log:
            log.seek(mark)
            output = log.read()
        fetched = output.count(b"Collecting ") + output.count(b"Requirement already satisfied")
        if b"Installing collected packages" in output:
            placed = sum(1 for _ in (VENV / "lib").glob("python*/site-packages/*.dist-info"))
            line = f"  {what}: {min(placed, packages)} of {packages} in place … {elapsed_s:.0f} s"
        else:
            line = f"  {what}: {fetched} of {packages} fetched … {elapsed_s:.0f} s"
    end = "" if sys.stderr.isatty() else "\n"
    lead = "\r\033[K" if sys.stderr.isatty() else ""
    print(f"{lead}{line}", end=end, file=sys.stderr, flush=True)


def has_nvidia_gpu() -> bool:
    """Return whether `nvidia-smi` is there and lists a GPU."""
    if not shutil.which("nvidia-smi"):
        return False
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU 0" in listed.stdout


def digest(*files: Path) -> str:
    """Return a hash over the files' contents: what the environment was made from."""
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def say(text: str) -> None:
    """Print a line for the user."""
    print(text, file=sys.stderr, flush=True)


def fail(message: str, hint: str) -> int:
    """Print an error and what to do, and return the exit code."""
    say(f"error: {message}\n  → {hint}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("stopped; `make setup` goes on where it was")
        sys.exit(130)
