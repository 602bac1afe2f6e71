"""Converting files for other tools, without losing anything in silence."""

import json
from pathlib import Path

import pytest

from ftarena.curation.reading import DataError, read_examples
from ftarena.curation.sets.converting import convert
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError, UsageError

ROWS: dict[str, dict[str, object]] = {
    "single": {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
    "talk": {
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "q2"},
            {"role": "assistant", "content": "a2"},
        ]
    },
    "pair": {"prompt": "q", "chosen": "good", "rejected": "bad"},
    "label": {"prompt": "q", "completion": "a", "label": False},
    "asked": {"prompt": "q"},
    "text": {"text": "words"},
}


def written(folder: Path, *names: str) -> Source:
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps(ROWS[name]) + "\n" for name in names))
    return source_of(path)


@pytest.mark.parametrize(
    "out", ["o.jsonl", "o.json", "o.csv", "o.tsv.gz", "o.parquet", "o.arrow", "o.jsonl.zst"]
)
@pytest.mark.parametrize("shape", ["messages", "sharegpt", "alpaca", "completion"])
def test_every_format_and_shape_says_the_same(tmp_path: Path, shape: str, out: str) -> None:
    """Whatever I convert to, it means what it meant."""
    source = written(tmp_path, "single", "single")
    done = convert([source], tmp_path / out, shape)  # type: ignore[arg-type]  # one of the shapes
    assert (done.rows, done.shapes) == (2, {"messages": 2})
    before, after = read_examples(source.path).examples, read_examples(tmp_path / out).examples
    assert [example.meaning for example in after] == [example.meaning for example in before]
    assert {example.shape for example in after} == {shape}


def test_a_loss_is_refused_unless_i_want_it(tmp_path: Path) -> None:
    """A pair is no conversation: I am told what would be lost, where; asked to lose it, it is counted."""
    source, out = written(tmp_path, "single", "pair", "label", "talk"), tmp_path / "out.jsonl"
    with pytest.raises(
        FtarenaError, match=r"in\.jsonl:2 cannot be written as messages: the rejected"
    ) as error:
        convert([source], out, "messages")
    assert "--lossy" in error.value.hint and not out.exists()
    done = convert([source], out, "messages", lossy=True)
    assert done.rows == 4 and done.lost == {"the rejected answer": 1, "the label": 1}


def test_what_is_learned_does_not_change_in_silence(tmp_path: Path) -> None:
    """A conversation teaches every answer, a prompt with a completion only the last: that is a loss, too."""
    source, out = written(tmp_path, "talk"), tmp_path / "out.jsonl"
    with pytest.raises(FtarenaError, match="its earlier answers are learned too"):
        convert([source], out, "completion")
    assert convert([source], out, "completion", lossy=True).lost == {"that earlier answers are learned": 1}
    back = tmp_path / "back.jsonl"
    convert([source_of(out)], back, "messages")
    (example,) = read_examples(back).examples
    assert [turn.learned for turn in (*example.prompt, *example.completion)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("asked", "messages"), ("text", "messages"), ("single", "preference"), ("talk", "text")],
)
def test_what_is_missing_cannot_be_made_up(tmp_path: Path, name: str, shape: str) -> None:
    """No answer, no pair: even a lossy conversion says so."""
    with pytest.raises(FtarenaError, match=rf"in\.jsonl:1 cannot be written as {shape}: "):
        convert([written(tmp_path, name)], tmp_path / "o.jsonl", shape, lossy=True)  # type: ignore[arg-type]


def test_names_of_my_own(tmp_path: Path) -> None:
    """I say what my columns mean, and the result needs no explaining."""
    path = tmp_path / "in.csv"
    path.write_text("question,answer\nWhat?,That.\n")
    source = source_of(path, columns=Columns({"prompt": "question", "completion": "answer"}))
    convert([source], tmp_path / "o.jsonl", "messages")
    (example,) = read_examples(tmp_path / "o.jsonl").examples
    assert (example.question, example.completion[0].content) == ("What?", "That.")


def rows_in(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_text().splitlines()]


NAMED = Columns({"prompt": "question", "completion": "answer"})


@pytest.mark.parametrize(
    ("row", "columns", "expected"),
    [
        ({"question": "q", "answer": "a", "id": 7}, NAMED, {"prompt": "q", "completion": "a", "id": 7}),
        (
            {"question": "q", "answer": "a", "prompt": "no. 7"},
            NAMED,
            {"prompt": "q", "completion": "a", "original_prompt": "no. 7"},
        ),
        (
            {"prompt": "a", "completion": "q"},
            Columns({"prompt": "completion", "completion": "prompt"}),
            {"completion": "a", "prompt": "q"},
        ),
        (
            {"turns": [{"who": "me", "says": "q"}, {"who": "it", "says": "a"}], "id": 7},
            Columns(
                {"messages": "turns"}, {"role": "who", "content": "says", "user": "me", "assistant": "it"}
            ),
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "id": 7},
        ),
    ],
)
def test_columns_that_i_name_get_our_names_and_nothing_else_changes(
    tmp_path: Path, row: dict[str, object], columns: Columns, expected: object
) -> None:
    """I say what two of my columns mean; texts stay texts, and id and source are still there."""
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(row) + "\n")
    convert([source_of(path, columns=columns)], tmp_path / "out.jsonl")
    assert rows_in(tmp_path / "out.jsonl") == [expected]


