"""The documentation says what the program does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_reference_is_what_the_program_says() -> None:
    """Help pasted into the docs cannot fall behind the program."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/votes.md",
        "docs/data.md",
        "docs/importing.md",
        "docs/recipes.md",
        "data/demo/README.md",
    ],
)
def test_every_link_leads_somewhere(page: str) -> None:
    """A newcomer who clicks finds the file."""
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not missing
