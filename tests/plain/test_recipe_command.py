"""`ftarena recipe`: presets, the schema, and what a program reads of an import."""

import json
from pathlib import Path

import pytest
import yaml

from ftarena.errors import UsageError
from ftarena.plain.presets import list_presets, show_preset
from ftarena.plain.recipe import import_file, print_schema
from ftarena.recipes.presets import presets


def test_presets_are_listed_with_their_command(capsys: pytest.CaptureFixture[str]) -> None:
    """I see what comes along, what each is for, and what to type."""
    assert list_presets(as_json=False) == 0
    said = capsys.readouterr().out
    for preset in presets():
        assert f"{preset.name}\n" in said and f"ftarena train {preset.name}" in said
    assert list_presets(as_json=True) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == {each.name for each in presets()}


def test_a_preset_is_a_file_to_start_from(capsys: pytest.CaptureFixture[str]) -> None:
    """`ftarena recipe show NAME > mine.yaml` is the preset with all its advice."""
    name = presets()[0].name
    assert show_preset(name) == 0
    assert yaml.safe_load(capsys.readouterr().out)["method"]
    with pytest.raises(UsageError, match=f"did you mean {name}"):
        show_preset(f"{name}x")


def test_the_schema_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """`ftarena recipe schema > FILE` is all that an editor needs."""
    assert print_schema() == 0
    said = json.loads(capsys.readouterr().out)
    assert said["$schema"].endswith("2020-12/schema") and "learning_rate" in said["properties"]


def test_an_import_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` gives the recipe, the three groups, and what is missing here, as one object."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lf.yaml").write_text(
        "stage: sft\nmodel_name_or_path: demo:smollm2\nfinetuning_type: lora\ndataset: mine\ncutoff_len: 64\n"
        "deepspeed: ds.json\ntemplate: llama3\n"
    )
    assert import_file(Path("lf.yaml"), None, data_folder=None, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["tool"] == "LLaMA-Factory"
    assert [remark["key"] for remark in said["lost"]] == ["deepspeed"] and said["lost"][0]["instead"]
    assert [remark["key"] for remark in said["needless"]] == ["template"]
    assert yaml.safe_load(said["recipe"])["max_length"] == 64
    assert "no dataset_info.json in data, which would say where mine is" in said["missing"][0]


def test_types_that_are_not_read_are_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry of axolotl whose type is not read here is in the report, not a surprise later."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ax.yaml").write_text(
        "base_model: demo:smollm2\nadapter: lora\nsequence_len: 64\ndatasets:\n  - path: org/steps\n"
        "    type: stepwise_supervised\n"
    )
    assert import_file(Path("ax.yaml"), Path("ours.yaml"), data_folder=None, as_json=False) == 0
    assert "type 'stepwise_supervised' is not read" in capsys.readouterr().err
