"""`python -m ftarena.training.worker RUN_DIRECTORY [--resume]`: the detached process that trains one run.

Everything it has to say is in the run's folder; its exit code is 0 where it finished, was stopped or paused,
1 where it failed. While it waits for its turn it is small: torch is loaded when the device is its own.
"""

import os
import sys
import traceback
from pathlib import Path

from ftarena.training.queueing import own_device
from ftarena.training.runs import RESOLVED_RECIPE, RunState
from ftarena.training.terms import read_terms
from ftarena.training.worker.afterwards import command_for, due
from ftarena.training.worker.failures import explain
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag, StopRequested

_ENDS = {
    RunState.STOPPED: "stopped on request after step {step}",
    RunState.PAUSED: "paused after step {step}; ftarena runs resume {id} goes on",
}


def main(arguments: list[str]) -> int:
    """Train the run in the folder that is named; return the exit code."""
    folders = [word for word in arguments if word != "--resume"]
    if len(folders) != 1:
        print(__doc__)
        return 2
    directory = Path(folders[0]).absolute()
    reporter = Reporter(directory)
    try:
        stop = StopFlag()
        with own_device(directory, read_terms(directory), reporter.waiting):
            state = _train(directory, reporter, stop, resume="--resume" in arguments)
    except StopRequested:
        reporter.end(RunState.STOPPED, "stopped before the first step; nothing was saved")
        return 0
    except BaseException as error:  # noqa: BLE001  # the last line of defence: a reason in the status, all in the log
        traceback.print_exc()
        reporter.end(RunState.FAILED, explain(error))
        return 1
    reporter.end(state, _ENDS.get(state, "").format(step=reporter.step, id=directory.name))
    return 0


def _train(directory: Path, reporter: Reporter, stop: StopFlag, *, resume: bool) -> RunState:
    reporter.doing(RunState.PREPARING, "loading libraries (about 10 s)")
    # Imported here, so that the status already says so during the seconds it takes.
    from ftarena.recipes.load import load_recipe
    from ftarena.training.worker.training import train

    return train(directory, load_recipe(directory / RESOLVED_RECIPE), reporter, stop, resume=resume)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if due(sys.argv[1:]):
        # In this process's place, so that its memory, the card's above all, is free when they begin.
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, command_for(Path(sys.argv[1])))
    sys.exit(code)
