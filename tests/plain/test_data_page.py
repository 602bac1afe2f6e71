"""docs/data.md is what happens: its commands are run in order, and print what it says."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from ftarena import cli
from ftarena.curation.decisions import ledger
from ftarena.recipes.schema import Recipe

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
FILES = dict(re.findall(r"`([\w.]+\.jsonl)`:\n\n```jsonl\n(.*?)```", PAGE, re.DOTALL))
STEPS = [
    (line, said)
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line, said in re.findall(r"^\$ ftarena (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
]


def test_everything_that_can_be_done_is_on_the_page() -> None:
    """Each command of `ftarena data` is there with an example."""
    words = {line.split()[1] for line, _ in STEPS if line.startswith("data ")}
    done = {"show", "exclude", "edit", "relabel", "undo", "decisions", "apply", "convert", "split", "mix"}
    assert words == done
    assert set(FILES) == {"support.jsonl", "pairs.jsonl", "general.jsonl"}


def test_the_page_is_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """I type what the page types, and read what it says that I read."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    before = (tmp_path / "support.jsonl").read_bytes()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FTARENA_HOME", str(tmp_path / ".ftarena"))
    monkeypatch.setenv("FTARENA_LABELER", "ana")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(ledger, "now", lambda: "2026-03-02T09:30:00+00:00")
    for line, said in STEPS:
        monkeypatch.setattr(sys, "argv", ["ftarena", *shlex.split(line)])
        with pytest.raises(SystemExit):
            cli.main()
        printed = capsys.readouterr()
        assert printed.out + printed.err == said, line
    assert (tmp_path / "support.jsonl").read_bytes() == before


def test_the_recipes_of_the_page_are_understood() -> None:
    """What the page writes into a recipe, a recipe may say."""
    found = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 2
    for text in found:
        base = {"method": "sft", "model_name_or_path": "demo:smollm2"}
        Recipe.model_validate({**base, **yaml.safe_load(text)})
