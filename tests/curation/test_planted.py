"""Every defect once, at a known line: all are found there, nothing else is, and clean data are clean."""

from pathlib import Path

import pytest
from planted import NEED_A_MODEL, Planted, found_in, plant, plant_nothing

from ftarena.curation.check import CheckReport
from ftarena.curation.findings import CODES


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def report(planted: Planted) -> CheckReport:
    return planted.check()


def test_every_kind_of_defect_is_planted_somewhere(planted: Planted) -> None:
    """A new code needs a row here, or a test with a model."""
    codes = [code for code, *_ in planted.places]
    assert len(codes) == len(set(codes))
    assert set(codes) | NEED_A_MODEL == set(CODES) and not NEED_A_MODEL & set(codes)
    with_a_model = Path(__file__).with_name("test_tokens_checking.py").read_text()
    assert {code for code in NEED_A_MODEL if f'"{code}"' not in with_a_model} == set()


def test_every_defect_is_found_at_its_line_and_nothing_else(planted: Planted, report: CheckReport) -> None:
    """I can trust both what a check says and what it does not say."""
    assert found_in(report) == planted.places
    assert dict(report.counts) == {code: 1 for code, *_ in planted.places}


def test_no_planted_secret_is_printed(report: CheckReport) -> None:
    """A report may be pasted into an issue."""
    for finding in report.findings:
        for secret in ("q7RtZk2mWv9X", "mara.lindt", "0343 6467", "0000 2020", "MIIEpAIB", "\x1b"):
            assert secret not in finding.message


def test_nothing_is_found_in_ten_thousand_clean_rows(tmp_path: Path) -> None:
    """A check that cries wolf is switched off; these rows come close to many defects and have none."""
    report = plant_nothing(tmp_path).check()
    assert report.examples == 12_000
    assert found_in(report) == set() and dict(report.counts) == {}
