"""LLaMA-Factory's `dataset_info.json`, as people have it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.examples import Example, Turn
from ftarena.curation.foreign.llamafactory import shape_and_columns, sources_of
from ftarena.curation.rows import Problem, read_rows
from ftarena.curation.shapes import example_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError

SHARED = Path(__file__).parents[3] / "shared" / "data"
Q, A = "Where am I?", "pwd"


def describe(folder: Path, entry: Any, *rows: Any, name: str = "mine.json") -> Path:
    """Write a description with one entry, and its file."""
    (folder / name).write_text(json.dumps(rows))
    info = folder / "dataset_info.json"
    info.write_text(json.dumps({"mine": entry}))
    return info


def examples(source: Source) -> list[Example]:
    shapes = (source.shape,) if source.shape else ()
    found = []
    for row in read_rows(source):
        assert not isinstance(row, Problem), row
        found.append(example_of(source.path, row.line, row.value, shapes, source.columns))
    return found


COUNTS = {
    "identity": ("alpaca", 91),
    "alpaca_en_demo": ("alpaca", 999),
    "glaive_toolcall_en_demo": ("sharegpt", 300),
    "dpo_en_demo": ("preference", 300),
    "kto_en_demo": ("kto", 300),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="LLaMA-Factory's example data are not there")
def test_its_own_example_data_are_read_whole() -> None:
    """Every row of the files that come with it, through its own description, unchanged."""
    sources = sources_of(SHARED / "llamafactory" / "dataset_info.json")
    found = {source.path.stem: examples(source) for source in sources}
    assert {name: (rows[0].shape, len(rows)) for name, rows in found.items()} == COUNTS
    assert Counter(row.label for row in found["kto_en_demo"]).total() == 300
    calls = [turn for row in found["glaive_toolcall_en_demo"] for turn in row.prompt if turn.tool_calls]
    assert len(calls) == 211
    assert sum(bool(row.tools) for row in found["glaive_toolcall_en_demo"]) == 191


@pytest.mark.skipif(not SHARED.is_dir(), reason="LLaMA-Factory's example data are not there")
@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [("reason_tool_use_demo_50", "messages", 50), ("v1_dpo_demo", "preference", 10)],
)
def test_files_of_its_next_version_are_read_without_a_description(name: str, shape: str, count: int) -> None:
    """Contents in parts, reasoning and calls among them, and pairs of whole conversations."""
    path = SHARED / "llamafactory" / f"{name}.jsonl"
    lines = path.read_text().splitlines()
    found = [example_of(path, number, json.loads(line)) for number, line in enumerate(lines, 1)]
    assert Counter(row.shape for row in found) == {shape: count}
    if shape == "messages":
        turns = [turn for row in found for turn in (*row.prompt, *row.completion)]
        assert all(turn.reasoning for turn in turns if turn.role == "assistant")
        assert sum(len(turn.tool_calls) for turn in turns) == 68
        assert sum(bool(row.tools) for row in found) == 48  # two offer an empty list


@pytest.mark.parametrize(
    ("entry", "row", "shape", "meaning"),
    [
        ({}, {"instruction": Q, "input": "x", "output": A, "system": "no"}, "alpaca", ((Q + "\nx",), A)),
        # Once columns are given, what is not in them is not read.
        (
            {"columns": {"prompt": "input", "response": "target"}},
            {"input": Q, "instruction": "no", "target": A},
            "alpaca",
            ((Q,), A),
        ),
        (
            {"columns": {"prompt": "question", "response": "answer", "system": "role", "history": "before"}},
            {"question": Q, "answer": A, "role": "s", "before": [["a", "b"]], "prompt": 1},
            "alpaca",
            (("s", "a", "b", Q), A),
        ),
        ({"columns": {"prompt": "content"}}, {"content": A, "prompt": "no"}, "text", ((), A)),
        (
            {"ranking": True, "columns": {"prompt": "instruction", "chosen": "better", "rejected": "worse"}},
            {"instruction": Q, "better": A, "worse": "ls", "prompt": "no"},
            "preference",
            ((Q,), A),
        ),
        (
            {"columns": {"prompt": "instruction", "response": "output", "kto_tag": "liked"}},
            {"instruction": Q, "output": A, "liked": False, "label": 3},
            "kto",
            ((Q,), A),
        ),
        (
            {"formatting": "sharegpt", "columns": {"messages": "dialog", "system": "s"}},
            {"dialog": [{"from": "human", "value": Q}, {"from": "gpt", "value": A}], "s": "sys"},
            "sharegpt",
            (("sys", Q), A),
        ),
        (
            {
                "formatting": "sharegpt",
                "columns": {"messages": "messages"},
                "tags": {"role_tag": "who", "content_tag": "what", "user_tag": "Q", "assistant_tag": "A"},
            },
            {"messages": [{"who": "Q", "what": Q}, {"who": "A", "what": A}]},
            "sharegpt",
            ((Q,), A),
        ),
        (
            {"formatting": "openai", "columns": {"messages": "chat"}},
            {"chat": [{"role": "user", "content": Q}, {"role": "assistant", "content": A}]},
            "messages",
            ((Q,), A),
        ),
        (
            {
                "formatting": "sharegpt",
                "ranking": True,
                "columns": {"messages": "chat", "chosen": "chosen", "rejected": "rejected"},
                "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user"},
            },
            {
                "chat": [{"role": "user", "content": Q}],
                "chosen": {"role": "assistant", "content": A},
                "rejected": {"role": "assistant", "content": "ls"},
            },
            "preference",
            ((Q,), A),
        ),
    ],
)
def test_a_description_says_what_columns_mean(
    tmp_path: Path, entry: Any, row: Any, shape: str, meaning: Any
) -> None:
    """My dataset_info.json works as it is."""
    (source,) = sources_of(describe(tmp_path, {"file_name": "mine.json"} | entry, row), "mine")
    (example,) = examples(source)
    assert (source.shape, example.shape) == (shape, shape)
    assert (tuple(turn.content for turn in example.prompt), example.completion[0].content) == meaning
    if shape == "preference":
        assert example.rejected == (Turn("assistant", "ls"),)
    assert example.label is (False if shape == "kto" else None)


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    """`file_name` may be a folder."""
    (tmp_path / "parts").mkdir()
    for name in ("b.jsonl", "a.jsonl"):
        (tmp_path / "parts" / name).write_text(json.dumps({"instruction": name, "output": A}) + "\n")
    info = describe(tmp_path, {"file_name": "parts"})
    assert [example.question for source in sources_of(info) for example in examples(source)] == [
        "a.jsonl",
        "b.jsonl",
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"file_name": "gone.json"}, "there is no file"),
        ({}, "it names no file"),
        ({"script_url": "x"}, "script_url names a loading script"),
        ({"ms_hub_url": "a/b"}, "ms_hub_url names a data set of ModelScope's hub"),
        ({"hf_hub_url": "a/b", "folder": "c"}, "folder names a part of a/b"),
        ({"hf_hub_url": 3}, "hf_hub_url, subset and split must be text"),
        ({"file_name": "mine.json", "formatting": "chatml"}, "formatting is 'chatml'"),
        ({"file_name": "mine.json", "columns": 3}, "columns must be an object"),
        ({"file_name": "mine.json", "columns": {"prompt": 3}}, "columns.prompt must be text"),
        ({"file_name": "mine.json", "ranking": True}, "ranking needs the columns chosen and rejected"),
        ({"file_name": "."}, "file_name is the folder of the description itself"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, entry: Any, said: str) -> None:
    """With the file, the entry, and what to do instead."""
    info = describe(tmp_path, entry)
    with pytest.raises(FtarenaError) as error:
        sources_of(info, "mine")
    assert error.value.message.startswith(f"{info}:mine: ") and said in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "dataset_info.json:1: broken JSON"), ("[]", "holds no object"), ('{"a": 3}', "'a' is no object")],
)
def test_a_broken_description_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    """Never a traceback."""
    (tmp_path / "dataset_info.json").write_text(text)
    with pytest.raises(FtarenaError) as error:
        sources_of(tmp_path / "dataset_info.json")
    assert said in error.value.message


def test_names_are_looked_up(tmp_path: Path) -> None:
    """A misspelt entry gets the nearest name; a description whose files are elsewhere says so."""
    info = describe(tmp_path, {"hf_hub_url": "org/name"})
    with pytest.raises(FtarenaError, match=r"has no entry 'mien'\nit has mine"):
        sources_of(info, "mien")
    with pytest.raises(FtarenaError, match="all it describes is on the hub"):
        sources_of(info)
    with pytest.raises(FtarenaError, match="there is no file"):
        sources_of(tmp_path / "elsewhere.json")


def test_an_entry_of_the_hub_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Subset and split are passed on; columns are the description's."""
    asked: list[str] = []

    def resolve(spec: str) -> list[Source]:
        asked.append(spec)
        return [Source(tmp_path / "mine.json")]

    monkeypatch.setattr("ftarena.curation.foreign.llamafactory.locate", resolve)
    entry = {"hf_hub_url": "org/name", "subset": "en", "columns": {"prompt": "q", "response": "a"}}
    (source,) = sources_of(describe(tmp_path, entry), "mine")
    sources_of(describe(tmp_path, {"hf_hub_url": "org/name", "split": "test"}), "mine")
    assert asked == ["org/name:en/train", "org/name:test"]
    assert source.columns.names["instruction"] == "q" and source.shape == "alpaca"


def test_media_columns_are_noticed() -> None:
    """A question about a picture is not trained on without it."""
    _, columns = shape_and_columns({"columns": {"prompt": "q", "response": "a", "images": "photo"}})
    assert columns.names["images"] == "photo"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": {"file_name": "nope.json"}}', r"json:a: there is no file .*nope\.json"),
        ('{"a": {"file_name": 3}}', "json:a: file_name must be text"),
        ('{"a": {}}', "json:a: it names no file"),
        ("{}", "describes no data"),
        ('{"a": {"file_name": "1"}, "b": {"file_name": "2"}}', r"/1\n.*/2"),
        ('{"a": {"file_name": "1"}, "a": {"file_name": "2"}}', "'a' is there twice"),
    ],
)
def test_what_is_wrong_with_a_description_is_said(tmp_path: Path, text: str, said: str) -> None:
    """No file of it is there: I am told which entry names what."""
    (info := tmp_path / "dataset_info.json").write_text(text)
    with pytest.raises(FtarenaError, match=said):
        sources_of(info)
