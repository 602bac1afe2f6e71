"""The entries of `datasets:` of an Axolotl recipe, as people have them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ftarena.curation.examples import Example
from ftarena.curation.foreign.axolotl import source_of, sources_of
from ftarena.curation.rows import Problem, read_rows
from ftarena.curation.shapes import ANSWERED, example_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError

SHARED = Path(__file__).parents[3] / "shared" / "data"
Q, A, B = "Where am I?", "pwd", "ls"
USER, ASSISTANT = {"role": "user", "content": Q}, {"role": "assistant", "content": A}


def example(source: Source) -> Example:
    (row,) = read_rows(source)
    assert not isinstance(row, Problem), row
    shapes = (source.shape,) if source.shape else ANSWERED
    return example_of(source.path, row.line, row.value, shapes, source.columns)


def data(folder: Path, row: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize(
    ("entry", "row", "shape", "asked"),
    [
        ({"type": "alpaca"}, {"instruction": Q, "input": "", "output": A, "system": "no"}, "alpaca", (Q,)),
        ({"type": "alpaca:chat"}, {"instruction": Q, "output": A}, "alpaca", (Q,)),
        ({"type": "alpaca_chat.load_qa"}, {"question": Q, "answer": A}, "alpaca", (Q,)),
        (
            {"type": "alpaca_w_system.load_open_orca"},
            {"system_prompt": "s", "question": Q, "response": A},
            "alpaca",
            ("s", Q),
        ),
        ({"type": "gpteacher"}, {"instruction": Q, "input": "i", "response": A}, "alpaca", (Q + "\ni",)),
        ({"type": "oasst"}, {"INSTRUCTION": Q, "RESPONSE": A}, "alpaca", (Q,)),
        ({"type": "completion"}, {"text": A, "prompt": Q}, "text", ()),
        ({"type": "completion", "field": "body"}, {"body": A, "text": "no"}, "text", ()),
        (
            {"type": "sharegpt"},
            {"conversations": [{"from": "human", "value": Q}, {"from": "gpt", "value": A}]},
            "sharegpt",
            (Q,),
        ),
        ({"type": "chat_template"}, {"messages": [USER, ASSISTANT]}, "messages", (Q,)),
        (
            {
                "type": "chat_template",
                "field_messages": "conversations",
                "message_property_mappings": {"role": "from", "content": "value"},
                "roles": {"user": ["human", "client"], "assistant": ["gpt", "helper"]},
                "message_field_training": "learn",
            },
            {
                "conversations": [
                    {"from": "client", "value": Q},
                    {"from": "helper", "value": A, "learn": True},
                ]
            },
            "messages",
            (Q,),
        ),
        (
            {
                "type": {
                    "field_instruction": "q",
                    "field_output": "a",
                    "field_system": "s",
                    "format": "{instruction}",
                }
            },
            {"q": Q, "a": A, "s": "sys", "system": "no", "history": 3},
            "alpaca",
            ("sys", Q),
        ),
    ],
)
def test_supervised_types(tmp_path: Path, entry: Any, row: Any, shape: str, asked: tuple[str, ...]) -> None:
    """Each type says which columns are read."""
    (source,) = source_of({"path": str(data(tmp_path, row))} | entry)
    found = example(source)
    assert (found.shape, found.completion[0].content) == (shape, A)
    assert tuple(turn.content for turn in found.prompt) == asked


CONVERSATIONS = {"chosen": [USER, ASSISTANT], "rejected": [USER, ASSISTANT | {"content": B}]}


@pytest.mark.parametrize("family", ["chatml", "llama3"])
@pytest.mark.parametrize(
    ("style", "row"),
    [
        (".argilla", {"instruction": Q, "chosen_response": A, "rejected_response": B}),
        (".argilla_chat", CONVERSATIONS | {"prompt": "an id"}),
        (".icr", {"input": Q, "chosen": A, "rejected": B, "instruction": "no"}),
        (".intel", {"question": Q, "chosen": A, "rejected": B}),
        (".prompt_pairs", {"prompt": Q, "chosen": A, "rejected": B}),
        (".ultra", CONVERSATIONS | {"prompt": Q}),
        ("", {"prompt": Q, "chosen": A, "rejected": B}),
    ],
)
def test_preference_types(tmp_path: Path, family: str, style: str, row: Any) -> None:
    """The types of DPO differ in columns, and in a template that is the model's own business."""
    (source,) = source_of({"path": str(data(tmp_path, row)), "type": family + style}, rl="dpo")
    found = example(source)
    assert (found.question, found.completion[0].content, found.rejected[0].content) == (Q, A, B)


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("chatml.argilla", {"instruction": Q, "completion": A, "label": True}),
        ("llama3.argilla_chat", {"completion": [USER, ASSISTANT], "label": True}),
        ("chatml.intel", {"question": Q, "completion": A, "label": True, "system": ""}),
        ("llama3.ultra", {"prompt": Q, "completion": A, "label": True}),
        ({"field_prompt": "q", "field_completion": "a", "field_label": "ok"}, {"q": Q, "a": A, "ok": True}),
    ],
)
def test_kto_types(tmp_path: Path, kind: Any, row: Any) -> None:
    """A label makes it KTO."""
    (source,) = source_of({"path": str(data(tmp_path, row)), "type": kind}, rl="kto")
    found = example(source)
    assert (found.shape, found.question, found.completion[0].content, found.label) == ("kto", Q, A, True)


