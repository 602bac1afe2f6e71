"""Recipes to start from, by what they need: a name where no file has it is one of these.

`ftarena train 24gb-7b-lora --dataset F --model M` works anywhere. They say everything but the data, and their
keys carry advice; `ftarena recipe presets` lists them.
"""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """A recipe that comes along."""

    name: str
    """As it is given to `ftarena train`."""

    about: str
    """One line: what it does, and on what."""

    command: str
    """The command that runs it."""

    path: Path


def presets() -> list[Preset]:
    """Return all of them, by name."""
    return [_read(path) for path in sorted(_FOLDER.glob("*.yaml"))]


def preset_path(path: Path) -> Path:
    """Return the file of a preset where `path` is the name of one and no file, else `path` itself."""
    inside = _FOLDER / f"{path}.yaml"
    return inside if len(path.parts) == 1 and not path.exists() and inside.is_file() else path


def _read(path: Path) -> Preset:
    lines = [line.lstrip("# ") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    command = next(line for line in lines if line.startswith("ftarena "))
    return Preset(path.stem, lines[0], command, path)
