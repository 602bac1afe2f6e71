"""`python -m ftarena.training.worker RUN_DIRECTORY [--resume]`: the detached process that trains one run.

Everything it has to say is in the run's folder; its exit code is 0 where it finished, was stopped or paused,
1 where it failed. While it waits for its turn it is small: torch is loaded when the device is its own.
"""

import logging
import os
import sys
import traceback
from pathlib import Path

from ftarena.processes import read_json
from ftarena.training.holding import WORKING, Held, hold
from ftarena.training.queueing import LINGERING_S, own_device
from ftarena.training.runs import RESOLVED_RECIPE, STATUS, RunState
from ftarena.training.terms import read_terms
from ftarena.training.worker.afterwards import command_for, due
from ftarena.training.worker.beforehand import prepare
from ftarena.training.worker.failures import explain
from ftarena.training.worker.log import never_fail
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
    try:
        # A worker that has said its last word is gone a second or two later.
        with hold(directory, WORKING, wait_s=LINGERING_S):
            if read_json(directory / STATUS).get("state") == RunState.FINISHED:
                print(f"{directory.name} has finished while this process waited for it: nothing is done")
                return 1
            return _work(directory, resume="--resume" in arguments)
    except Held:
        print(f"another process trains {directory.name}: nothing is done")
        return 1


def _work(directory: Path, *, resume: bool) -> int:
    reporter = Reporter(directory)
    try:
        stop = StopFlag()
        terms = read_terms(directory)
        with own_device(directory, terms, reporter.waiting):
            prepare(directory, terms, reporter)
            state = _train(directory, reporter, stop, resume=resume)
    except StopRequested:
        reporter.end(RunState.STOPPED, "stopped before the first step; nothing was saved")
        return 0
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  # the last line of defence
        # A reason in the status, all in the log.
        traceback.print_exc()
        reporter.end(RunState.FAILED, explain(error))
        return 1
    reporter.end(state, _ENDS.get(state, "").format(step=reporter.step, id=directory.name))
    return 0


def _train(directory: Path, reporter: Reporter, stop: StopFlag, *, resume: bool) -> RunState:
    reporter.doing(RunState.PREPARING, "loading libraries (about 10 s)")
    # bitsandbytes, which PEFT imports where it is, advises on a CPU to install one more package.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    # Imported here, so that the status already says so during the seconds it takes.
    from ftarena.recipes.load import load_recipe
    from ftarena.training.worker.training import train

    return train(directory, load_recipe(directory / RESOLVED_RECIPE), reporter, stop, resume=resume)


if __name__ == "__main__":
    never_fail()
    code = main(sys.argv[1:])
    if due(sys.argv[1:]):
        # In this process's place, so that its memory, the card's above all, is free when they begin.
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, command_for(Path(sys.argv[1])))
    sys.exit(code)
