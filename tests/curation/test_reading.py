"""Reading data: what is understood, and how what is not is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.reading import (
    DataError,
    Example,
    Problem,
    Turn,
    load_examples,
    load_questions,
    read_examples,
)
from ftarena.curation.sources import Columns, source_of
from ftarena.curation.writing import write_rows
from ftarena.errors import FtarenaError

DATA = Path(__file__).parents[3] / "shared" / "data"
DEMO = Path(__file__).parents[2] / "data" / "demo"
Q, A, B = "Where am I?", "pwd", "ls"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def the_problem(folder: Path, row: Any) -> str:
    """Return what is said about a row, which has to stand in line 2 and alone be wrong."""
    reading = read_examples(write(folder, {"prompt": Q, "completion": A}, row, {"prompt": Q, "reference": A}))
    assert len(reading.examples) == 2 and len(reading.problems) == 1
    assert reading.problems[0].line == 2
    return str(reading.problems[0]).removeprefix(f"{reading.path}:")


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"messages": [user(Q), assistant(A)]}, "messages"),
        ({"prompt": Q, "completion": A}, "completion"),
        ({"prompt": [user(Q)], "completion": [assistant(A)]}, "completion"),
        ({"prompt": [user(Q)], "chosen": [assistant(A)], "rejected": B, "votes": 3}, "preference"),
        ({"prompt": Q, "reference": A, "source": "me"}, "reference"),
        ({"prompt": Q, "source": "me"}, "prompt"),
        ({"prompt": [user(Q)], "reference": None}, "prompt"),
    ],
)
def test_the_shape_is_recognised_by_its_keys(tmp_path: Path, row: Any, shape: str) -> None:
    """I do not declare formats; text and lists of messages mean the same."""
    path = write(tmp_path, row)
    (example,) = read_examples(path).examples
    rejected = (Turn("assistant", B),) if shape == "preference" else ()
    answer = () if shape == "prompt" else (Turn("assistant", A),)
    assert example == Example(path, 1, shape, (Turn("user", Q),), answer, rejected)  # type: ignore[arg-type]  # shape is any of the Literal
    assert example.question == Q


def test_a_conversation_keeps_its_turns(tmp_path: Path) -> None:
    """System prompt and earlier turns belong to what is asked; the last answer is what is learned."""
    turns = [{"role": "system", "content": "s"}, user("a"), assistant("b"), user("c"), assistant("d")]
    (example,) = read_examples(write(tmp_path, {"messages": turns})).examples
    assert [turn.role for turn in example.prompt] == ["system", "user", "assistant", "user"]
    assert (example.completion[0].content, example.question) == ("d", "a\nc")


def test_files_from_windows_are_read(tmp_path: Path) -> None:
    """A byte order mark, CRLF, blank lines and umlauts are no problem."""
    path = tmp_path / "windows.jsonl"
    row = json.dumps({"prompt": "Grüße?", "completion": "日本"}, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n\r\n  \r\n{row}\r\n".encode())
    reading = read_examples(path)
    assert [example.line for example in reading.examples] == [1, 4] and not reading.problems
    assert reading.rows == 2 and reading.examples[0].question == "Grüße?"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"prompt": "a", "completion": }', "2:31: broken JSON: expecting value"),
        ('{"prompt": "a"', "2:15: broken JSON"),
        ('{"prompt": "a", "n": ' + "1" * 5000 + "}", "2: a number with more digits than Python reads"),
        ("[" * 100_000, "2: broken JSON: nested too deeply"),
        ("{", "one object a line is needed"),
        ("[1, 2]", "2: expected an object, found a list"),
        ("7", "2: expected an object, found a number"),
        ({}, "none of the known shapes (found: nothing)"),
        ({"texts": "a"}, "none of the known shapes (found: texts)"),
        ({"prompt": Q, "chosen": A}, "rejected is missing (found: prompt, chosen)"),
        ({"chosen": A}, "prompt and rejected are missing (found: chosen)"),
        ({"reference": A}, "prompt is missing (found: reference)"),
        ('{"prompt": "\\ud83d?"}', "prompt has half of a surrogate pair (\\ud83d), which is no character"),
        ({"prompt": ""}, "prompt is empty"),
        ({"conversations": []}, "conversations is an empty list"),
        ({"instruction": Q}, "output is missing (found: instruction)"),
        ({"messages": "hi"}, "messages must be a list of messages, found text"),
        ({"messages": []}, "messages is an empty list"),
        ({"messages": [user(Q)]}, "messages end with a turn of the user: the assistant's answer is missing"),
        ({"messages": [assistant(A)]}, "no turn of the user before the last answer"),
        ({"messages": [user(Q), {"role": "bot", "content": A}]}, "messages[1].role is 'bot', expected"),
        ({"messages": [user(Q), {"role": "system", "content": A}, assistant(A)]}, "may only come first"),
        ({"messages": [user(Q), {"role": "assistant"}]}, "messages[1] has no content"),
        (
            {"messages": [user(Q), {"role": "assistant", "content": None}]},
            "messages[1].content must be text, found null",
        ),
        ({"messages": [user("  "), assistant(A)]}, "messages[0].content is empty"),
        ({"messages": [user(Q), 3]}, "messages[1] must be an object with role and content, found a number"),
        ({"prompt": "", "completion": A}, "prompt is empty"),
        ({"prompt": Q, "completion": "\n"}, "completion is empty"),
        ({"prompt": [assistant(A)], "completion": A}, "prompt ends with a turn of the assistant"),
        (
            {"prompt": Q, "completion": [user(Q), assistant(A)]},
            "completion must be one message of the assistant, found 2",
        ),
        ({"prompt": 3, "completion": A}, "prompt must be text or a list of messages, found a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, row: Any, said: str) -> None:
    """I get file, line (and column) and what to change, not a traceback from a table library."""
    assert said in the_problem(tmp_path, row)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    """A Latin-1 file is not guessed at."""
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"prompt": "Gr\xfc\xdfe", "completion": "x"}\n')
    (problem,) = read_examples(path).problems
    assert (problem.code, problem.line, problem.column) == ("encoding", 1, 15)


def test_the_first_ten_problems_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    """A file with a systematic mistake does not flood the terminal."""
    path = write(tmp_path, *["{"] * 25)
    with pytest.raises(DataError) as error:
        load_examples(path, "sft")
    lines = error.value.message.splitlines()
    assert len(lines) == 11 and lines[-1] == "… and 15 more" and lines[0].startswith(f"{path}:1:")
    assert len(error.value.problems) == 25 and error.value.hint.endswith(str(path))


def test_a_method_says_what_it_cannot_train_on(tmp_path: Path) -> None:
    """I gave answers where DPO needs pairs."""
    path = write(tmp_path, {"prompt": Q, "completion": A})
    with pytest.raises(
        DataError, match=r"rows.jsonl:1: a row of shape completion; dpo trains on \{prompt, chosen"
    ):
        load_examples(path, "dpo")
    assert len(load_examples(path, "sft")) == 1


@pytest.mark.parametrize("method", ["sft", "dpo", None])
def test_a_prompt_without_an_answer_is_not_trained_on(tmp_path: Path, method: Any) -> None:
    """I gave questions to train on or to measure, or misspelt the answer's key: what was found is named."""
    path = write(tmp_path, {"prompt": Q, "competion": A})
    with pytest.raises(DataError, match=r"rows.jsonl:1: a prompt without an answer .*\(found: prompt, comp"):
        load_examples(path, method)


