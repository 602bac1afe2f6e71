"""`ftarena recipe presets` and `show`: the recipes that come along."""

import json
from difflib import get_close_matches

from ftarena.errors import UsageError
from ftarena.recipes.presets import presets
from ftarena.text import shorten


def list_presets(*, as_json: bool = False) -> int:
    """Print every preset with what it does and the command that runs it; return the exit code.

    Args:
        as_json: Print one JSON array instead of words.
    """
    found = presets()
    if as_json:
        rows = [
            {"name": one.name, "about": one.about, "command": one.command, "file": str(one.path)}
            for one in found
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for one in found:
        print(f"{one.name}\n  {one.about}\n  {one.command}\n")
    print("To change one: ftarena recipe show NAME > mine.yaml, or give its keys as options.")
    return 0


def show_preset(name: str) -> int:
    """Print a recipe that comes along as it is written, to be changed and kept.

    Raises:
        UsageError: There is none of that name.
    """
    known = {preset.name: preset for preset in presets()}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise UsageError(
            f"there is no preset {shorten(name, 60)}" + (f", did you mean {near[0]}?" if near else ""),
            f"known: {', '.join(known)}",
        )
    print(known[name].path.read_text(encoding="utf-8"), end="")
    return 0
