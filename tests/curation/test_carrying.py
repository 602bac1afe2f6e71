"""Rows that are carried into another file mean what they meant, with everything that was in them."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.examples import BadRow, Shape
from ftarena.curation.sets.carrying import plain_row, row_in_shape
from ftarena.curation.shapes import example_of
from ftarena.curation.shapes.columns import NAMES
from ftarena.curation.sources import Columns, Source

TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
BASES: dict[Shape, dict[str, object]] = {
    "messages": {"messages": TALK},
    "sharegpt": {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
    "alpaca": {"instruction": "q", "input": "", "output": "a"},
    "completion": {"prompt": "q", "completion": "a"},
    "preference": {"prompt": "q", "chosen": "good", "rejected": "bad"},
    "kto": {"prompt": "q", "completion": "a", "label": True},
    "reference": {"prompt": "q", "reference": "a"},
    "prompt": {"prompt": "q"},
    "text": {"text": "words"},
}
KEYS = st.sampled_from([*sorted(NAMES), "id", "source", "original_prompt"])
VALUES = st.text("ab ", max_size=3) | st.booleans() | st.none() | st.just(TALK) | st.integers(0, 9)
FILES = st.sampled_from([Path("rows.jsonl"), Path("rows.csv"), Path("rows.parquet")])


@given(st.sampled_from(list(BASES)), st.dictionaries(KEYS, VALUES, max_size=4), st.booleans(), FILES)
def test_a_row_means_what_it_meant(shape: Shape, more: dict[str, object], renamed: bool, file: Path) -> None:
    """Whatever else is in my rows, and whatever I call my columns: what is written needs no explaining."""
    base = BASES[shape]
    names = {key: f"my {key}" for key in base} if renamed else {}
    row = {**more, **{names.get(key, key): value for key, value in base.items()}}
    source = Source(file, columns=Columns(names), shape=shape)
    try:
        example = example_of(file, 1, row, (shape,), source.columns)
    except BadRow:  # what was added is part of the shape, and wrong
        return
    for written in (plain_row(row, example, source), row_in_shape(row, example, shape, source)):
        found = example_of(Path("new.jsonl"), 1, written)
        assert (found.meaning, found.kind) == (example.meaning, example.kind)
        assert found.learns_every_answer == example.learns_every_answer
        kept = {key for key in more if key in ("id", "source", "original_prompt")}
        assert kept <= written.keys() and all(written[key] == more[key] for key in kept)
