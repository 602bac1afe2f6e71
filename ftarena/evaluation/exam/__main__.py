"""Examine one run, detached: `python -m ftarena.evaluation.exam RUN_DIRECTORY`."""

import sys
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.evaluation.exam.examining import examine
from ftarena.training.runs import read_run
from ftarena.workspace import Workspace


def main(arguments: list[str]) -> int:
    """Examine the run in a folder of a workspace; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m ftarena.evaluation.exam RUN_DIRECTORY", file=sys.stderr)
        return 2
    directory = Path(arguments[0]).resolve()
    said = ""

    def tell(line: str, fraction: float | None) -> None:
        nonlocal said
        if line != said:  # a line at each change: this is a log
            print(line, file=sys.stderr, flush=True)
            said = line

    try:
        examine(read_run(directory), Workspace(directory.parent.parent), tell)
    except FtarenaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
