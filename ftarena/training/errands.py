"""Small processes that may import torch, run by front ends that must not, and what they say in lines.

An errand prints `progress: …` for people, `result: {…}` (JSON) for the program, and where it fails `error: …`
and perhaps `hint: …`.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.processes import python_module
from ftarena.text import clean_line

_END_S = 10.0


def run_errand(
    module: str,
    arguments: Sequence[str],
    tell: Callable[[str], None],
    failed: str,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a module as a process, wait for it, and return its result.

    Whatever interrupts the wait (ctrl+c) ends the process first, so that the caller may clear away what it
    was writing.

    Args:
        module: Such as `ftarena.training.worker.convert`.
        arguments: What it is given.
        tell: Called with each line for people.
        failed: What to say where it ends without saying why, such as `the model could not be prepared`.
        env: Variables to set on top of this process's own.

    Returns:
        The object behind `result:`; empty where there is none.

    Raises:
        FtarenaError: It failed.
    """
    argv, paths = python_module(module, *arguments)
    said: dict[str, str] = {}
    last = ""
    with subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(env or {}), **paths},
    ) as child:
        try:
            for line in child.stdout or ():
                kind, _, text = line.partition(": ")
                if kind == "progress":
                    tell(clean_line(text))
                elif kind in ("error", "hint", "result"):
                    said[kind] = clean_line(text)
                elif line.strip():
                    last = clean_line(line)
        except BaseException:
            child.terminate()
            try:
                child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
    if child.returncode != 0:
        raise FtarenaError(
            said.get("error") or f"{failed}: {last or f'exit code {child.returncode}'}",
            said.get("hint") or f"try again; if it fails again, run: {shlex.join(argv)}",
        )
    value = json.loads(said.get("result", "{}"))
    return value if isinstance(value, dict) else {}
