"""`ftarena recipe presets`: the recipes that come along."""

import json

from ftarena.recipes.presets import presets


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
    print("To change one: copy its file (--json says where), or give its keys as options.")
    return 0