def test_a_label_that_is_no_verdict_is_kept_under_another_name(tmp_path: Path) -> None:
    """My `label` is a topic, and I say that rows are of shape completion: nobody takes it for a verdict."""
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "q", "completion": "a", "label": true}\n')
    convert([source_of(path, shape="completion")], tmp_path / "out.jsonl")
    (example,) = read_examples(tmp_path / "out.jsonl").examples
    assert example.shape == "completion"
    assert '"original_label": true' in (tmp_path / "out.jsonl").read_text()


@pytest.mark.parametrize("shape", [None, "completion"])
def test_a_row_that_has_the_shape_is_left_as_it_is(tmp_path: Path, shape: str | None) -> None:
    """I only want another format: `{"prompt", "completion", "id"}` stays what it is."""
    row = {"prompt": "hello there friend", "completion": "x", "id": 1}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    convert([source_of(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", shape)  # type: ignore[arg-type]
    assert rows_in(tmp_path / "out.jsonl") == [row]


@pytest.mark.parametrize("out", ["out.jsonl", "out.csv", "out.parquet"])
def test_what_is_no_part_of_a_shape_is_carried_along(tmp_path: Path, out: str) -> None:
    """I convert to messages: id, margin and what I noted are in the new file as well."""
    row = {"prompt": "q", "completion": "a", "id": 7, "margin": 0.5, "note": "from the wiki"}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    convert([source_of(tmp_path / "in.jsonl")], tmp_path / out, "messages")
    convert([source_of(tmp_path / out)], tmp_path / "back.jsonl")
    (back,) = rows_in(tmp_path / "back.jsonl")
    assert isinstance(back, dict) and set(back) == {"messages", "id", "margin", "note"}


def test_lists_in_cells_stay_lists_in_lines(tmp_path: Path) -> None:
    """My table has messages as JSON in its cells; as lines they are messages, and no text in brackets."""
    talk = json.dumps([{"role": "user", "content": "q"}]).replace('"', '""')
    (tmp_path / "in.csv").write_text(f'prompt,completion,id\n"{talk}",a,7\n')
    convert([source_of(tmp_path / "in.csv")], tmp_path / "out.jsonl")
    (example,) = read_examples(tmp_path / "out.jsonl").examples
    assert (example.question, rows_in(tmp_path / "out.jsonl")[0]["id"]) == ("q", "7")  # type: ignore[index]


def test_a_prompt_without_an_answer_is_a_bad_row_among_answers(tmp_path: Path) -> None:
    """One row of my training data lacks its answer: I am told, or it is dropped; it is never written."""
    source, out = written(tmp_path, "single", "asked"), tmp_path / "out.jsonl"
    with pytest.raises(DataError, match=r"in\.jsonl:2: a prompt without an answer"):
        convert([source], out)
    done = convert([source], out, drop_bad=True)
    assert (done.rows, done.dropped) == (1, 1)
    dropped = (tmp_path / "out.jsonl.dropped.jsonl").read_text()
    assert json.loads(dropped)["code"] == "no-answer"


def test_a_file_of_questions_is_a_set_of_its_own(tmp_path: Path) -> None:
    """All rows are questions: they can be converted and split as such."""
    done = convert([written(tmp_path, "asked", "asked")], tmp_path / "out.csv")
    assert (done.rows, done.shapes) == (2, {"prompt": 2})


def test_no_loss_makes_up_an_answer(tmp_path: Path) -> None:
    """Questions cannot become messages, and I am not told to say --lossy for nothing."""
    with pytest.raises(FtarenaError, match="it has no answer") as error:
        convert([written(tmp_path, "asked")], tmp_path / "out.jsonl", "messages")
    assert "--lossy" not in error.value.hint


@pytest.mark.parametrize("name", ["in.jsonl.decisions.jsonl", "x.manifest.json", "x.dropped.jsonl"])
def test_records_are_never_written_over(tmp_path: Path, name: str) -> None:
    """I mistype the output and name my decisions, even with --overwrite: they are not touched."""
    source = written(tmp_path, "single")
    (tmp_path / name).write_text("mine")
    with pytest.raises(FtarenaError, match="those of records"):
        convert([source], tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_text() == "mine"


def test_dropped_rows_do_not_replace_what_is_read(tmp_path: Path) -> None:
    """I read the rows that were dropped from a set, and write the set: the source stays."""
    source = written(tmp_path, "single")
    moved = source.path.rename(tmp_path / "set.jsonl.dropped.jsonl")
    with pytest.raises(FtarenaError, match="is what is read, and would be replaced"):
        convert([source_of(moved)], tmp_path / "set.jsonl", drop_bad=True)


def test_a_file_that_is_named_twice_is_not_read_twice(tmp_path: Path) -> None:
    """`*.jsonl in.jsonl` names a file twice: I am told, and no row is doubled in silence."""
    source = written(tmp_path, "single")
    with pytest.raises(UsageError, match="named twice"):
        convert([source, source_of(tmp_path / ".." / tmp_path.name / "in.jsonl")], tmp_path / "out.jsonl")
