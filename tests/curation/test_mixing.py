"""Mixing sources by weight, with caps and replay."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.decisions.identity import items_of
from ftarena.curation.reading import DataError
from ftarena.curation.rows import Row
from ftarena.curation.sets import mixing_files
from ftarena.curation.sets.mixing import Part, chosen, parse_part, replay_rows, shares
from ftarena.curation.sets.mixing_files import Ingredient, mix_files
from ftarena.curation.sources import source_of
from ftarena.errors import FtarenaError, UsageError

WEIGHTS = st.none() | st.floats(0.01, 100)
PARTS = st.lists(
    st.builds(Part, st.just("x"), st.integers(1, 10_000), WEIGHTS, st.none() | st.integers(1, 5000)),
    min_size=1,
    max_size=6,
)


@given(parts=PARTS, repeat=st.booleans(), asked=st.none() | st.floats(0.01, 1))
def test_a_mix_has_the_asked_shares_within_one_row(
    parts: list[Part], repeat: bool, asked: float | None
) -> None:
    """Whatever weights I give, each source's part of the result is what I asked for, give or take a row."""
    everything = shares(parts, repeat=repeat)
    rows = None if asked is None else max(round(asked * sum(everything)), 1)
    counts = (
        shares(parts, rows=rows, repeat=repeat) if rows is None or rows <= sum(everything) else everything
    )
    weights = [part.weight or 1 for part in parts]
    if all(part.weight is None for part in parts):
        weights = [part.available for part in parts]
    whole = sum(map(Fraction, weights))
    for part, count, weight in zip(parts, counts, weights, strict=True):
        assert abs(count - sum(counts) * Fraction(weight) / whole) < 1
        assert repeat or count <= part.available
    if rows is None and not repeat:
        # One more row would take more of some source than there is, or make the shares wrong.
        assert any(
            (sum(counts) + 1) * Fraction(weight) / whole > part.available
            for part, weight in zip(parts, weights, strict=True)
        )


@given(rows=st.integers(1, 10_000), ratio=st.floats(0.001, 0.9), available=st.integers(0, 100_000))
def test_replay_is_a_share_of_the_result(rows: int, ratio: float, available: int) -> None:
    """5 % replay means that 5 % of all rows are replayed, not 5 % of the others."""
    replayed = replay_rows(rows, ratio, available)
    assert replayed <= available
    if replayed < available:
        assert abs(replayed - ratio * (rows + replayed)) <= 1


@given(
    rows=st.integers(1, 300),
    count=st.integers(0, 900),
    seed=st.integers(0, 5),
    most=st.none() | st.integers(1, 300),
)
def test_rows_are_chosen_the_same_way_everywhere(rows: int, count: int, seed: int, most: int | None) -> None:
    """None is taken twice before all were taken once, and the same seed takes the same."""
    numbers = chosen(rows, count, seed, most)
    assert list(numbers) == sorted(numbers) and list(numbers) == list(chosen(rows, count, seed, most))
    assert len(numbers) == count or (count and not rows)
    times = Counter(numbers).values()
    assert not times or max(times) - min([*times, 0] if len(times) < min(rows, most or rows) else times) <= 1


def test_a_seed_takes_the_same_rows_as_ever() -> None:
    """A recipe with `#5` of last year takes the same five rows today."""
    assert chosen(20, 5, 42) == [9, 10, 13, 17, 19]


def source(folder: Path, name: str, count: int, **more: object) -> Ingredient:
    path = folder / f"{name}.jsonl"
    rows = ({"prompt": f"{name} {number}", "completion": "a", "from": name} for number in range(count))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Ingredient(name, [source_of(path)], **more)  # type: ignore[arg-type]  # weight, most


def rows_of(path: Path) -> list[dict[str, str]]:
    return [item.row.value for item in items_of(source_of(path)) if isinstance(item.row, Row)]


