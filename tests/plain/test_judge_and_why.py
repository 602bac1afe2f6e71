"""`ftarena judge` and `ftarena why`, as somebody types them."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from judging_endpoint import endpoint, shorter

from ftarena.arena import Arena, add_contestant
from ftarena.errors import FtarenaError
from ftarena.plain.judge import judge
from ftarena.plain.why import why
from ftarena.serving.contestants import Contestant
from ftarena.store import Selection, Store
from ftarena.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two contestants, forty prompts, and ana's votes for what is shorter."""
    found = Workspace(tmp_path / ".ftarena")
    found.ensure()
    rng = random.Random(8)
    with Store.open(found.database) as store, store.transaction():
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", system_prompt=name))
            for name in ("base", "sft-1")
        ]
        ids = store.add_prompts([([("user", f"What is number {n}?")], None) for n in range(40)], "general")
        for prompt_id in ids:
            for which, row in enumerate(rows):
                words = rng.randint(2, 20) + 6 * (1 - which)
                store.add_answer(row.id, prompt_id, f"{which} " + "word " * words, n_tokens=words)
        ana = Arena(store, labeler="ana", rng=rng)
        while (battle := ana.next()) is not None:
            shorter_left = len(battle.left) < len(battle.right)
            ana.vote(battle.id, "left" if shorter_left == (rng.random() < 0.9) else "right", elapsed_ms=900)
    return found


def test_judging_over_http(workspace: Workspace) -> None:
    """I name an endpoint and a model: it judges, and I read how consistent it is and how far it agrees."""
    out = io.StringIO()
    with endpoint(lambda body: shorter(body["messages"])) as server:
        arguments = {"endpoint": server.url, "judge_model": "m", "prompts": 10}
        assert judge(workspace, workspace.database, "strict", out=out, **arguments) == 0  # type: ignore[arg-type]
        asked = len(server.asked)
        told = io.StringIO()
        judge(workspace, workspace.database, "strict", out=told, as_json=True, **arguments)  # type: ignore[arg-type]
        assert len(server.asked) == asked == 20
    text = out.getvalue()
    assert "judge:strict: 10 pairs of answers judged now" in text
    assert "10 votes that count, 0 that turned with the order (100 % consistent)" in text
    assert "with people" in text or "no battle shared" in text
    assert json.loads(told.getvalue())["all"]["consistent"] == 10


def test_who_judges_must_be_said(workspace: Workspace) -> None:
    """Nobody named, or two: one line that says how."""
    for wrong in (
        {},
        {"endpoint": "http://x/v1"},
        {"endpoint": "http://x/v1", "judge_model": "m", "contestant": "base"},
        {"contestant": "nobody"},
    ):
        with pytest.raises(FtarenaError):
            judge(workspace, workspace.database, "strict", **wrong)  # type: ignore[arg-type]


def test_an_endpoint_that_is_not_there(workspace: Workspace) -> None:
    """Nothing listens: I am told that nothing is lost."""
    with pytest.raises(FtarenaError, match="cannot be reached") as caught:
        judge(
            workspace,
            workspace.database,
            "strict",
            endpoint="http://127.0.0.1:9/v1",
            judge_model="m",
            prompts=1,
            wait_s=0.0,
        )
    assert "goes on" in caught.value.hint


def test_the_page_fits_a_terminal(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why fits on a page of 80 columns and 40 lines, and says that short is liked."""
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    assert why(workspace.database, "sft-1", "base", Selection(), out=out) == 0
    lines = out.getvalue().splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80
    assert "liked less of: length in" in out.getvalue()
    assert "sft-1 against base" in lines[0]
    told = io.StringIO()
    why(workspace.database, "sft-1", "base", Selection(), as_json=True, out=told)
    assert json.loads(told.getvalue())["features"][0]["counts"]


def test_help_of_both() -> None:
    """Both are commands, and asking for help loads no numpy."""
    for command in ("why", "judge"):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "ftarena", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "numpy" not in done.stderr and "ftarena" in done.stdout


def test_no_verdict_is_told_with_what_came(workspace: Workspace) -> None:
    """A judge too small for it babbles: I read what it said instead, and what to do."""
    out = io.StringIO()
    with endpoint(lambda body: "Here is\x1b[31m a poem") as server:
        judge(workspace, workspace.database, "weak", endpoint=server.url, judge_model="m", prompts=3, out=out)
    told = out.getvalue()
    assert "3 without a verdict" in told and "instead of a verdict it said: “Here is" in told
    assert "\x1b" not in told and "larger judge" in told and "--again" in told
    assert "no battle shared with people" not in told
