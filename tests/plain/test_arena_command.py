"""`ftarena arena`: how votes are collected here, shown and set from the command line."""

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ftarena.arena import Arena, add_contestant, write_settings
from ftarena.cli import arena, vote
from ftarena.cli.app import app
from ftarena.errors import FtarenaError
from ftarena.plain.arena import change, show
from ftarena.serving.contestants import Contestant, Sampling
from ftarena.store import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two contestants, three battles, one labeler with a vote and a skip."""
    path = tmp_path / "arena.db"
    with Store.open(path) as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", sampling=Sampling(seed=number)))
            for number, name in enumerate(("one", "two"))
        ]
        for prompt in store.add_prompts([([("user", f"{n}?")], None) for n in range(3)], "heldout"):
            for row in rows:
                store.add_answer(row.id, prompt, f"text of {row.name}")
        ana = Arena(store, labeler="ana \x1b[1m")
        first = ana.next()
        assert first is not None
        ana.vote(first.id, "left", elapsed_ms=1)
        second = ana.next()
        assert second is not None
        ana.skip(second.id)
    return path


def test_show(database: Path) -> None:
    """I see every setting with what it means, and who has voted how much; nothing foreign is obeyed."""
    out = io.StringIO()
    assert show(database, out=out) == 0
    text = out.getvalue()
    assert "names          after         when labelers are told the names" in text
    assert "1 vote, 1 skipped" in text
    assert "\x1b" not in text


def test_show_for_scripts(database: Path, tmp_path: Path) -> None:
    """One JSON object; of an arena that is not there yet the defaults, and none is made."""
    out = io.StringIO()
    show(database, as_json=True, out=out)
    told = json.loads(out.getvalue())
    assert told["settings"]["overlap"] is None
    assert [(one["votes"], one["skipped"], one["kind"]) for one in told["labelers"]] == [(1, 1, "human")]
    out = io.StringIO()
    show(tmp_path / "none.db", as_json=True, out=out)
    assert json.loads(out.getvalue())["labelers"] == []
    assert not (tmp_path / "none.db").exists()


def test_set(database: Path) -> None:
    """Several settings at once, or none where one is wrong."""
    out = io.StringIO()
    assert change(database, ["overlap=3", "names=never", "criteria=helpful, safe"], out=out) == 0
    assert "criteria is helpful,safe from the next battle on." in out.getvalue()
    with pytest.raises(FtarenaError, match="sets nothing"):
        change(database, ["names"])
    with pytest.raises(FtarenaError, match="pace cannot be 'fast'"):
        change(database, ["overlap=all", "pace=fast"])
    out = io.StringIO()
    show(database, as_json=True, out=out)
    told = json.loads(out.getvalue())["settings"]
    assert (told["overlap"], told["names"], told["criteria"]) == (3, "never", ["helpful", "safe"])


def test_commands(database: Path) -> None:
    """The same as I type it."""
    runner = CliRunner()
    done = runner.invoke(arena.arena_app, ["set", "attention=0.1", "--db", str(database)])
    assert (done.exit_code, done.stdout) == (0, "attention is 0.1 from the next battle on.\n")
    assert "attention      0.1" in runner.invoke(app, ["arena", "--db", str(database)]).stdout


@pytest.mark.parametrize(("names", "booth", "closed"), [("after", [], False), ("never", [], True),
                                                        ("after", ["--booth"], True)])  # fmt: skip
def test_a_labeler_who_is_never_told_gets_a_booth(
    database: Path, monkeypatch: pytest.MonkeyPatch, names: str, booth: list[str], closed: bool
) -> None:
    """`ftarena vote` opens the voting alone where names are never shown, or where I ask for it."""
    opened: list[bool] = []

    def open_program(*_: object, booth: bool) -> int:
        opened.append(booth)
        return 0

    monkeypatch.setattr(vote, "has_terminal", lambda: True)
    monkeypatch.setattr(vote, "open_program", open_program)
    with Store.open(database) as store:
        write_settings(store, {"names": names})
    CliRunner().invoke(app, ["vote", "--db", str(database), *booth])
    assert opened == [closed]
