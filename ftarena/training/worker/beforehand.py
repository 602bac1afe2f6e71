"""What is done when a run's turn has come, before it takes the device: commands that are waited for.

One that fails is told in the events, and the run goes on: whether it has what it needs shows soon enough.
"""

import subprocess
from pathlib import Path

from ftarena.text import clean_line
from ftarena.training.runs import RunState
from ftarena.training.terms import RUN_FOLDER, Terms
from ftarena.training.worker.reporter import Reporter

TIMEOUT_S = 600.0
"""Running answers are finished first; an engine that needs longer than this has other troubles."""


def prepare(directory: Path, terms: Terms, reporter: Reporter) -> None:
    """Run the commands that come before a run, one after the other; what they print is in its log.

    Args:
        directory: The run's folder.
        terms: How it was asked to start.
        reporter: Told what happens.
    """
    for words in terms.beforehand:
        # Said first: from now on the device counts as taken, and nobody wakes what is put to sleep here.
        reporter.doing(RunState.PREPARING, "making room")
        command = [word.replace(RUN_FOLDER, str(directory)) for word in words]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                cwd=terms.folder,
                timeout=TIMEOUT_S,
                check=False,
                start_new_session=True,
            )
            why = f"exit code {done.returncode}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            why = clean_line(str(error))
        if why:
            reporter.event("no-room-made", f"what was to make room for the run failed: {why}; it goes on")
