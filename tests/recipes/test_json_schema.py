"""The JSON Schema of a recipe, as an editor uses it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ftarena.errors import UsageError
from ftarena.recipes.json_schema import recipe_schema
from ftarena.recipes.load import dump_recipe, load_recipe
from ftarena.recipes.names import ALIASES
from ftarena.recipes.presets import presets
from ftarena.recipes.schema import Recipe

CONFIGS = Path(__file__).parents[2] / "configs"


class _Yaml12(yaml.SafeLoader):
    """Reads `1e-4` as a number, as editors do."""


_Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def complaints(value: Any) -> list[str]:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    validator.check_schema(recipe_schema())
    return [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for error in validator(recipe_schema()).iter_errors(value)
    ]


def read(text: str) -> Any:
    return yaml.load(text, Loader=_Yaml12)  # a SafeLoader


@pytest.mark.parametrize(
    "path",
    [*sorted(CONFIGS.glob("*.yaml")), *(preset.path for preset in presets())],
    ids=lambda path: path.name,
)
def test_every_recipe_that_comes_along_fits(path: Path) -> None:
    """My editor finds nothing wrong with the recipes that I am told to start from."""
    values = {"dataset": "mine.jsonl", "model_name_or_path": "mine", **read(path.read_text())}
    assert complaints(values) == []


@pytest.mark.parametrize("method", ["sft", "dpo", "kto", "grpo"])
def test_a_resolved_recipe_fits(tmp_path: Path, method: str) -> None:
    """What the program writes down fits what it says a recipe is."""
    (tmp_path / "data.jsonl").write_text("{}\n")
    keys = {"method": method, "model": "demo:smollm2", "data": str(tmp_path / "data.jsonl")}
    recipe = load_recipe(None, keys | ({"reward_funcs": "length"} if method == "grpo" else {}))
    assert complaints(read(dump_recipe(recipe))) == []


BASE: dict[str, Any] = {"method": "sft", "model_name_or_path": "demo:smollm2", "dataset": "data.jsonl"}


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rat": 1e-4},
        {"learning_rate": 2},
        {"learning_rate": "fast"},
        {"lora_r": 0},
        {"method": "ppo"},
        {"tuning": "last-0"},
        {"optim": "adamw_tocrh"},
        {"report_to": ["tensorbord"]},
        {"too_long": "ignore"},
        {"per_device_train_batch_size": "big"},
        {"dataset": [{"weight": 2}]},
        {"dataset": [{"path": "a", "wieght": 2}]},
        {"dataset": []},
    ],
)
def test_what_the_program_refuses_the_editor_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    """A wrong value is underlined while I type, and it is one that the program would refuse as well."""
    (tmp_path / "data.jsonl").write_text("{}\n")
    (tmp_path / "a").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    assert complaints({**BASE, **values})
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({**BASE, **values}))
    with pytest.raises(UsageError):
        load_recipe(Path("r.yaml"))


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 2e-4, "lora_target_modules": "all-linear", "report_to": "wandb"},
        {"learning_rate": None, "name": 2024, "eval_split": 0.1, "per_device_train_batch_size": "auto"},
        {"dataset": {"path": "data.jsonl", "weight": 2, "columns": {"prompt": "q"}}},
        {"dataset": [{"path": "data.jsonl", "type": "alpaca", "field_messages": "m"}, "data.jsonl#5"]},
        {"tuning": "last-4"},
    ],
)
def test_what_the_program_takes_the_editor_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    """The short forms (one item for a list, nothing for an option) are not underlined."""
    (tmp_path / "data.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    assert complaints({**BASE, **values}) == []
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({**BASE, **values}))
    load_recipe(Path("r.yaml"))


def test_each_key_is_explained() -> None:
    """Hovering over a key shows what it means, its default, and the names that other tools have for it."""
    properties = recipe_schema()["properties"]
    assert list(properties) == list(Recipe.model_fields)
    assert all(len(form["description"]) > 20 for form in properties.values())
    assert properties["lora_r"]["default"] == 16 and properties["lora_r"]["anyOf"][0]["minimum"] == 1
    assert "Methods: kto." in properties["desirable_weight"]["description"]
    for alias, name in ALIASES.items():
        assert alias in properties[name]["description"]


def test_examples_fit_the_schema_they_explain() -> None:
    """What an editor offers as an example is valid itself."""
    for name, form in recipe_schema()["properties"].items():
        for example in form.get("examples", []):
            found = [line for line in complaints({**BASE, name: example}) if line.startswith(name)]
            assert found == [], name
