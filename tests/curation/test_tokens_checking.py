"""`check` with a model: every defect once, each at its line, and nothing in good data."""

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_models import (
    BEGINNING,
    CHATML,
    ENDLESS,
    FORGETFUL,
    NO_SYSTEM,
    STRICT,
    THOUGHTFUL,
    byte_tokenizer,
    example,
    write_json,
    write_model,
)

from ftarena.curation.examples import Example, Turn
from ftarena.curation.findings import CODES
from ftarena.curation.tokens import TokenChecker, TokenSpec, draw_histogram
from ftarena.curation.tokens.lengths import Lengths

MARKED = CHATML.replace("{{ m['content'] }}", "{% generation %}{{ m['content'] }}{% endgeneration %}")
GOOD = [replace(example(f"Question {n}", f"Answer {n}", "And?", "So."), line=n) for n in range(1, 20)]


def checker(folder: Path, max_length: int = 1000) -> TokenChecker:
    return TokenChecker(TokenSpec(folder, "the model", max_length))


def found(check: TokenChecker, rows: Sequence[Example]) -> list[tuple[str, int]]:
    """Return the codes of all findings with their lines, those of the model at line 1."""
    findings = [*check.tally.findings(Path("file.jsonl")), *check.check(rows)]
    assert all(finding.code in CODES for finding in findings)
    return [(finding.code, finding.line) for finding in findings]


def unlearned(row: Example) -> Example:
    return replace(row, completion=(replace(row.completion[0], learned=False),))


def with_system(row: Example, text: str = "Be brief.") -> Example:
    return replace(row, prompt=(Turn("system", text), *row.prompt))


def test_good_data_and_a_good_model_give_no_finding(tmp_path: Path) -> None:
    """Where nothing is wrong, nothing is said."""
    check = checker(write_model(tmp_path, MARKED))
    assert found(check, GOOD) == []
    assert check.tally.stats()["examples"] == len(GOOD)


@pytest.mark.parametrize(
    ("template", "row", "code"),
    [
        (STRICT, with_system(example("Q", "A")), "template"),
        (NO_SYSTEM, with_system(example("Q", "A")), "turn-dropped"),
        (FORGETFUL, example("Q", "Earlier", "R", "B"), "answer-rewritten"),
        (BEGINNING, example("^Q", "A"), "double-bos"),
        (CHATML, example("a <tool> of its own", "A"), "new-tokens"),
        (CHATML, example("Q", "A" * 200), "too-long"),
        (CHATML, example("Q" * 200, "A"), "answer-cut"),
        (CHATML, unlearned(example("Q", "A")), "nothing-trained"),
        (
            CHATML.replace("|\n", "{{ '|' if 'endless' not in m['content'] }}\n"),
            example("Q", "endless"),
            "no-end",
        ),
        (
            CHATML.replace("<assistant>", "<assistant>{{ '(' if messages[-1]['content'] == 'Q' }}"),
            example("Q", "A"),
            "prompt-not-prefix",
        ),
        (CHATML, example("Q", "A" * 200 + "b", shape="preference", rejected="A" * 200 + "c"), "answer-cut"),
        (CHATML, Example(Path("file.jsonl"), 7, "text", (), (Turn("assistant", "^^text"),)), "double-bos"),
    ],
)
def test_each_defect_of_a_row_is_found_at_its_line(
    tmp_path: Path, template: str, row: Example, code: str
) -> None:
    """One bad row among good ones is named, and no other."""
    backend = byte_tokenizer(["|", "~", "^"])
    rows = backend.get_vocab_size()
    backend.add_tokens(["<tool>"])
    names = {"eos_token": "|", "pad_token": "~", "bos_token": "^"}
    check = checker(write_model(tmp_path, template, special=names, tokenizer=backend, rows=rows), 120)
    told = {"no-generation-marks", "new-tokens"} if code != "new-tokens" else {"no-generation-marks"}
    good = [one for one in GOOD if code != "answer-rewritten"]
    findings = found(check, [*good[:9], replace(row, line=77), *good[9:]])
    assert [entry for entry in findings if entry[0] not in told and entry[1] != 1] == [(code, 77)]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, {"no-generation-marks"}),
        ({"template": MARKED}, set()),
        ({"template": ""}, {"no-template"}),
        ({"template": MARKED, "special": {"eos_token": "|", "pad_token": "|"}}, {"pad-is-end"}),
        ({"template": MARKED, "special": {"eos_token": "|"}}, {"pad-is-end"}),
        ({"template": MARKED, "config": {"extra_special_tokens": ["<tool>"]}}, {"new-tokens"}),
        ({"template": THOUGHTFUL}, {"no-generation-marks", "prompt-not-prefix"}),
    ],
)
def test_what_is_wrong_with_the_model_is_said_once(
    tmp_path: Path, change: dict[str, Any], codes: set[str]
) -> None:
    """A defect of the model's own files is one finding, however many rows there are."""
    rows = [replace(row, shape="completion") for row in GOOD]
    findings = found(checker(write_model(tmp_path, **change)), rows)
    assert sorted(findings) == sorted((code, 1) for code in codes)


def test_a_template_without_an_end_is_an_error_of_every_row(tmp_path: Path) -> None:
    """Nothing can be trained with it."""
    findings = found(checker(write_model(tmp_path, ENDLESS)), [example("Q", "A"), example("R", "B", line=8)])
    assert ("no-end", 7) in findings and ("no-end", 8) in findings


