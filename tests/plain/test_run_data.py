"""What `ftarena runs show` says of the data of a run."""

import io
import json
from pathlib import Path

from ftarena.plain.runs import show
from ftarena.processes import write_json
from ftarena.training.runs import DATA_LOCK, DROPPED, STATUS
from ftarena.workspace import Workspace


def told(tmp_path: Path, lock: dict[str, object] | None, *, as_json: bool = False) -> str:
    """Return what is shown of a finished run with these data."""
    folder = tmp_path / ".ftarena" / "runs" / "mine-20261124-000001"
    folder.mkdir(parents=True, exist_ok=True)
    status = {"state": "finished", "name": "mine", "method": "sft", "started_at": 1.0, "ended_at": 9.0}
    write_json(folder / STATUS, {**status, "step": 2, "total_steps": 2, "updated_at": 9.0})
    if lock is not None:
        write_json(folder / DATA_LOCK, lock)
        (folder / DROPPED).write_text("{}\n")
    out = io.StringIO()
    assert show(Workspace(tmp_path / ".ftarena"), "mine", as_json=as_json, out=out) == 0
    return out.getvalue()


LOCK = {
    "train": [
        {"path": "/data/a.jsonl", "sha256": "0", "rows": 1384, "used": 160, "weight": 2.0, "dropped": 1},
        {"path": "/data/b.jsonl", "sha256": "1", "rows": 3, "used": 3},
        {"path": "/data/old.jsonl", "sha256": "2", "rows": 90, "used": 18, "replay": True},
    ],
    "heldout": [{"path": "/data/held.jsonl", "sha256": "3", "rows": 7, "used": 7}],
    "replay": {"ratio": 0.1, "rows": 18, "share": 0.0994},
    "train_too_long": {"dropped": 2, "truncated": 0, "rows": []},
}


def test_the_data_of_a_run_are_shown(tmp_path: Path) -> None:
    """A month later I still see what it was trained on: files, rows, mix, replay, and what was left out."""
    said = "\n".join(" ".join(line.split()) for line in told(tmp_path, LOCK).splitlines()) + "\n"
    assert "data /data/a.jsonl: 160 of 1,384 rows, weight 2, 1 row left out as unusable\n" in said
    assert "\n/data/b.jsonl: all 3 rows\n" in said
    assert "\n/data/old.jsonl: 18 of 90 rows, replay\n" in said
    assert "evaluated /data/held.jsonl: all 7 rows\n" in said
    assert "replay 18 rows, 9.9 % of all that is trained on\n" in said
    assert "too long of the training rows 2 were left out and 0 cut\n" in said
    assert f"/{DROPPED}\n" in said
    assert json.loads(told(tmp_path, LOCK, as_json=True))["data"] == LOCK


def test_a_run_that_has_read_no_data_says_nothing_of_them(tmp_path: Path) -> None:
    """A run that failed while it loaded has no data to show."""
    said = told(tmp_path, None)
    assert "data" not in said and "mine-20261124-000001" in said
    assert json.loads(told(tmp_path, None, as_json=True))["data"] is None
