"""A recipe alone never gets a Python file executed."""

from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.recipes.load import load_recipe
from ftarena.training.jobs import start_run
from ftarena.training.permissions import ALLOW_CODE, allow_code, allowed, check_code
from ftarena.workspace import Workspace


def test_code_runs_only_where_i_said_so(tmp_path: Path) -> None:
    """Without the flag my file is not run; with it, it is."""
    file = tmp_path / "rewards.py"
    file.write_text("def short(completions, **_): return [0.0 for _ in completions]\n")
    assert not allowed(tmp_path, file)
    allow_code(tmp_path, file)
    assert allowed(tmp_path, file)


def test_a_run_that_could_not_begin_is_refused_at_once(tmp_path: Path) -> None:
    """A missing reward file, or one without --allow-code, is told now and not hours later in a queue."""
    file = tmp_path / "rewards.py"
    check_code(None, asked=False)
    with pytest.raises(FtarenaError, match=r"rewards\.py cannot be read"):
        check_code(str(file), asked=True)
    file.write_text("one = 1\n")
    with pytest.raises(FtarenaError, match="may not be run") as refused:
        check_code(str(file), asked=False)
    assert "--allow-code" in refused.value.hint
    check_code(str(file), asked=True)


def test_a_recipe_that_names_code_does_not_start_without_leave(tmp_path: Path) -> None:
    """`ftarena grpo --reward-file …` without --allow-code is refused before a run is laid down."""
    data, code = tmp_path / "q.jsonl", tmp_path / "mine.py"
    data.write_text('{"prompt": "q"}\n' * 8)
    code.write_text("def mine(completions, **_): return [0.0 for _ in completions]\n")
    keys = {"method": "grpo", "model_name_or_path": "demo:smollm2", "dataset": str(data)}
    recipe = load_recipe(None, {**keys, "reward_funcs": "mine", "reward_file": str(code)})
    workspace = Workspace(tmp_path / "home")
    with pytest.raises(FtarenaError, match="may not be run"):
        start_run(recipe, workspace)
    code.unlink()
    with pytest.raises(FtarenaError, match="cannot be read"):
        start_run(recipe, workspace, allow_code=True)
    assert not workspace.runs.exists()


def test_a_changed_file_is_not_what_i_allowed(tmp_path: Path) -> None:
    """What I looked at and allowed is what is run, nothing that was put there later."""
    file = tmp_path / "rewards.py"
    file.write_text("one = 1\n")
    allow_code(tmp_path, file)
    file.write_text("two = 2\n")
    assert not allowed(tmp_path, file)


def test_a_missing_or_spoilt_permission_is_none(tmp_path: Path) -> None:
    """A folder that says nothing, or nonsense, allows nothing."""
    file = tmp_path / "rewards.py"
    with pytest.raises(FtarenaError, match=r"rewards\.py cannot be read"):
        allow_code(tmp_path, file)
    file.write_text("one = 1\n")
    (tmp_path / ALLOW_CODE).write_text("[")
    assert not allowed(tmp_path, file)
    assert not allowed(tmp_path, tmp_path / "gone.py")
