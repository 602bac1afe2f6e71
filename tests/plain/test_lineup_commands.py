"""`ftarena contestants` in line mode."""

import io
import json
from pathlib import Path

import pytest

from ftarena.arena.contestants import add_contestant
from ftarena.arena.lineup import find_contestant
from ftarena.errors import FtarenaError
from ftarena.plain.contestants import add, hide, list_contestants
from ftarena.plain.votes import import_votes
from ftarena.serving.contestants import Contestant
from ftarena.store import Store
from ftarena.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".ftarena").ensure()


def listed(place: Workspace, *, as_json: bool = False) -> str:
    out = io.StringIO()
    assert list_contestants(place, place.database, as_json=as_json, out=out) == 0
    return out.getvalue()


def test_nobody_yet(place: Workspace) -> None:
    """An empty project says how somebody comes into it."""
    assert "ftarena train" in listed(place)
    assert json.loads(listed(place, as_json=True)) == []


def test_who_is_there(place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says what each one is, how it is prompted and sampled, and how many votes it has."""
    monkeypatch.setenv("COLUMNS", "120")
    add(place, place.database, "polite", model="demo:smollm2", system="Be polite.\nAlways.", temperature=0.0)
    add(place, place.database, "remote", model="big", endpoint="http://localhost:9/v1", max_tokens=64)
    file = tmp_path / "votes.csv"
    file.write_text("a,b,outcome\npolite,gpt-9,a\n")
    import_votes(place.database, file)
    text = listed(place)
    assert "system prompt “Be polite. Always.”; temperature 0" in text
    assert "http://localhost:9/v1" in text
    assert "at most 64" in text
    assert "votes only" in text
    found = {row["name"]: row for row in json.loads(listed(place, as_json=True))}
    assert {name: row["votes"] for name, row in found.items()} == {"polite": 1, "remote": 0, "gpt-9": 1}
    assert {name: row["kind"] for name, row in found.items()} == {
        "polite": "base",
        "remote": "remote",
        "gpt-9": "imported",
    }
    assert found["polite"]["description"]["system_prompt"] == "Be polite.\nAlways."


def test_adding_twice_is_once(place: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """The same contestant may be added again; another one may not take its name."""
    for _ in range(2):
        add(place, place.database, "base", model="demo:smollm2")
    assert capsys.readouterr().out == "base takes part.\n" * 2
    with pytest.raises(FtarenaError, match="belongs to another"):
        add(place, place.database, "base", model="demo:smollm2", temperature=0.1)


def test_what_cannot_take_part(place: Workspace) -> None:
    """An unknown model, run or setting is one message, and nothing is added."""
    for options in (
        {"model": "demo:nothing"},
        {"model": "demo:smollm2", "run": "sft-99"},
        {"model": "demo:smollm2", "temperature": 9.0},
    ):
        with pytest.raises(FtarenaError):
            add(place, place.database, "x", **options)  # type: ignore[arg-type]  # as the command line gives them
    if place.database.exists():
        with Store.open(place.database) as store:
            assert store.contestants() == []


@pytest.mark.parametrize(
    "endpoint",
    ["localhost:8000", "ftp://host/v1", "http://", "http://[::1", "http://a:b/v1", "http://a b"],
)
def test_an_endpoint_is_an_address(place: Workspace, endpoint: str) -> None:
    """What is no http or https address is refused now, not at the first battle."""
    with pytest.raises(FtarenaError, match="address of a server"):
        add(place, place.database, "x", model="m", endpoint=endpoint)
    assert not place.database.exists()


def test_a_name_that_means_a_run(place: Workspace) -> None:
    """`run:x` always means the run x, so nobody else is called that."""
    with pytest.raises(FtarenaError, match="run:"):
        add(place, place.database, "run:x", model="demo:smollm2")


def test_a_hint_with_many_long_names(place: Workspace) -> None:
    """The names in a hint are short, on one line and not more than ten."""
    with Store.open(place.database) as store:
        for number in range(15):
            store.add_contestant(f"{number}\n" + "long " * 50)
        with pytest.raises(FtarenaError, match="no contestant") as caught:
            find_contestant(store, place, "x")
    assert "and 5 more" in caught.value.hint
    assert "\n" not in caught.value.hint
    assert len(caught.value.hint) < 500


def test_a_contestant_is_hidden_and_brought_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that I only tried out leaves my battles; its votes stay where they are."""
    database = tmp_path / "arena.db"
    with Store.open(database) as store:
        add_contestant(store, "pirate", Contestant(model="demo:smollm2"))
    assert hide(database, "pirate") == 0
    with Store.open(database) as store:
        assert store.contestants(include_hidden=False) == []
    assert hide(database, "pirate", hidden=False) == 0
    with Store.open(database) as store:
        assert [row.name for row in store.contestants(include_hidden=False)] == ["pirate"]
    with pytest.raises(FtarenaError, match="no contestant 'nobody'"):
        hide(database, "nobody")
