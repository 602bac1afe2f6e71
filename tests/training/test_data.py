"""Which examples a run sees."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from ftarena.curation.decisions.identity import item_at
from ftarena.curation.decisions.ledger import Decisions
from ftarena.curation.reading import DataError
from ftarena.curation.sources import source_of
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe
from ftarena.training.data import load_data, write_dropped


def rows(path: Path, *questions: str) -> Path:
    lines = (json.dumps({"prompt": question, "completion": "a"}) + "\n" for question in questions)
    path.write_text("".join(lines))
    return path


def recipe(**keys: object) -> Recipe:
    base = {"method": "sft", "model_name_or_path": "demo:smollm2"}
    return Recipe.model_validate({**base, **keys}).resolved()


def test_what_was_trained_on_is_written_down(tmp_path: Path) -> None:
    """A year later I can tell which rows of which file made this adapter."""
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"q{n}", "completion": "a"}) + "\n" for n in range(20)))
    recipe = Recipe(
        method="sft", model_name_or_path="demo:smollm2", dataset=[f"{path}#10"], eval_dataset=[str(path)]
    )
    data = load_data(recipe.resolved())
    assert (len(data.train), len(data.heldout)) == (10, 20)
    (entry,) = data.lock["train"]
    assert (entry["rows"], entry["used"], len(entry["sha256"])) == (20, 10, 64)


def test_holding_out_everything_is_refused(tmp_path: Path) -> None:
    """A split that leaves nothing to train on is said, not trained on."""
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    recipe = Recipe(method="sft", model_name_or_path="demo:smollm2", dataset=[str(path)], eval_split=1)
    with pytest.raises(FtarenaError, match="none would be left to train on"):
        load_data(recipe.resolved())


def test_sources_are_mixed_by_weight_with_replay(tmp_path: Path) -> None:
    """Twice as much of one file as of another, and a tenth of replay: the lock says what was taken."""
    one = rows(tmp_path / "one.jsonl", *(f"one {n}" for n in range(50)))
    two = rows(tmp_path / "two.jsonl", *(f"two {n}" for n in range(30)))
    general = rows(tmp_path / "general.jsonl", *(f"general {n}" for n in range(90)))
    data = load_data(
        recipe(
            dataset=[{"path": str(one), "weight": 2}, {"path": str(two), "weight": 1, "max_samples": 18}],
            replay_dataset=[str(general)],
            replay_ratio=0.1,
        )
    )
    words = Counter(example.question.split()[0] for example in data.train)
    assert words == {"one": 36, "two": 18, "general": 6}
    assert [(entry["used"], entry.get("weight"), entry.get("replay")) for entry in data.lock["train"]] == [
        (36, 2, None),
        (18, 1, None),
        (6, None, True),
    ]
    assert data.lock["replay"] == {"ratio": 0.1, "rows": 6, "share": 0.1}


def test_replay_never_shows_what_was_held_out(tmp_path: Path) -> None:
    """A question that is held out is not trained on through the replay either."""
    mine = rows(tmp_path / "mine.jsonl", *(f"question {n}" for n in range(40)))
    general = rows(tmp_path / "general.jsonl", *(f"Question {n}?" for n in range(40)))
    data = load_data(
        recipe(dataset=[str(mine)], replay_dataset=[str(general)], replay_ratio=0.4, eval_split=0.5)
    )
    assert data.lock["train"][1]["rows"] == 40, "the file has as many, even if some must not be shown"
    held = {example.question for example in data.heldout}
    replayed = [example.question for example in data.train if example.question.startswith("Q")]
    assert len(held) == 20 and len(replayed) == 13
    assert not held & {question.lower().rstrip("?") for question in replayed}


def test_bad_rows_are_dropped_only_when_i_say_so(tmp_path: Path) -> None:
    """A broken row ends it; with `bad_rows: drop` it is counted and written down."""
    path = rows(tmp_path / "d.jsonl", "one", "two", "")
    with path.open("a") as file:
        file.write("{\n")
    with pytest.raises(DataError, match=r"d\.jsonl:3"):
        load_data(recipe(dataset=[str(path)]))
    data = load_data(recipe(dataset=[str(path)], bad_rows="drop"))
    (entry,) = data.lock["train"]
    assert (entry["rows"], entry["used"], entry["dropped"]) == (2, 2, 2)
    write_dropped(data.dropped, tmp_path / "dropped.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "dropped.jsonl").read_text().splitlines()]
    assert [(line["line"], line["code"]) for line in lines] == [(3, "empty"), (4, "json")]


def test_an_entry_says_what_its_columns_mean(tmp_path: Path) -> None:
    """A CSV with names of its own, and an entry as axolotl writes it, are trained on as they are."""
    table = tmp_path / "d.csv"
    table.write_text("question,answer\nWhat?,That.\n")
    entry = {"path": str(table), "columns": {"prompt": "question", "completion": "answer"}}
    foreign = tmp_path / "a.jsonl"
    foreign.write_text(json.dumps({"instruction": "Say hi", "output": "hi"}) + "\n")
    data = load_data(recipe(dataset=[entry, {"path": str(foreign), "type": "alpaca"}]))
    assert [example.question for example in data.train] == ["What?", "Say hi"]


def test_a_folder_is_one_source(tmp_path: Path) -> None:
    """A folder of files is read file by file; decisions and other records in it are no data."""
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        rows(tmp_path / "data" / f"{name}.jsonl", name)
    source = source_of(tmp_path / "data" / "a.jsonl")
    Decisions.open(source).exclude(item_at(source, 1).row, "", "ana")
    data = load_data(recipe(dataset=[str(tmp_path / "data")]))
    assert [example.question for example in data.train] == ["a", "b"]
    assert [(Path(entry["path"]).name, entry["used"]) for entry in data.lock["train"]] == [
        ("a.jsonl", 1),
        ("b.jsonl", 1),
    ]


def test_other_peoples_data_are_trained_on_as_they_are() -> None:
    """LLaMA-Factory's own demo files, by the name that their `dataset_info.json` gives them."""
    info = Path(__file__).parents[3] / "shared" / "data" / "llamafactory" / "dataset_info.json"
    if not info.exists():
        pytest.skip("the files of LLaMA-Factory are not here")
    data = load_data(recipe(dataset=[f"{info}:glaive_toolcall_en_demo#20", f"{info}:alpaca_en_demo#5"]))
    assert len(data.train) == 25 and any(example.tools for example in data.train)
    pairs = load_data(recipe(method="dpo", dataset=[f"{info}:dpo_en_demo#7"]))
    assert len(pairs.train) == 7 and all(example.rejected for example in pairs.train)


