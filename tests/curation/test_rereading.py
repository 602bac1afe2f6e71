"""Rows that are looked at a second time are those that were meant, wherever the chunks of a file end."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftarena.curation.check import check_files, rereading
from ftarena.curation.check.rereading import examples_at
from ftarena.curation.rows import read_chunks
from ftarena.curation.sources import source_of


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    texts=st.lists(st.sampled_from(["a", "b" * 40, "c" * 300]), min_size=1, max_size=12),
    chunk_bytes=st.sampled_from([16, 100, 1000]),
    ended=st.booleans(),
    data=st.data(),
)
def test_every_row_is_found_again_by_its_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    texts: list[str],
    chunk_bytes: int,
    ended: bool,
    data: st.DataObject,
) -> None:
    """Near copies are measured wherever they lie: across chunks, and on a last line that is not ended."""
    monkeypatch.setattr(rereading, "read_chunks", lambda source: read_chunks(source, chunk_bytes=chunk_bytes))
    path = tmp_path / "rows.jsonl"
    lines = [
        json.dumps({"prompt": f"{number} {text}", "completion": "x"}) for number, text in enumerate(texts, 1)
    ]
    path.write_text("\n".join(lines) + ("\n" if ended else ""))
    wanted = data.draw(st.sets(st.integers(1, len(texts)), min_size=1))
    got = {
        line: example.question
        for (_, line), example in examples_at([source_of(path)], [(0, line) for line in wanted])
    }
    assert got == {line: f"{line} {texts[line - 1]}" for line in wanted}


def test_a_near_copy_in_a_last_line_without_an_end(tmp_path: Path) -> None:
    """A file whose last line has no line break is checked like any other."""
    words = " ".join(f"w{number}" for number in range(90))
    rows = [json.dumps({"prompt": f"{words} {end}", "completion": words}) for end in ("one", "two")]
    path = tmp_path / "near.jsonl"
    path.write_text("\n".join(rows))
    assert [(finding.code, finding.line) for finding in check_files([path]).findings] == [
        ("near-duplicate", 2)
    ]
