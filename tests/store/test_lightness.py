"""Opening an arena must not cost a front end its memory."""

import subprocess
import sys
from pathlib import Path

_CODE = """
import resource, sys
from pathlib import Path
from ftarena.store import Store
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Store.open(Path(sys.argv[1])) as store:
    store.add_contestant("base")
taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
heavy = {"pandas", "numpy", "torch", "transformers", "textual", "httpx"} & set(sys.modules)
print(taken, "sqlite_utils" in sys.modules, ",".join(sorted(heavy)))
"""


def _open(path: Path) -> tuple[int, bool, str]:
    result = subprocess.run(
        [sys.executable, "-c", _CODE, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    taken, sqlite_utils, *heavy = result.stdout.split()
    return int(taken), sqlite_utils == "True", "".join(heavy)


def test_a_new_arena_loads_nothing_heavy(tmp_path: Path) -> None:
    """Creating an arena takes a few MB; sqlite-utils comes without the pandas it would take along (80 MB)."""
    taken_kb, sqlite_utils, heavy = _open(tmp_path / "arena.db")
    assert sqlite_utils
    assert heavy == ""
    assert taken_kb < 25_000


def test_an_arena_that_is_up_to_date_loads_less(tmp_path: Path) -> None:
    """Opening it again does not even load sqlite-utils."""
    _open(tmp_path / "arena.db")
    taken_kb, sqlite_utils, heavy = _open(tmp_path / "arena.db")
    assert not sqlite_utils
    assert heavy == ""
    assert taken_kb < 10_000