def test_questions_are_read_from_any_file_with_prompts(tmp_path: Path) -> None:
    """Only prompt and reference are looked at, each with its place; that all have one can be asked for."""
    path = write(tmp_path, {"prompt": Q, "reference": A, "completion": B}, {"prompt": Q, "chosen": 3}, "{")
    first, second = load_questions(path, limit=2)
    assert (first.shape, first.completion) == ("reference", (Turn("assistant", A),))
    assert (second.shape, second.completion, second.line) == ("prompt", (), 2)
    with pytest.raises(DataError) as error:
        load_questions(path, answered=True)
    lines = error.value.message.splitlines()
    assert lines[0] == f"{path}:2: reference is missing (found: prompt, chosen)"
    assert lines[1].startswith(f"{path}:3:2: broken JSON") and "a line looks like" in error.value.hint
    assert load_questions(write(tmp_path)) == []


def test_files_that_were_put_together_are_read(tmp_path: Path) -> None:
    """`cat a.jsonl b.jsonl` leaves a byte order mark in the middle."""
    path = tmp_path / "both.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"prompt": "a"}\n\xef\xbb\xbf{"prompt": "b"}\n\xef\xbb\xbf\n')
    assert [example.question for example in load_questions(path)] == ["a", "b"]


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    """An export that failed silently is noticed before training."""
    with pytest.raises(DataError, match="holds no rows"):
        load_examples(write(tmp_path), "sft")


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    """A wrong path is one clear line."""
    with pytest.raises(FtarenaError, match=r"there is no file|cannot be read"):
        read_examples(tmp_path / name)


@pytest.mark.parametrize(("name", "method"), [("sft", "sft"), ("preferences", "dpo"), ("heldout", "sft")])
def test_the_demos_data_are_read_whole(name: str, method: Any) -> None:
    """Every row of the demo can be trained on."""
    path = DEMO / f"{name}.jsonl"
    assert len(load_examples(path, method)) == sum(1 for line in path.open() if line.strip())


