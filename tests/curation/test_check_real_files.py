"""What a check says of other people's data, each finding of which was looked at: none is a false alarm."""

from pathlib import Path

import pytest

from ftarena.curation.check import check_sources
from ftarena.curation.resolving import resolve
from ftarena.curation.sources import Columns

DATA = Path(__file__).parents[3] / "shared" / "data"

SAID = {
    "llamafactory/alpaca_en_demo.json": {"placeholder": 6},
    "llamafactory/dpo_en_demo.json": {
        "placeholder": 3,
        "mojibake": 1,
        "control": 2,
        "chosen-worse": 3,
        "html": 1,
    },
    "llamafactory/glaive_toolcall_en_demo.json": {"refusal": 1},
    "llamafactory/identity.json": {"placeholder": 85},
    "llamafactory/kto_en_demo.json": {"placeholder": 2, "template-token": 2, "mojibake": 2},
    "gsm8k/train.jsonl": {"control": 2},
}
"""What the texts, pairs and files as a whole are told of, by file; comparing rows is tested elsewhere."""

COMPARED = frozenset(("duplicate", "near-duplicate", "contradiction"))


@pytest.mark.skipif(not DATA.exists(), reason="the collection of other people's data is not here")
@pytest.mark.parametrize("name", SAID)
def test_real_data_are_judged_rightly(name: str) -> None:
    """`{{name}}`, “fiancÃ©”, `<|user|>`, R&amp;B, a form feed and 15 % refusals are really in there."""
    info = DATA / "llamafactory" / "dataset_info.json"
    if name.startswith("llamafactory"):
        sources = resolve(f"{info}:{Path(name).stem}")
    else:
        sources = resolve(str(DATA / name), columns=Columns({"prompt": "question", "completion": "answer"}))
    report = check_sources(sources, processes=1)
    assert report.examples > 90
    assert {code: count for code, count in report.counts.items() if code not in COMPARED} == SAID[name]
