"""The command line: parses, builds, calls. What a command does lives in `plain/` or `tui/`.

Imports of rooms stand inside the commands, so that `ftarena --help` pays for typer alone.

Exit codes: 0 done · 1 something is wrong with the data, a run, an engine or the machine · 2 the command line
or a recipe says something impossible · 130 interrupted.
"""

from ftarena.cli.main import main

__all__ = ["main"]
