"""The verbs: a run without a recipe, and help that says what its keys are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ftarena import cli
from ftarena.cli.train import VERBS
from ftarena.errors import UsageError
from ftarena.plain.recipe_help import key_lines
from ftarena.plain.train import parse_overrides, recipe_path, verb_overrides
from ftarena.recipes.catalogue import METHODS, as_yaml, groups, key_named
from ftarena.recipes.schema import BELONGS, Recipe


def ftarena(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ftarena", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "FTARENA_HOME": str(folder / "home"), "NO_COLOR": "1"},
    )


def test_every_method_is_a_verb() -> None:
    """Whatever a recipe's method may be, I can type as a command."""
    assert tuple(VERBS) == METHODS


def test_a_verb_needs_no_recipe(tmp_path: Path) -> None:
    """I name a model, a file and two keys, and see the recipe that it comes to."""
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n')
    words = ["--model", "demo:smollm2", "--data", "pairs.jsonl#5", "--beta=0.3", "--max-steps", "7"]
    done = ftarena("dpo", *words, "--dry-run", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    recipe = yaml.safe_load(done.stdout)
    assert recipe["dataset"] == [f"{tmp_path / 'pairs.jsonl'}#5"]
    assert (recipe["method"], recipe["name"], recipe["beta"], recipe["max_steps"]) == ("dpo", "dpo", 0.3, 7)
    assert not (tmp_path / "home" / "runs").exists()


def test_a_dry_run_refuses_what_the_run_would_refuse(tmp_path: Path) -> None:
    """`ftarena dpo --data sft.jsonl --dry-run` tells that these rows hold no pairs."""
    (tmp_path / "sft.jsonl").write_text('{"prompt": "q", "completion": "a"}\n')
    done = ftarena("dpo", "-m", "demo:smollm2", "--data", "sft.jsonl", "--dry-run", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "dpo trains on" in done.stderr


def test_a_verbs_help_at_80_columns(tmp_path: Path) -> None:
    """`ftarena kto --help` shows KTO's keys with default and meaning, and nobody else's."""
    done = ftarena("kto", "--help", folder=tmp_path)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "--desirable-weight" in done.stdout and "--learning-rate  [5e-06" in done.stdout
    assert not re.search(r"--(packing|simpo-gamma|reward-funcs|method)\b", done.stdout)
    assert [line for line in done.stdout.splitlines() if re.match(r"\w.*:$", line)] == [
        "Options:",
        *(f"{group.title}:" for group in groups("kto")),
    ]


@pytest.mark.parametrize("method", METHODS)
def test_each_key_has_its_place_and_its_meaning(method: str) -> None:
    """No key is missing from the help of a method that has it, and each says something."""
    lines = [line for _, lines in key_lines(method, width=78) for line in lines]
    listed = [line.split()[0][2:].replace("-", "_") for line in lines if line.startswith("  --")]
    wanted = [key for key in Recipe.model_fields if method in BELONGS.get(key, METHODS)]
    assert sorted([*listed, "method", "model_name_or_path", "dataset"]) == sorted(wanted)
    assert all(len(key.gist) > 10 and not key.gist.endswith("al") for group in groups() for key in group.keys)


def test_a_list_may_be_given_in_pieces() -> None:
    """`--data a --data b` is both files; a number given twice is a slip, and said."""
    assert parse_overrides(["--report-to", "wandb", "--report-to", "trackio"]) == {
        "report_to": '["wandb", "trackio"]'
    }
    found = verb_overrides("sft", "demo:smollm2", ["a.jsonl", "b, c.jsonl"], {})
    assert json.loads(found["dataset"]) == ["a.jsonl", "b, c.jsonl"]
    with pytest.raises(UsageError, match="--lora-r is given twice"):
        parse_overrides(["--lora-r", "8", "--lora-r=4"])


def test_what_a_verb_lacks_is_named() -> None:
    """Without a model or data I am told which option is missing; the long names count as well."""
    with pytest.raises(UsageError, match="ftarena sft needs --model and --data"):
        verb_overrides("sft", None, [], {})
    with pytest.raises(UsageError, match="needs --data"):
        verb_overrides("sft", None, [], {"base_model": "demo:smollm2"})
    with pytest.raises(UsageError, match="--method is dpo, but the command is sft"):
        verb_overrides("sft", "m", ["d"], {"method": "dpo"})
    assert verb_overrides("sft", None, [], {"base_model": "m", "dataset": "d"})["method"] == "sft"


def test_a_recipe_behind_its_keys() -> None:
    """I wrote the keys first: I am told the order, not that a file called --packing is missing."""
    assert recipe_path("a.yaml") == Path("a.yaml")
    with pytest.raises(UsageError, match="goes before its keys"):
        recipe_path("--packing")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], {}),
        (["--queue", "--force"], {"queue": True, "force": True}),
        (["--after", "sft-1", "--allow-code"], {"after": "sft-1", "allow_code": True}),
    ],
)
@pytest.mark.parametrize("by_file", [True, False])
def test_what_i_ask_for_reaches_the_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    asked: dict[str, object],
    by_file: bool,
) -> None:
    """`--after`, `--queue`, `--force` and `--allow-code` mean the same with a recipe and with a verb."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FTARENA_HOME", str(tmp_path / "home"))
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    (tmp_path / "r.yaml").write_text("method: sft\nmodel_name_or_path: demo:smollm2\ndataset: rows.jsonl\n")
    found: dict[str, object] = {}

    def start(recipe: Recipe, workspace: object, file: Path | None, **keys: object) -> SimpleNamespace:
        found.update(keys, file=file, max_steps=recipe.max_steps)
        return SimpleNamespace(id="sft-2", method="sft", directory=tmp_path)

    monkeypatch.setattr("ftarena.plain.train.start_training", start)
    monkeypatch.setattr("ftarena.plain.train.is_ready", lambda ref: True)
    start_words = ["train", "r.yaml"] if by_file else ["sft", "-m", "demo:smollm2", "--data", "rows.jsonl"]
    monkeypatch.setattr(sys, "argv", ["ftarena", *start_words, "--max-steps", "3", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    found.pop("tell")
    usual = {"after": None, "queue": False, "force": False, "allow_code": False}
    assert found == usual | asked | {"file": Path("r.yaml") if by_file else None, "max_steps": 3}
    said = capsys.readouterr()
    assert said.out == "sft-2\n" and "ftarena runs watch sft-2" in said.err


def test_a_default_is_written_as_in_a_recipe() -> None:
    """What help shows as a default can be typed as it stands."""
    assert as_yaml(["a", "b"]) == "[a, b]" and as_yaml(True) == "true" and as_yaml(None) == "unset"
    assert key_named("beta").default_for("simpo") == "2.0"
    assert key_named("loss_type").default_for("dpo") == "[sigmoid, sft]"
