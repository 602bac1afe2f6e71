"""Converting files for other tools, without losing anything in silence."""

import json
from pathlib import Path

import pytest

from ftarena.curation.reading import read_examples
from ftarena.curation.sets.converting import convert
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError

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
