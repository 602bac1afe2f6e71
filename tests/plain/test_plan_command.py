"""`ftarena plan`, `ftarena recipe presets`, and a preset where a recipe would be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.plain.plan import plan_lines, plan_recipe
from ftarena.plain.presets import list_presets
from ftarena.recipes.load import load_recipe
from ftarena.training.plan import card_named, plan_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Path:
    """A recipe of a tiny model with thirty answers."""
    data = tmp_path / "mine.jsonl"
    rows = [{"prompt": f"Question {number}?", "completion": "An answer. " * 9} for number in range(30)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "mine.yaml"
    file.write_text(
        f"method: sft\nmodel_name_or_path: {tiny_model}\ndataset: {data}\n"
        "per_device_train_batch_size: 4\ngradient_accumulation_steps: 2\n"
    )
    return file


def test_a_plan_reads_like_a_table(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I see steps, memory line by line, time and disk in 80 columns, and last of all whether it fits."""
    code = plan_recipe(recipe, {}, gpu="24GB")

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    assert "steps   4, 1 epoch of 4; batch 4 × 2" in lines
    assert lines[-1].startswith("fits: yes, ") and lines[-1].endswith(" GiB to spare")
    assert any("at the peak" in line and "of 24.0 GiB" in line for line in lines)
    assert any("scaled from an H100's figures" in line for line in lines)


def test_a_plan_that_does_not_fit_ends_with_the_command_that_does(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """I copy the last line, and it fits; each key is given once, with what I typed and what must change."""
    keys = {"max_length": "1024", "per_device_train_batch_size": "512"}

    code = plan_recipe(recipe, keys, gpu="1GB")

    last = capsys.readouterr().out.splitlines()[-1]
    words = last.split()
    assert code == 1
    assert words[:3] == ["ftarena", "train", str(recipe)]
    assert words.count("--per-device-train-batch-size") == 1


def test_programs_read_the_plan(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Parts add up to the whole."""
    assert plan_recipe(recipe, {"max_steps": "7"}, gpu="H100 80GB", as_json=True) == 0

    plan = json.loads(capsys.readouterr().out)
    assert plan["steps"] == 7
    assert plan["peak_bytes"] == pytest.approx(sum(line["bytes"] for line in plan["memory"]), abs=2)
    assert 60 * plan["minutes"] == pytest.approx(sum(line["seconds"] for line in plan["time"]), abs=1)
    assert plan["card"]["name"] == "H100 80GB"
    assert plan["remedies"] == []


def test_a_card_that_nobody_knows_is_said(recipe: Path) -> None:
    """A typing error in the card is an error, not some other card."""
    with pytest.raises(FtarenaError, match="no card is called"):
        plan_recipe(recipe, {}, gpu="H9000")


def test_nothing_foreign_reaches_the_terminal(recipe: Path, tiny_model: Path) -> None:
    """A model's folder with an escape sequence in its name cannot repaint my terminal."""
    plan = plan_of(load_recipe(recipe), card=card_named("24GB"))
    strange = plan.recipe.model_copy(update={"model_name_or_path": "a\x1b[2Jb"})
    object.__setattr__(plan, "recipe", strange)
    assert not any("\x1b" in line for line in plan_lines(plan, "mine.yaml", {}))


def test_presets_are_listed_with_their_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """I see what comes along and how to run it."""
    assert list_presets() == 0
    said = capsys.readouterr().out
    assert "24gb-7b-lora\n" in said and "  ftarena train 24gb-7b-lora --dataset my-answers.jsonl\n" in said
    assert list_presets(as_json=True) == 0
    assert all(Path(row["file"]).is_file() for row in json.loads(capsys.readouterr().out))


def test_a_preset_stands_where_a_recipe_would(recipe: Path, tiny_model: Path, tmp_path: Path) -> None:
    """From any folder, without a file: the preset's name, my data, my model."""
    command = [sys.executable, "-m", "ftarena", "plan", "24gb-7b-lora", "--json", "--gpu", "24GB"]
    command += ["--dataset", str(tmp_path / "mine.jsonl"), "--model", str(tiny_model)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert json.loads(done.stdout)["choices"]["budget"] == 0.45


def test_a_file_of_that_name_wins(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in my folder is mine, whatever it is called."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cpu-tiny").write_text(recipe.read_text() + "name: own\n")
    assert load_recipe(Path("cpu-tiny")).name == "own"