def test_a_model_without_a_template_still_counts_texts(tmp_path: Path) -> None:
    """Raw text needs no template."""
    text = Example(Path("file.jsonl"), 1, "text", (), (Turn("assistant", "abc"),))
    check = checker(write_model(tmp_path, ""))
    check.check([text, example("Q", "A")])
    stats = check.tally.stats()
    assert (stats["examples"], stats["tokens"], stats["refused"]) == (1, 4, 1)
    assert stats["template_sha256"] is None


def test_questions_are_passed_over(tmp_path: Path) -> None:
    """A prompt without an answer has no mask, and is no finding of this part."""
    question = Example(Path("file.jsonl"), 1, "prompt", (Turn("user", "Q"),), ())
    assert found(checker(write_model(tmp_path, MARKED)), [question]) == []


def test_the_figures_are_those_of_training(tmp_path: Path) -> None:
    """Tokens, what is learned, what is too long: counted as a run counts them."""
    check = checker(write_model(tmp_path), 40)
    rows = [
        example("Q", "A"),  # <user>Q|⏎<assistant>A| = 22
        example("Q", "A" * 30),  # 51, of which 18 are left to learn
        example("Q" * 40, "A"),  # 61, nothing left
        example("Q", "abc", shape="preference", rejected="x"),  # 24, and 22
    ]
    check.check(rows)
    stats = check.tally.stats()
    assert (stats["examples"], stats["tokens"], stats["trained"]) == (
        4,
        22 + 51 + 61 + 24 + 22,
        2 + 31 + 2 + 4 + 2,
    )
    assert (stats["too_long"], stats["answer_cut"], stats["nothing_trained"]) == (2, 1, 0)
    assert stats["length"] == {"p5": 22, "p25": 22, "p50": 24, "p75": 51, "p95": 61, "p99": 61, "max": 61}
    assert stats["answer"]["max"] == 31
    assert json.loads(json.dumps(stats)) == stats


def test_two_processes_count_as_one(tmp_path: Path) -> None:
    """Tallies travel between processes, and their sum is that of all rows."""
    folder = write_model(tmp_path)
    one, two, both = checker(folder), checker(folder), checker(folder)
    one.check(GOOD[:7])
    two.check(GOOD[7:])
    both.check(GOOD)
    sum_of = pickle.loads(pickle.dumps(one.tally))
    sum_of.merge(pickle.loads(pickle.dumps(two.tally)))
    assert sum_of.stats() == both.tally.stats()
    assert len(pickle.dumps(both.tally)) < 10_000


def test_the_spec_of_a_check_travels(tmp_path: Path) -> None:
    """Each process of a check builds its own tokenizer from a few words."""
    spec = TokenSpec(write_model(tmp_path), "the model", 100)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_an_end_of_the_model_counts_that_the_tokenizer_does_not_name(tmp_path: Path) -> None:
    """Models that stop at a token of their generation config are taught to stop there."""
    folder = write_model(tmp_path, MARKED.replace("|", "~"), special={"eos_token": "|", "pad_token": "^"})
    assert ("no-end", 7) in found(checker(folder), [example("Q", "A")])
    write_json(folder / "generation_config.json", {"eos_token_id": [byte_tokenizer([]).token_to_id("~")]})
    assert found(checker(folder), [example("Q", "A")]) == []


@given(lengths=st.lists(st.integers(0, 3_000_000), max_size=60), at=st.integers(0, 60))
def test_lengths_add_up(lengths: list[int], at: int) -> None:
    """Percentiles are those of the sorted list, exactly up to 131,072 tokens; bins hold every row."""
    parts = Lengths(), Lengths()
    for part, some in zip(parts, (lengths[:at], lengths[at:]), strict=True):
        for length in some:
            part.add(length)
    parts[0].merge(parts[1])
    assert parts[0].count == len(lengths) == sum(one["count"] for one in parts[0].histogram())
    percentiles = parts[0].percentiles()
    if not lengths:
        assert percentiles == {}
        return
    ordered = sorted(lengths)
    assert percentiles["max"] == ordered[-1]
    for percent in (5, 25, 50, 75, 95, 99):
        true = ordered[max(-(-percent * len(ordered) // 100) - 1, 0)]
        assert percentiles[f"p{percent}"] <= true <= percentiles[f"p{percent}"] * 1.002
        assert true > 131_072 or percentiles[f"p{percent}"] == true


@given(
    lengths=st.lists(st.integers(1, 200_000), max_size=40),
    limit=st.integers(1, 9000),
    width=st.integers(0, 200),
)
def test_the_histogram_fits_and_marks_the_limit(lengths: list[int], limit: int, width: int) -> None:
    """Whatever the file, the drawing fits the terminal, is short, and says where a run cuts."""
    counts = Lengths()
    for length in lengths:
        counts.add(length)
    lines = draw_histogram({"histogram": counts.histogram(), "max_length": limit}, width)
    assert all(len(line) <= max(width, 40) for line in lines) and len(lines) <= 17
    if lengths and max(lengths) > limit * 2:
        assert sum("max_length" in line for line in lines) == 1


def test_a_histogram_reads_well() -> None:
    """The bars are to scale, and a bin with one row still shows."""
    counts = Lengths()
    for length, times in ((20, 400), (30, 200), (50, 1)):
        for _ in range(times):
            counts.add(length)
    assert draw_histogram({"histogram": counts.histogram(), "max_length": 44}, 40) == [
        "16–23 ██████████████████████████████ 400",
        "24–31 ███████████████ 200",
        "32–39  0",
        "40–47  0",
        "───── max_length 44 ────────────────────",
        "48–55 ▏ 1",
    ]