def test_files_are_mixed_by_weight_with_replay(tmp_path: Path) -> None:
    """Twice as much of one file as of another, a tenth of replay, and an account of what came from where."""
    one, two = source(tmp_path, "one", 100, weight=2.0), source(tmp_path, "two", 30, weight=1.0)
    general = source(tmp_path, "general", 500)
    out = tmp_path / "mix.jsonl"
    mix = mix_files([one, two], out, replay=[general], ratio=0.1)
    assert Counter(row["from"] for row in rows_of(out)) == {"one": 60, "two": 30, "general": 10}
    assert [(taken.name, taken.used, taken.rows, taken.replay) for taken in mix.taken] == [
        ("one", 60, 100, False),
        ("two", 30, 30, False),
        ("general", 10, 500, True),
    ]
    assert mix.replay_share == pytest.approx(0.1) and mix.rows == 100
    assert len({row["prompt"] for row in rows_of(out)}) == 100, "no row twice"


def test_the_same_seed_makes_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On my laptop and on the server the mix is the same, in its order too; another seed makes another."""
    parts = [source(tmp_path, "one", 50, weight=1.0), source(tmp_path, "two", 20, weight=1.0)]
    mix_files(parts, tmp_path / "a.jsonl")
    monkeypatch.setattr(mixing_files, "_IN_MEMORY_BYTES", 500)  # as if the files were large
    mix_files(parts, tmp_path / "b.jsonl")
    mix_files(parts, tmp_path / "c.jsonl", seed=1)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert (tmp_path / "a.jsonl").read_bytes() != (tmp_path / "c.jsonl").read_bytes()
    assert len(rows_of(tmp_path / "a.jsonl")) == 40


def test_order_can_be_kept_and_rows_repeated(tmp_path: Path) -> None:
    """A small source is taken again until its share is right, when I say so; caps hold nevertheless."""
    parts = [source(tmp_path, "one", 40, weight=1.0), source(tmp_path, "two", 30, weight=1.0, most=10)]
    mix = mix_files(parts, tmp_path / "mix.jsonl", repeat=True, keep_order=True)
    rows = rows_of(tmp_path / "mix.jsonl")
    assert [taken.used for taken in mix.taken] == [40, 40]
    assert [row["from"] for row in rows] == ["one"] * 40 + ["two"] * 40
    assert set(Counter(row["prompt"] for row in rows[40:]).values()) == {4}


def test_what_cannot_be_mixed_is_said(tmp_path: Path) -> None:
    """Too few rows, an empty source and a broken row are errors, and nothing is written."""
    one, two = source(tmp_path, "one", 10, weight=1.0), source(tmp_path, "two", 5, weight=1.0)
    with pytest.raises(UsageError, match="20 rows were asked for, but two is used up at 10"):
        mix_files([one, two], tmp_path / "mix.jsonl", rows=20)
    with pytest.raises(UsageError, match="none holds no row that could be mixed in"):
        mix_files([one, source(tmp_path, "none", 0)], tmp_path / "mix.jsonl")
    with (tmp_path / "two.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(DataError, match=r"two\.jsonl:6"):
        mix_files([one, two], tmp_path / "mix.jsonl")
    assert not list(tmp_path.glob("*mix*"))
    mix = mix_files([one, two], tmp_path / "mix.jsonl", drop_bad=True, shape="messages")
    assert (mix.dropped, mix.rows) == (1, 10) and (tmp_path / "mix.jsonl.dropped.jsonl").exists()
    assert all(set(row) == {"messages", "from"} for row in rows_of(tmp_path / "mix.jsonl"))


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("a.jsonl", ("a.jsonl", None, None)),
        ("a.jsonl=0.5", ("a.jsonl", 0.5, None)),
        ("a.jsonl#500", ("a.jsonl", None, 500)),
        ("a.jsonl#500=2", ("a.jsonl", 2, 500)),
        ("a.jsonl=2#500", ("a.jsonl", 2, 500)),
        ("a=b.jsonl", ("a=b.jsonl", None, None)),
    ],
)
def test_weights_and_caps_are_written_behind_a_name(
    spec: str, parts: tuple[str, float | None, int | None]
) -> None:
    """`FILE=2` is twice the share, `FILE#500` at most 500 rows."""
    assert parse_part(spec) == parts


@pytest.mark.parametrize("spec", ["a=0", "a=-1", "a=nan", "a#0"])
def test_a_weight_of_nothing_is_refused(spec: str) -> None:
    """A share of zero is no share."""
    with pytest.raises(FtarenaError, match="must be above 0"):
        parse_part(spec)
