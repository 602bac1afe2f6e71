"""The other side of `scorer.py`: loads one Python file and scores answers, one JSON line each.

    python -P scorer_host.py FILE

Run as a script by its path, so that it imports nothing of ftarena: the user's code has this process for
itself.
"""

import importlib.util
import json
import math
import os
import sys
import traceback
from pathlib import Path


def main(path: str) -> None:
    """Score what comes in until nothing does."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the user's code prints must not be read as a score
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def say(value: object) -> None:
        print(json.dumps(value), file=told, flush=True)

    sys.path.insert(0, str(Path(path).parent))
    try:
        spec = importlib.util.spec_from_file_location("scorer", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules["scorer"] = module
        spec.loader.exec_module(module)
        score = module.score
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is told
        say({"error": place(error, path)})
        return
    say({"ready": True})
    for line in questions:
        asked = json.loads(line)
        try:
            value = score(asked["prompt"], asked["answer"], asked["reference"])
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is told
            say({"error": place(error, path)})
            continue
        say(judged(value, path))


def judged(value: object, path: str) -> dict[str, object]:
    """Return what to say of a value that the user's function returned."""
    name = Path(path).name
    if not isinstance(value, (int, float)):
        try:
            value = float(value)  # type: ignore[arg-type]  # numpy's and torch's numbers can be
        except (TypeError, ValueError):
            return {"error": f"{name}: score returned {type(value).__name__}, not a number"}
    if not math.isfinite(value) or not 0 <= value <= 1:
        return {"error": f"{name}: score returned {value!r}; scores are from 0 to 1"}
    return {"score": float(value)}


def place(error: BaseException, path: str) -> str:
    """Return an error in a line, with the last line of the user's file that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if str(Path(frame.filename).resolve()) == path]
    line = lines[-1] if lines else None
    if isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno
    where = Path(path).name + (f":{line}" if line else "")
    words = " ".join(str(error).split()) or "no message"
    return f"{where}: {type(error).__name__}: {words}"


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()))
