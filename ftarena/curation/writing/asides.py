"""The unfinished file beside the one that is being written, and what a killed program left of such.

An aside is called `.NAME.PID-HEX.part`. Who writes NAME next removes those whose program is gone.
"""

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil

_LONGEST = 200  # of a name, so that what is added fits into the 255 bytes of most file systems
_ALIVE_S = 3600
"""A file that was written to so recently is left alone: on a share its program may be on another machine, and
a table is first put aside as lines, in which time nothing is written here."""


def aside_of(path: Path) -> Path:
    """Return where a file is written until it is whole; leftovers of earlier tries are removed.

    Args:
        path: The name that it will have; its folder must be there.
    """
    name = path.name[:_LONGEST]
    made = re.compile(rf"\.{re.escape(name)}\.(\d+)-[0-9a-f]{{8}}\.part")
    with suppress(OSError):  # a folder that may not be listed may still be written to
        for other in path.parent.iterdir():
            match = made.fullmatch(other.name)
            if (
                match
                and not psutil.pid_exists(int(match[1]))
                and time.time() - other.stat().st_mtime > _ALIVE_S
            ):
                other.unlink(missing_ok=True)
    return path.with_name(f".{name}.{os.getpid()}-{uuid4().hex[:8]}.part")