def test_bad_rows_are_dropped_only_where_i_say_so(tmp_path: Path) -> None:
    """Strict unless asked; then I learn which rows were left out, and why."""
    good = {"prompt": Q, "completion": A}
    path = write(tmp_path, good, "{", {"prompt": Q, "chosen": A, "rejected": B}, good, {"prompt": Q})
    with pytest.raises(DataError):
        load_examples(path, "sft")
    told: list[tuple[Problem, ...]] = []
    examples = load_examples(path, "sft", bad_rows="drop", on_dropped=told.append)
    assert [example.line for example in examples] == [1, 4]
    assert [[(problem.line, problem.code) for problem in dropped] for dropped in told] == [
        [(2, "json"), (3, "shape"), (5, "no-answer")]
    ]
    assert (
        len(load_examples(write(tmp_path, good), bad_rows="drop", on_dropped=told.append)) == len(told) == 1
    )


def test_dropping_everything_is_an_error(tmp_path: Path) -> None:
    """A run on nothing does not start because bad rows may be dropped."""
    with pytest.raises(DataError, match="2 more"):
        load_examples(write(tmp_path, *["{"] * 12), bad_rows="drop")


def test_a_file_that_is_cut_off_is_never_dropped_from(tmp_path: Path) -> None:
    """How much of a broken download is missing is not known, so dropping its end is refused."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"prompt": Q, "completion": A}] * 3)[:-10])
    with pytest.raises(DataError, match="the file ends inside the array"):
        load_examples(path, bad_rows="drop")


@pytest.mark.parametrize(
    "ending", ["json", "jsonl", "jsonl.gz", "jsonl.zst", "csv", "tsv", "parquet", "arrow"]
)
def test_every_format_says_the_same(tmp_path: Path, ending: str) -> None:
    """The file that another tool wrote trains, is held out and asks like JSON lines."""
    rows = [
        {"prompt": [user(Q)], "completion": [assistant(A)]},
        {"prompt": [user(B)], "completion": [assistant(Q)]},
    ]
    path = tmp_path / f"rows.{ending}"
    write_rows(rows, path)
    meanings = [(example.shape, example.meaning) for example in load_examples(path, "sft")]
    assert meanings == [(example.shape, example.meaning) for example in load_examples(write(tmp_path, *rows))]
    assert [question.question for question in load_questions(path)] == [Q, B]


def test_a_table_without_references_is_one_of_questions(tmp_path: Path) -> None:
    """An empty cell is no reference, and no error."""
    path = tmp_path / "questions.csv"
    path.write_text("prompt,reference\na,b\nc,\n")
    assert [len(question.completion) for question in load_questions(path)] == [1, 0]
    with pytest.raises(DataError, match=r"questions.csv:3: reference is missing"):
        load_questions(path, answered=True)


def test_what_a_source_says_about_itself_is_heeded(tmp_path: Path) -> None:
    """Columns and shape hold wherever the file is read."""
    path = write(tmp_path, {"question": Q, "answer": A, "text": B})
    columns = Columns({"prompt": "question", "completion": "answer"})
    (example,) = load_examples(source_of(path, columns=columns), "sft")
    assert (example.shape, example.question) == ("completion", Q)
    (plain,) = load_examples(source_of(path, shape="text"), "sft")
    assert (plain.shape, plain.completion) == ("text", (Turn("assistant", B),))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("alpaca_en_demo.json", 999),
        ("identity.json", 91),
        ("glaive_toolcall_en_demo.json", 300),
        ("dpo_en_demo.json", 300),
        ("kto_en_demo.json", 300),
        ("v1_dpo_demo.jsonl", 10),
        ("reason_tool_use_demo_50.jsonl", 50),
    ],
)
def test_other_tools_demos_are_read(name: str, rows: int) -> None:
    """What LLaMA-Factory ships is read as it is."""
    path = DATA / "llamafactory" / name
    if not path.exists():
        pytest.skip("the files of other tools are not part of the project")
    reading = read_examples(path)
    assert reading.rows == rows and not reading.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "prompt", "chosen", "rejected", "completion", "reference", "role", "content"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


def _is_array_of_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


@given(row=JSON.filter(lambda value: not _is_array_of_rows(value)))
def test_no_row_whatever_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, row: Any) -> None:
    """Each row is an example or a problem with a line, never a traceback."""
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    path.write_text(json.dumps(row) + "\n")
    reading = read_examples(path)
    assert len(reading.examples) + len(reading.problems) == reading.rows == 1
    try:
        (example,) = load_examples(path)
        assert example.completion and load_examples(path) == list(reading.examples)
    except DataError as error:
        assert error.message.startswith(f"{path}:1: ")
