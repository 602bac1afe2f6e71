"""What a recipe may say about its data."""

from pathlib import Path
from typing import get_args

import pytest

from ftarena.curation.examples import Shape
from ftarena.curation.sources import Format
from ftarena.errors import UsageError
from ftarena.recipes.data_entries import DataEntry, path_of
from ftarena.recipes.load import dump_recipe, load_recipe
from ftarena.recipes.schema import Recipe


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two data files, and the shell in it."""
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"method: sft\nmodel_name_or_path: demo:smollm2\n{text}\n")
    return path


MIX = """
dataset:
  - {path: a.jsonl, weight: 2, max_samples: 100}
  - b.jsonl#10
  - path: a.jsonl
    shape: completion
    columns: {prompt: question, completion: answer}
replay_dataset: b.jsonl
"""


def test_an_entry_may_say_more_than_a_path(folder: Path) -> None:
    """I give one file twice the share of another and say what the columns of a third mean."""
    recipe = load_recipe(written(folder, MIX))
    first, second, third = recipe.dataset
    assert isinstance(first, DataEntry) and isinstance(third, DataEntry)
    assert (first.path, first.weight, path_of(first)[1]) == (str(folder / "a.jsonl"), 2, 100)
    assert second == f"{folder / 'b.jsonl'}#10" and path_of(second)[1] == 10
    assert third.columns == {"prompt": "question", "completion": "answer"}
    assert recipe.replay_ratio == 0.05, "replay without a ratio is 5 %"


def test_a_mix_reads_back_the_same(folder: Path) -> None:
    """The resolved recipe of a run with a mix does the same again, and says only what was said."""
    recipe = load_recipe(written(folder, MIX + "bad_rows: drop\n"))
    again = folder / "resolved.yaml"
    again.write_text(dump_recipe(recipe))
    assert load_recipe(again) == recipe
    assert "ranking" not in again.read_text() and "null" not in again.read_text()


def test_a_mix_on_the_command_line(folder: Path) -> None:
    """Everything a recipe may say can be typed, as YAML on one line."""
    said = {"dataset": "[{path: a.jsonl, weight: 2}, b.jsonl]", "replay-dataset": "{path: b.jsonl}"}
    recipe = load_recipe(written(folder, "dataset: nowhere.jsonl"), said)
    assert [path_of(entry)[0] for entry in recipe.dataset] == [f"{folder}/a.jsonl", f"{folder}/b.jsonl"]
    with pytest.raises(UsageError, match=r"--dataset \{path is not a list"):
        load_recipe(written(folder, ""), {"dataset": "{path"})


def test_an_entry_of_axolotl_is_kept_as_it_is(folder: Path) -> None:
    """I copy my `datasets:` from axolotl, and they mean what they meant there."""
    text = "datasets:\n  - path: a.jsonl\n    type: chat_template\n    field_messages: talk\n    split: train"
    notes: list[str] = []
    (entry,) = load_recipe(written(folder, text), on_note=notes.append).dataset
    assert isinstance(entry, DataEntry)
    assert (entry.foreign, entry.split) == ({"type": "chat_template", "field_messages": "talk"}, "train")
    assert notes == [f"{folder}/mine.yaml:3: datasets is understood as dataset"]
    again = Recipe.model_validate(
        {"method": "sft", "model_name_or_path": "m", "dataset": [entry.model_dump()]}
    )
    assert again.dataset == [entry]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset: {weight: 1}", "an entry needs a path"),
        ("dataset: {path: a.jsonl, wieght: 1}", "unknown key wieght, did you mean weight?"),
        ("dataset: {path: a.jsonl, weight: 0}", "weight: expected greater than 0"),
        ("dataset: {path: a.jsonl, weight: yes}", "weight: expected a number, not yes or no"),
        ("dataset: {path: a.jsonl, shape: chat}", "shape: expected 'messages', 'sharegpt'"),
        ("dataset: {path: a.jsonl#5, max_samples: 6}", "max_samples and the number behind"),
        ("dataset: {path: c.jsonl}", "mine.yaml:3: dataset: there is no file c.jsonl in"),
        ("dataset: a.jsonl\nreplay_ratio: 0.1", "replay_ratio is set, but there is no replay_dataset"),
        ("dataset: a.jsonl\nreplay_dataset: b.jsonl\nreplay_ratio: 1", "replay_ratio is 1: "),
        ("dataset: a.jsonl\neval_dataset: {path: b.jsonl, weight: 2}", "held-out rows are not mixed"),
        ("dataset: a.jsonl\nbad_rows: skip", "bad_rows is skip: expected 'error' or 'drop'"),
        ("dataset: a.jsonl\nmax_samples: 9", "write it behind a path, FILE#1000"),
        ("dataset: [[a.jsonl]]", "expected text, or an entry with a path"),
    ],
)
def test_what_an_entry_cannot_say_is_one_line(folder: Path, text: str, message: str) -> None:
    """A slip inside an entry is named with its key and what is expected."""
    with pytest.raises(UsageError) as error:
        load_recipe(written(folder, text))
    assert message in error.value.message and "\n" not in error.value.message


def test_what_is_no_file_may_be_elsewhere(folder: Path) -> None:
    """A folder, a hub's data set and a data set of a `dataset_info.json` are sources too."""
    (folder / "dataset_info.json").write_text("{}")
    names = ["tatsu-lab/alpaca", "tatsu-lab/alpaca:train#5", "dataset_info.json:identity#3", "."]
    recipe = load_recipe(written(folder, f"dataset: [{', '.join(names)}]"))
    assert recipe.dataset == [*names[:2], f"{folder}/dataset_info.json:identity#3", str(folder)]
    (folder / "data").mkdir()
    for typo in ("data/sft", "my/sft.jsonl"):
        with pytest.raises(UsageError, match=f"there is no file {typo} in"):
            load_recipe(written(folder, f"dataset: {typo}"))


def test_the_words_are_those_of_the_readers() -> None:
    """Every shape and format that can be read can be asked for, and nothing else."""
    fields = DataEntry.model_fields
    assert set(get_args(get_args(fields["shape"].annotation)[0])) == set(get_args(Shape))
    assert set(get_args(get_args(fields["format"].annotation)[0])) == set(get_args(Format))