@pytest.mark.parametrize("answer", [A, ASSISTANT, [ASSISTANT]])
def test_pairs_of_chat_templates(tmp_path: Path, answer: Any) -> None:
    """`chat_template.default`, as in its own examples."""
    worse = {"role": "assistant", "content": B}
    row = {"conversation": [USER], "chosen": answer, "rejected": worse, "prompt": "an id"}
    entry = {
        "path": str(data(tmp_path, row)),
        "type": "chat_template.default",
        "field_messages": "conversation",
        "message_property_mappings": {"role": "role", "content": "content"},
        "roles": {"system": ["system"], "user": ["user"], "assistant": ["assistant"]},
    }
    found = example(source_of(entry, rl="dpo")[0])
    assert (found.question, found.completion[0].content, found.rejected[0].content) == (Q, A, B)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"type": "input_output"}, "type 'input_output' is not read (segments with a mask of their own)"),
        ({"type": "my_module.load"}, "type 'my_module.load' is not read"),
        ({}, "has no type: its rows are tokens already"),
        ({"type": "alpaca", "shards": 4}, "shards takes a part of the rows"),
        ({"type": "alpaca", "split": "test"}, "split is 'test', and a file on this machine has none"),
        ({"type": "alpaca", "ds_type": "text"}, "ds_type is 'text'"),
        ({"type": "chat_template", "roles_to_train": ["user"]}, "roles_to_train is ['user']"),
        ({"type": "chat_template", "roles": {"narrator": ["x"]}}, "roles.narrator is not read"),
        ({"type": "chat_template", "roles": 3}, "roles.3 is not read"),
        ({"type": "chat_template", "field_messages": 3}, "field_messages must be the name of a column"),
        (
            {"type": "chat_template", "message_property_mappings": {"mood": "m"}},
            "message_property_mappings.mood is not read",
        ),
        ({"type": {"system_prompt": "Be good."}}, "type.system_prompt is one prompt for all rows"),
        ({"type": "alpaca", "path": "s3://bucket/x.jsonl"}, "is on another machine"),
        ({"type": "alpaca", "path": None}, "has no path"),
        ({"type": "alpaca", "path": "org/name", "data_files": "x.jsonl"}, "are not read one by one"),
        ({"type": "alpaca", "path": "org/name", "split": "train[:10%]"}, "split is 'train[:10%]'"),
        ({"type": "alpaca", "path": "org/name", "revision": "v1"}, "revision is not read"),
    ],
)
def test_what_is_not_read_is_said(tmp_path: Path, entry: Any, said: str) -> None:
    """One clear line with what to do instead, never half a reading."""
    path = str(data(tmp_path, {"instruction": Q, "output": A}))
    with pytest.raises(FtarenaError) as error:
        source_of({"path": path} | entry)
    assert error.value.message.startswith("the entry") and said in error.value.message and error.value.hint


def test_paths_are_those_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to where I am, or to the recipe; a loader with files, a folder with files, a folder."""
    folder = tmp_path / "rows"
    folder.mkdir()
    data(folder, {"instruction": Q, "output": A})
    monkeypatch.chdir(tmp_path.parent)
    recipe = tmp_path / "recipe.yaml"
    entries = [
        {"path": "json", "data_files": "rows/rows.jsonl", "type": "alpaca"},
        {"path": "rows", "data_files": ["rows.jsonl"], "type": "alpaca", "ds_type": "json"},
        {"path": "rows", "type": "alpaca", "split": "train"},
        {"path": "rows/rows.jsonl", "type": "alpaca"},
    ]
    recipe.write_text(yaml.safe_dump({"datasets": entries}))
    sources = sources_of(recipe)
    assert [source.path.name for source in sources] == ["rows.jsonl"] * 4
    assert {example(source).meaning for source in sources} == {example(sources[0]).meaning}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("datasets: [", "recipe.yaml:2: broken YAML"),
        ("model: x", "has no list of datasets"),
        ("- a", "has no list of datasets"),
        ("datasets: [3]", "datasets[0] must have a path and a type"),
        ("datasets: [{path: x.jsonl, type: nectar}]", "datasets[0]: type 'nectar' is not read"),
    ],
)
def test_a_broken_recipe_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    """Never a traceback."""
    (tmp_path / "recipe.yaml").write_text(text + "\n")
    with pytest.raises(FtarenaError) as error:
        sources_of(tmp_path / "recipe.yaml")
    assert said in error.value.message
    with pytest.raises(FtarenaError, match="there is no file"):
        sources_of(tmp_path / "gone.yaml")


@pytest.mark.skipif(not SHARED.is_dir(), reason="Axolotl's example recipes are not there")
def test_its_own_example_recipes_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SFT, DPO and KTO, with data sets of the hub."""
    asked: list[str] = []

    def resolve(spec: str, **given: Any) -> list[Source]:
        asked.append(spec)
        return [Source(tmp_path / "x.jsonl")]

    monkeypatch.setattr("ftarena.curation.foreign.axolotl.locate", resolve)
    found = {
        path.stem: [source.shape for source in sources_of(path)]
        for path in sorted((SHARED / "recipes" / "axolotl").glob("*.y*ml"))
    }
    assert found == {
        "fft-8b": ["alpaca"],
        "instruct-dpo-lora-8b": ["preference"],
        "lora-1b-deduplicate-dpo": ["preference", "preference"],
        "lora-8b": ["alpaca"],
        "qlora-1b-kto": ["kto"],
    }
    assert "argilla/ultrafeedback-binarized-preferences-cleaned-kto:train" in asked
