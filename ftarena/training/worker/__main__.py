"""`python -m ftarena.training.worker RUN_DIRECTORY`: the detached process that trains one run.

Everything it has to say is in the run's folder; its exit code is 0 where it finished or was stopped, 1 where
it failed.
"""

import sys
import traceback
from pathlib import Path

from ftarena.recipes.load import load_recipe
from ftarena.training.runs import RESOLVED_RECIPE, RunState
from ftarena.training.worker.failures import explain
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag, StopRequested


def main(arguments: list[str]) -> int:
    """Train the run in the folder that is named; return the exit code."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    directory = Path(arguments[0]).absolute()
    reporter = Reporter(directory)
    try:
        stop = StopFlag()
        recipe = load_recipe(directory / RESOLVED_RECIPE)
        reporter.doing(RunState.PREPARING, "loading libraries (about 10 s)")
        # Imported here, so that the status already says so during the seconds it takes.
        from ftarena.training.worker.machine import use_one_card
        from ftarena.training.worker.training import train

        use_one_card()
        state = train(directory, recipe, reporter, stop)
    except StopRequested:
        reporter.end(RunState.STOPPED, "stopped before the first step; nothing was saved")
        return 0
    except Exception as error:  # noqa: BLE001  # the last line of defence: a reason in the status, all in the log
        traceback.print_exc()
        reporter.end(RunState.FAILED, explain(error))
        return 1
    reporter.end(state, f"stopped on request after step {reporter.step}" if state is RunState.STOPPED else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
