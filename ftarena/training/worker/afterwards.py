"""What is started once a run has ended: `python -m ftarena.training.worker.afterwards RUN_DIRECTORY`.

The worker turns into this when it is done, so nothing of the model is in memory any more. The commands are
detached and not waited for; what they print is in `afterwards.log`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ftarena.processes import spawn_detached
from ftarena.training.runs import RunState, read_run
from ftarena.training.terms import RUN_FOLDER, read_terms, write_terms

AFTERWARDS_LOG = "afterwards.log"


def due(arguments: Sequence[str]) -> bool:
    """Return whether a worker with these arguments has left something that commands wait for."""
    if not arguments or not Path(arguments[0]).is_dir():
        return False
    directory = Path(arguments[0])
    run = read_run(directory)
    ended_well = run.state in (RunState.FINISHED, RunState.STOPPED)
    left = run.adapter is not None or run.model is not None
    return ended_well and left and bool(read_terms(directory).afterwards)


def command_for(directory: Path) -> list[str]:
    """Return the command line that starts what comes after a run."""
    return [sys.executable, "-P", "-m", "ftarena.training.worker.afterwards", str(directory)]


def start(directory: Path) -> None:
    """Start the commands of a run, each at most once whatever happens to them or to the run later."""
    terms = read_terms(directory)
    write_terms(directory, replace(terms, afterwards=()))
    for words in terms.afterwards:
        command = [word.replace(RUN_FOLDER, str(directory)) for word in words]
        try:
            spawn_detached(command, log=directory / AFTERWARDS_LOG, cwd=Path(terms.folder))
        except OSError as error:
            with (directory / AFTERWARDS_LOG).open("a", encoding="utf-8") as file:
                file.write(f"{' '.join(command)}: {error}\n")


if __name__ == "__main__":
    start(Path(sys.argv[1]))
