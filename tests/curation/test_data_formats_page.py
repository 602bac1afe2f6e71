"""docs/data-formats.md says what is so: its examples are read and its commands run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ftarena.curation.examples import Shape
from ftarena.curation.formats import ENDINGS
from ftarena.curation.reading import read_examples
from ftarena.curation.shapes.columns import NAMES, TAGS
from ftarena.recipes.data_entries import DataEntry
from ftarena.training.data import sources_of

PAGE = (Path(__file__).parents[2] / "docs" / "data-formats.md").read_text()
SECTIONS = dict(part.split("`\n", 1) for part in re.split(r"^### `", PAGE, flags=re.MULTILINE)[1:])
SHAPES = {shape: text.split("```jsonl\n")[1].split("```")[0] for shape, text in SECTIONS.items()}
FILES = dict(re.findall(r"`([\w.]+)`:\n\n```(?:jsonl|json|csv|yaml)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_shape_has_its_example() -> None:
    """Whoever looks for a shape finds it."""
    assert list(SHAPES) == [
        "messages",
        "sharegpt",
        "alpaca",
        "completion",
        "preference",
        "kto",
        "text",
        "reference",
        "prompt",
    ]
    assert set(SHAPES) == set(get_args(Shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_an_example_has_the_shape_it_stands_for(tmp_path: Path, shape: str) -> None:
    """I copy two lines and go on from there."""
    path = tmp_path / "rows.jsonl"
    path.write_text(SHAPES[shape])
    reading = read_examples(path)
    assert [example.shape for example in reading.examples] == [shape, shape], reading.problems


def test_the_recipes_entries_are_read(folder: Path) -> None:
    """Columns and tags mean in a recipe what the page says."""
    (recipe,) = re.findall(r"```yaml\n(dataset:.*?)```", PAGE, re.DOTALL)
    for entry in yaml.safe_load(recipe)["dataset"]:
        (source,) = sources_of(DataEntry.model_validate(entry))
        reading = read_examples(source)
        assert len(reading.examples) == 2 and not reading.problems
        assert reading.examples[0].question == "Where am I?"
        assert reading.examples[0].completion[0].content == "Type pwd."


def test_the_commands_run(folder: Path) -> None:
    """What the page types can be typed, and finds no errors."""
    program = folder / "bin" / "ftarena"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ftarena "$@"\n')
    program.chmod(0o755)
    shell = shutil.which("bash")
    assert shell and len(COMMANDS) == 5
    for command in COMMANDS:
        done = subprocess.run(
            [shell, "-c", command],
            env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "FTARENA_HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "2 examples" in done.stdout, f"{command}\n{done.stdout}"


def test_the_names_are_all_there() -> None:
    """No name, tag or ending is missing from the page."""
    lists = PAGE.partition("Our names are ")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", lists))
    assert named <= set(NAMES) | set(TAGS)
    assert {"messages", "prompt", "completion", "chosen", "rejected", "label", "role", "content"} <= named
    assert all(f"`{ending}`" in PAGE for ending in ENDINGS)


def test_every_link_leads_somewhere() -> None:
    """Whoever clicks finds the page and the place on it."""
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    places = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for page, place in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", PAGE):
        assert (Path(__file__).parents[2] / "docs" / page).exists() and (page or place in places)
