"""`python -m ftarena.arena.making_room WORKSPACE`: send a workspace's engines to sleep, and wait for it.

The worker of a run that had to wait runs it when its turn has come; running answers are finished first.
"""

import sys
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.processes import python_module
from ftarena.serving.engine import list_engines
from ftarena.workspace import Workspace


def send_to_sleep(workspace: Workspace) -> None:
    """Let every engine give the card's memory away.

    Raises:
        FtarenaError: One of them does not answer.
    """
    for engine in list_engines(workspace):
        engine.sleep()


def command_for(workspace: Workspace) -> list[str]:
    """Return the command line that does it for this workspace."""
    return python_module(__name__, str(workspace.root.absolute()))[0]


def main(arguments: list[str]) -> int:
    """Do it; return the exit code, 1 where an engine did not answer."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    try:
        send_to_sleep(Workspace(Path(arguments[0])))
    except FtarenaError as error:
        print(f"the engines could not be sent to sleep: {error.message}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