def test_the_check_in_an_error_reads_the_file_as_the_recipe_does(tmp_path: Path) -> None:
    """A row of an entry with columns and shape is broken: the check that I am sent to finds it, too."""
    path = tmp_path / "d.jsonl"
    path.write_text('{"q": "one", "a": ""}\n')
    entry = {"path": str(path), "columns": {"prompt": "q", "completion": "a"}, "shape": "completion"}
    with pytest.raises(DataError) as error:
        load_data(recipe(dataset=[entry]))
    assert error.value.hint.endswith(f"check {path} --columns prompt=q,completion=a --shape completion")


def test_rows_of_another_method_are_not_called_broken(tmp_path: Path) -> None:
    """I train DPO on answers: nothing is wrong with them, so that no check would help me."""
    path = rows(tmp_path / "d.jsonl", "one")
    with pytest.raises(DataError, match="dpo trains on") as error:
        load_data(recipe(method="dpo", dataset=[str(path)]))
    assert error.value.hint == "a method that learns from such rows: sft, grpo"


PAIR = {"prompt": "q", "chosen": "a", "rejected": "b"}


def written(path: Path, *lines: Mapping[str, object]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_a_file_of_another_shape_is_one_line(tmp_path: Path) -> None:
    """I give KTO my pairs: one line says so, and what I can do with them, not ten times the same."""
    path = written(tmp_path / "d.jsonl", *[{**PAIR, "prompt": f"q{n}"} for n in range(12)])
    for bad_rows in ("error", "drop"):
        with pytest.raises(DataError, match="all 12 rows are of shape preference; kto trains on") as error:
            load_data(recipe(method="kto", dataset=[path], bad_rows=bad_rows))
        assert "\n" not in error.value.message
        assert "such rows: dpo, ipo, orpo, simpo, cpo, reward" in error.value.hint
        assert "label" in error.value.hint and "drop" not in error.value.hint


def test_a_pair_of_one_answer_is_refused_before_the_run(tmp_path: Path) -> None:
    """Chosen and rejected are the same in a row: I hear of it now, or it is left out where I said so."""
    path = written(tmp_path / "d.jsonl", PAIR, {**PAIR, "rejected": "a"})
    with pytest.raises(DataError, match=r"d\.jsonl:2: chosen and rejected are the same"):
        load_data(recipe(method="dpo", dataset=[path]))
    assert len(load_data(recipe(method="dpo", dataset=[path], bad_rows="drop")).train) == 1


@pytest.mark.parametrize("label", [True, False])
def test_labels_that_are_all_the_same_are_refused_before_the_run(tmp_path: Path, label: bool) -> None:
    """Only good answers teach KTO nothing: the run is not even queued."""
    path = written(tmp_path / "d.jsonl", *[{"prompt": "q", "completion": "a", "label": label}] * 4)
    with pytest.raises(FtarenaError, match=f"all 4 answers are labelled {'good' if label else 'bad'}"):
        load_data(recipe(method="kto", dataset=[path]))


def test_too_few_questions_for_a_step_are_refused_before_the_run(tmp_path: Path) -> None:
    """Four questions do not fill a step of eight: it would finish without having learned anything."""
    path = written(tmp_path / "d.jsonl", *[{"prompt": f"q{n}"} for n in range(4)])
    keys: dict[str, object] = {
        "method": "grpo",
        "dataset": [path],
        "reward_funcs": ["length"],
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 4,
    }
    with pytest.raises(FtarenaError, match=r"asks 8 different questions .*there are 4"):
        load_data(recipe(**keys, num_generations=2))
    assert len(load_data(recipe(**keys, num_generations=4)).train) == 4
