"""Data: what is in a file, what is wrong with it, and what is done about it, by keys."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

import ftarena.tui.screens.data_checking as checking_module
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.processes import python_module
from ftarena.tui.app import FtarenaApp
from ftarena.tui.data_check import CheckOrder, _frame, check
from ftarena.tui.screens.edit_row import EditRowScreen, RowEditor
from ftarena.tui.settings import load_settings
from ftarena.tui.workbench import Model
from ftarena.workspace import Workspace

from .data_support import (
    LARGE_FILES,
    PAIRS,
    PLANTED,
    PORT,
    chat,
    check_here,
    checked,
    go_to,
    kinds,
    pane,
    rows,
    screen,
    write_lines,
    write_model,
)
from .support import LARGE, SMALL, make_desk, screen_text, shows, until


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, no model that is chosen by itself, and a check without a process."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(checking_module, "check", check_here)
    monkeypatch.setattr("ftarena.tui.data_near.usual_model", lambda paths, workspace: None)
    return folder


@pytest.fixture
def planted(here: Path) -> Path:
    """A file with a little of everything."""
    return write_lines(here / "sft.jsonl", PLANTED)


def open_app(workspace: Workspace, *data: Path | str) -> FtarenaApp:
    """Return the program, about to open files in Data."""
    return FtarenaApp(make_desk(workspace), "data", [str(path) for path in data])


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_first_start(workspace: Workspace, planted: Path, size: tuple[int, int]) -> None:
    """Nothing is open: I read what to do and which files are near; nothing is created by looking."""
    app = open_app(workspace)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "No data is open.")
        await shows(pilot, "near  sft.jsonl")
        await shows(pilot, "d run the demo   o open")
    assert not workspace.root.exists()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_is_wrong(workspace: Workspace, planted: Path, size: tuple[int, int]) -> None:
    """I see how much is wrong, the worst first with a sign, why it hurts, and the row itself."""
    app = open_app(workspace, planted)
    async with app.run_test(size=size) as pilot:
        await checked(pilot)
        await shows(pilot, "it would be missing from the training")
        text = screen_text(app)
        for words in ("sft.jsonl", "✕ 2 errors", "▸ ✕  1  broken line", "✕  1  an empty or"):
            assert words in text, words
        assert "→ repair or remove the line" in text
        await until(pilot, lambda: '"content": "torn' in screen_text(app).replace("\n", ""), "the row itself")
        await go_to(pilot, "contradiction")
        await until(pilot, lambda: "du -ah | sort -h" in pane(app))
        assert "user" in pane(app) and "assistant  ● learned" in pane(app)
        assert "sft.jsonl:5  chat  1 of 1" in screen_text(app)


async def test_keys_below_fit(workspace: Workspace, planted: Path) -> None:
    """On 80 columns the line below holds the keys that matter most, and help and quit."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        await pilot.pause()
        line = screen_text(app).splitlines()[-1]
        for key in ("enter rows", "x exclude", "e edit", "v view", "? help", "q quit"):
            assert key in line, line
        await pilot.press("question_mark")
        await shows(pilot, "the row as a chat, as tokens with what is learned of")


async def test_foreign_text_is_only_text(workspace: Workspace, planted: Path) -> None:
    """A row that tries to drive my terminal is written out, in every view and in the editor."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await go_to(pilot, "control")
        await until(pilot, lambda: "‹U+001B›]52;c;b3duZWQ=‹U+0007›" in pane(app))
        assert "[@click=app.quit]x[/] [/some/path]" in pane(app)
        await pilot.press("v", "v")
        await until(pilot, lambda: "\\u001b]52" in pane(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditRowScreen))
        assert "\\u001b]52" in app.screen.query_one(RowEditor).text
        for text in (screen_text(app), app.screen.query_one(RowEditor).text):
            assert "\x1b" not in text and "\x07" not in text


async def test_as_tokens(workspace: Workspace, planted: Path, tmp_path: Path) -> None:
    """v shows every token and, by a mark that needs no colour, which of them are learned; without a model
    I am told how to choose one."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await checked(pilot)
        await go_to(pilot, "duplicate")
        await pilot.press("v")
        await until(pilot, lambda: "m chooses one" in pane(app))
        await pilot.press("m")
        await shows(pilot, "Which model's tokens?")
        app.screen.query_one("Input").value = str(tmp_path / "none")  # type: ignore[attr-defined]
        await pilot.press("enter")
        await shows(pilot, "no model is called")
        model = write_model(tmp_path / "model")
        app.screen.query_one("Input").value = f"{model} 64"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: "only read" in pane(app))
        lines = pane(app).splitlines()
        assert "✂ 65 cut off" in lines[0] or "cut off" in lines[0]
        assert any(line.startswith("── ✂ cut here: 64 tokens fit") for line in lines)
        begin = next(n for n, line in enumerate(lines) if line.startswith("<user>How"))
        assert lines[begin + 1].startswith("╵╵╵╵╵╵")
        await shows(pilot, "longer than max_length")


async def test_what_is_learned(workspace: Workspace, planted: Path, tmp_path: Path) -> None:
    """Of a conversation the answer and its end are learned, the question is not."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        screen(app).bench.model = Model("bytes", 4096, write_model(tmp_path / "model"))
        await go_to(pilot, "duplicate")
        await pilot.press("v")
        await until(pilot, lambda: "only read" in pane(app))
        lines = pane(app).splitlines()
        at = next(n for n, line in enumerate(lines) if "Lists the process" in line)
        text, ruler = lines[at].rstrip(), lines[at + 1].rstrip()
        assert ruler == "┗" * (text.index("|") + 1) + "╵" * (len(text) - text.index("|") - 1)
        assert set(lines[lines.index(next(x for x in lines if x.startswith("<user>"))) + 1].strip()) == {"╵"}


async def test_excluding_and_undoing(workspace: Workspace, planted: Path) -> None:
    """x leaves a row out and takes it in again, u takes the last decision back; my file is never touched."""
    before = planted.read_bytes()
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await checked(pilot)
        await go_to(pilot, "duplicate")
        await pilot.press("x")
        await shows(pilot, "✗ 1 excluded")
        await shows(pilot, "sft.jsonl:4  chat  1 of 1  ✗ excluded")
        sidecar = planted.with_name("sft.jsonl.decisions.jsonl")
        (event,) = map(json.loads, sidecar.read_text().splitlines())
        assert (event["action"], event["line"], event["code"], event["by"]) == (
            "exclude",
            4,
            "duplicate",
            "ana",
        )
        await pilot.press("enter")
        await shows(pilot, "▸ ✗  4  ")
        await pilot.press("x")
        await until(pilot, lambda: "✗" not in screen_text(app))
        await pilot.press("x")
        await shows(pilot, "✗ 1 excluded")
        await pilot.press("u")
        await until(pilot, lambda: "1 excluded" not in screen_text(app))
        await shows(pilot, "sft.jsonl:4 as before.")
    assert planted.read_bytes() == before


async def test_a_line_that_cannot_be_read(workspace: Workspace, planted: Path) -> None:
    """Also a torn line can be left out."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await checked(pilot)
        await pilot.press("x")
        await shows(pilot, "sft.jsonl:3  line  1 of 1  ✗ excluded")


async def test_excluding_a_kind(workspace: Workspace, here: Path) -> None:
    """X asks, with the count, before it leaves out every row of a kind; u takes all of them back at once."""
    lines = [json.dumps(chat(f"What is {n} plus {n * 7}?", f"It is {n * 8}.")) for n in range(12)]
    source = write_lines(here / "sums.jsonl", [*lines, *lines[:9]])
    app = open_app(workspace, source)
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await checked(pilot)
        await go_to(pilot, "duplicate")
        await pilot.press("X")
        await shows(pilot, "Exclude 9 rows: the same row again?")
        await pilot.press("n")
        await until(pilot, lambda: screen_text(app).count("Exclude 9 rows") == 0)
        assert not screen(app).bench.signs
        await pilot.press("X")
        await shows(pilot, "Exclude 9 rows")
        await pilot.press("y")
        await shows(pilot, "✗ 9 excluded")
        assert screen_text(app).count("✗") >= 10
        await pilot.press("u")
        await until(pilot, lambda: not screen(app).bench.signs)
        await shows(pilot, "9 rows as before.")


async def test_editing(workspace: Workspace, planted: Path) -> None:
    """e opens the row as JSON and judges what I type; what cannot be used is explained and not saved; esc
    drops what I typed only when I press it twice."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await go_to(pilot, "empty")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditRowScreen))
        await shows(pilot, "✕ messages[1].content is empty")
        editor = app.screen.query_one(RowEditor)
        editor.text = '{"messages": ['
        await shows(pilot, "✕ line 1, column 15: expecting value")
        await pilot.press("escape")
        await shows(pilot, "esc again drops what you have typed")
        editor.text = json.dumps(chat("How do I rename a branch?", "git branch -m NEW"))
        await shows(pilot, "● reads as messages: 2 turns")
        await pilot.press("alt+enter")
        await until(pilot, lambda: "git branch -m NEW" in pane(app))
        await shows(pilot, "✎ edited")
    assert "git branch" not in planted.read_text()


async def test_a_broken_line_is_mended(workspace: Workspace, planted: Path) -> None:
    """I exclude a torn line, then mend it: it is in again, and everywhere I see what will be written."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await go_to(pilot, "json")
        await pilot.press("x")
        await shows(pilot, "✕ 2 errors, 1 left")
        assert "none is shown" not in screen_text(app)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditRowScreen))
        app.screen.query_one(RowEditor).text = '{"prompt": "Only a question?"}'
        await shows(pilot, "✕ ")
        app.screen.query_one(RowEditor).text = json.dumps(chat("Mended?", "Yes, by hand."))
        await shows(pilot, "● reads as messages: 2 turns")
        await pilot.press("alt+enter")
        await until(pilot, lambda: "assistant  ● learned\n  Yes, by hand." in pane(app))
        await shows(pilot, "sft.jsonl:3 is in again, edited.")
        title = str(screen(app).query_one("#example").border_title)
        assert "✎ edited" in title and "excluded" not in title
        await go_to(pilot, "*all")
        await shows(pilot, "✎     3  Mended?")


async def test_relabelling(workspace: Workspace, here: Path) -> None:
    """r swaps chosen and rejected; again swaps them back, and nothing is decided any more; rows that are no
    pair do not offer it, and say why."""
    app = open_app(workspace, write_lines(here / "pairs.jsonl", PAIRS))
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await go_to(pilot, "*all")
        await until(pilot, lambda: "✓ chosen\n  I cannot tell." in pane(app))
        await pilot.press("r")
        await until(pilot, lambda: "✓ chosen\n  ss -ltnp" in pane(app))
        await shows(pilot, "⇄ 1 relabelled")
        await pilot.press("r")
        await until(pilot, lambda: "✓ chosen\n  I cannot tell." in pane(app))
        assert "relabelled" not in screen_text(app) and not screen(app).bench.signs
    app = open_app(workspace, write_lines(here / "sft.jsonl", PLANTED[:1]))
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        assert "relabel" not in screen_text(app).splitlines()[-1]
        await pilot.press("r")
        await shows(pilot, "r relabels preference pairs and labelled answers; this row is none")
        await pilot.press("X")
        await shows(pilot, "X excludes all rows of a kind of finding")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_twin(workspace: Workspace, planted: Path, size: tuple[int, int]) -> None:
    """t shows the row that this one contradicts, what differs marked; in its pane x is about it."""
    app = open_app(workspace, planted)
    async with app.run_test(size=size) as pilot:
        await checked(pilot)
        assert "twin" not in screen_text(app).splitlines()[-1]
        await go_to(pilot, "contradiction")
        await pilot.press("t")
        await shows(pilot, "sft.jsonl:2  chat  twin")
        assert "find . -size +1G" in pane(app, "twin") and "du -ah" in pane(app)
        example = screen(app).query_one("#example")
        marked = [p.text for row in example._rows for p in row if "changed" in p.style]  # type: ignore[attr-defined]
        assert any("du" in text for text in marked) and not any(LARGE_FILES in text for text in marked)
        screen(app).query_one("#twin").focus()
        await pilot.press("x")
        await shows(pilot, "sft.jsonl:2  chat  twin  ✗ excluded")
        await pilot.press("escape")
        await until(pilot, lambda: "chat  twin" not in screen_text(app))


async def test_filtering(workspace: Workspace, planted: Path) -> None:
    """f narrows the findings while I type, by kind, words or line; esc shows all again."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        count = len(kinds(app).rows)
        app.simulate_key("f")  # in one burst, as over a slow line
        app.simulate_key("x")
        await until(pilot, lambda: screen(app).query_one("#filter", Input).value == "x")
        assert not screen(app).bench.signs
        await pilot.press("backspace", *"contrad")
        await until(pilot, lambda: [row.key for row in kinds(app).rows] == ["contradiction", "*all"])
        await pilot.press("enter")
        await shows(pilot, "sft.jsonl:5  chat")
        await pilot.press("escape")
        await until(pilot, lambda: len(kinds(app).rows) == count)


async def test_all_rows(workspace: Workspace, planted: Path) -> None:
    """I just read the data; f finds words in it, also those with umlauts, and a number goes to that line."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await go_to(pilot, "*all")
        await shows(pilot, f"1  {PORT}"[:40])
        assert len(rows(app).rows) == len(PLANTED)
        await pilot.press("f", *"GRÖSSTE"[:3])
        await until(pilot, lambda: [row.cells[1] for row in rows(app).rows] == ["8"])
        await pilot.press("escape", "f", "5")
        await shows(pilot, "sft.jsonl:5  chat")
        assert len(rows(app).rows) == len(PLANTED)


async def test_next_and_previous(workspace: Workspace, planted: Path) -> None:
    """n goes from finding to finding, over the end of a kind to the next kind; p goes back."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        lines = [screen(app).looked.place[1]]  # type: ignore[union-attr]
        for _ in range(3):
            await pilot.press("n")
            await until(pilot, lambda: screen(app).looked.place[1] != lines[-1])  # type: ignore[union-attr]
            lines.append(screen(app).looked.place[1])  # type: ignore[union-attr]
        assert lines[:2] == [3, 7] and len(set(lines)) == 4
        await pilot.press("p")
        await until(pilot, lambda: screen(app).looked.place[1] == lines[-2])  # type: ignore[union-attr]


async def test_heldout_files_and_leaks(workspace: Workspace, planted: Path, here: Path) -> None:
    """O adds a held-out file: a question that is also trained on is an error, and t shows where."""
    heldout = write_lines(here / "heldout.jsonl", [PLANTED[1]])
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await pilot.press("O")
        await shows(pilot, "Which held-out file?")
        app.screen.query_one("Input").value = str(heldout)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await shows(pilot, "held out: heldout.jsonl")
        await shows(pilot, "a held-out prompt is also trained on")
        await go_to(pilot, "leak")
        await pilot.press("t")
        await shows(pilot, "sft.jsonl:2  chat  twin")


async def test_applying(workspace: Workspace, planted: Path) -> None:
    """a asks for a file, says what cannot be used, writes set and manifest, and gives the recipe's line."""
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await checked(pilot)
        await go_to(pilot, "duplicate")
        await pilot.press("x")
        await shows(pilot, "✗ 1 excluded")
        await pilot.press("a")
        await shows(pilot, "Write the curated set to which file?")
        await shows(pilot, "sft.curated.jsonl")
        await pilot.press("enter")
        await shows(pilot, "2 rows cannot be used. Leave them out?")
        await pilot.press("y")
        await shows(pilot, "dataset: sft.curated.jsonl")
        await shows(pilot, "5 of 8 rows are in")
        await shows(pilot, "1 excluded, 2 dropped")
        await pilot.press("y")
        await shows(pilot, "Sent to the terminal")
        await pilot.press("escape", "a", "enter")
        await shows(pilot, "Leave them out?")
        await pilot.press("y")
        await shows(pilot, "is there already. Replace it?")
    kept = [json.loads(line) for line in (planted.parent / "sft.curated.jsonl").read_text().splitlines()]
    assert len(kept) == 5 and kept[0] == json.loads(PLANTED[0])
    assert (planted.parent / "sft.curated.jsonl.manifest.json").is_file()


@pytest.fixture
def faq(here: Path) -> Path:
    """A table whose columns have names of their own."""
    lines = [f"How do I oil pump {n}?,Open valve {n * 7} and pour.,manual {n}" for n in range(6)]
    return write_lines(here / "faq.csv", ["Question,Answer,source", *lines])


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_columns_are_offered(workspace: Workspace, faq: Path, size: tuple[int, int]) -> None:
    """No row is understood, and all look like question and answer: I am told, c fills in what they mean, and
    the file is read so, now and the next time; before that, a does not offer to throw everything away."""
    workspace.ensure()
    app = open_app(workspace, faq)
    async with app.run_test(size=size, notifications=True) as pilot:
        await checked(pilot)
        await shows(pilot, "looks like Question and Answer: c reads it so")
        await pilot.press("a")
        await shows(pilot, "no row of faq.csv can be used")
        assert "Leave them out?" not in screen_text(app)
        await pilot.press("c")
        await shows(pilot, "What do the columns of faq.csv mean?")
        line = app.screen.query_one(Input)
        assert line.value == "prompt=Question,completion=Answer"
        line.value = "prompt=Question,completion=Anser"
        await pilot.press("enter")
        await shows(pilot, "did you mean Answer?")
        line.value = "prompt=Question,answer=Answer"
        await pilot.press("enter")
        await shows(pilot, "did you mean completion=Answer?")
        line.value = "prompt=Question,completion=Answer"
        await pilot.press("enter")
        await shows(pilot, "6 examples")
        await shows(pilot, "Open valve 0 and pour.")
        await pilot.press("a", "enter")
        await shows(pilot, "dataset: faq.curated.jsonl")
    first = json.loads((faq.parent / "faq.curated.jsonl").read_text().splitlines()[0])
    assert (first["prompt"], first["completion"]) == ("How do I oil pump 0?", "Open valve 0 and pour.")
    app = open_app(workspace, faq)
    async with app.run_test(size=size) as pilot:
        await checked(pilot)
        await shows(pilot, "6 examples")
        await pilot.press("c")
        await shows(pilot, "What do the columns of faq.csv mean?")
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await shows(pilot, "looks like Question and Answer")


async def test_columns_on_the_command_line(workspace: Workspace, faq: Path) -> None:
    """ftarena --data FILE --columns …: the file is read so from the start."""
    app = FtarenaApp(make_desk(workspace), "data", [str(faq)], "prompt=Question,completion=Answer")
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        await shows(pilot, "6 examples")


async def test_decided_before(workspace: Workspace, planted: Path) -> None:
    """I open a file about which I decided before: when the check ends I stand on the worst finding."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        await go_to(pilot, "duplicate")
        await pilot.press("x")
        await shows(pilot, "1 excluded")
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        assert kinds(app).current == "json"


async def test_sound_data(
    workspace: Workspace, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is wrong with my data I land on its rows, not on a note about the model."""
    model = Model("bytes", 4096, write_model(tmp_path / "model"))
    monkeypatch.setattr("ftarena.tui.data_near.usual_model", lambda paths, workspace: model)
    app = open_app(workspace, write_lines(here / "sound.jsonl", PLANTED[:1]))
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        await shows(pilot, "no generation")  # a note there is
        assert kinds(app).current == "*all"


async def test_several_files(workspace: Workspace, here: Path) -> None:
    """Of several files with long names I see the line and what is wrong, not only the name."""
    files = [write_lines(here / f"a-very-long-name-of-a-file-of-examples-{n}.jsonl", PLANTED) for n in (1, 2)]
    app = open_app(workspace, *files)
    async with app.run_test(size=(120, 34)) as pilot:
        await checked(pilot)
        await go_to(pilot, "json")
        await shows(pilot, "1.jsonl:3  broken JSON")
        await go_to(pilot, "*all")
        await shows(pilot, "1.jsonl:2  How do I")


async def test_opening(workspace: Workspace, planted: Path, here: Path) -> None:
    """o asks for files: the list shrinks while I type, tab completes; a wrong name keeps the dialog and what
    I typed, and says what is wrong; what was opened is remembered."""
    write_lines(here / "more data.jsonl", PLANTED[:2])
    workspace.ensure()
    app = open_app(workspace)
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await shows(pilot, "near")
        await pilot.press("o")
        await shows(pilot, "Which data?")
        await shows(pilot, "  sft.jsonl")
        line = app.screen.query_one(Input)
        line.value = ""
        await pilot.press(*"none.jsonl", "enter")
        await shows(pilot, "✕ there is no file none.jsonl")
        assert line.value == "none.jsonl" and app.screen.query_one(Input) is line
        line.value = "mor"
        await until(pilot, lambda: "  sft.jsonl" not in screen_text(app))
        await pilot.press("tab")
        assert line.value == "more data.jsonl"
        line.value = ""
        await shows(pilot, "  sft.jsonl")
        await pilot.press("down", "down", "up")
        assert line.value == "more data.jsonl"
        await shows(pilot, "▸ more data.jsonl")
        line.value = "sft.jsonl 'more data.jsonl'"
        await pilot.press("enter")
        await shows(pilot, "sft.jsonl + 1 more")
        await checked(pilot)
    assert load_settings(workspace.root / "settings.json").data == ("sft.jsonl 'more data.jsonl'",)


async def test_many_files_are_near(workspace: Workspace, here: Path) -> None:
    """On the first start I read that there are more files than are listed, and how to see them."""
    for n in range(9):
        write_lines(here / f"part{n}.jsonl", PLANTED[:1])
    app = open_app(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "… and 4 more: o lists them")
        await pilot.press("o")
        await shows(pilot, "… and 1 more")


async def test_the_same_check_is_there_at_once(
    workspace: Workspace, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I open a file again that has not changed: nothing is checked twice; changed, I am told so."""
    times: list[CheckOrder] = []

    async def counted(order: CheckOrder, on_progress: Any) -> Any:
        times.append(order)
        return await check_here(order, on_progress)

    monkeypatch.setattr(checking_module, "check", counted)
    app = open_app(workspace, planted)
    async with app.run_test(size=LARGE) as pilot:
        await checked(pilot)
        await screen(app).open_files([str(planted)], []).wait()  # type: ignore[attr-defined]  # a worker
        await checked(pilot)
        assert len(times) == 1
        write_lines(planted, PLANTED[:2])
        await pilot.press("f3")
        await pilot.press("f5")
        await shows(pilot, "! changed since the check: C checks again")
        await pilot.press("C")
        await shows(pilot, "● nothing wrong")
        assert len(times) == 2


async def test_a_check_can_be_cancelled(
    workspace: Workspace, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a check goes on I can read the rows; esc ends it."""
    ended: list[bool] = []

    async def endless(order: CheckOrder, on_progress: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    monkeypatch.setattr(checking_module, "check", endless)
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "◐ checking")
        await until(pilot, lambda: "ss -ltnp" in pane(app))
        await pilot.press("escape")
        await shows(pilot, "the check was cancelled: C checks")
        assert ended == [True]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "a file without rows"),
        (b"\n\n", "a file without rows"),
        (b"\x00\x01\xff\xfe" * 500, "not UTF-8"),
        (PLANTED[0].encode()[:60], "broken line"),
        (json.dumps(chat("Long?", "word " * 400_000)).encode(), "all rows"),
    ],
    ids=["empty", "blank", "binary", "torn", "huge"],
)
async def test_odd_files(workspace: Workspace, here: Path, content: bytes, told: str) -> None:
    """Empty, binary, torn or with a row of megabytes: the screen says so and stays alive."""
    path = here / "odd.jsonl"
    path.write_bytes(content)
    app = open_app(workspace, path)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, lambda: told in screen_text(app) or "binary" in screen_text(app), told)
        await pilot.press("v", "v", "v", "G", "enter", "J", "n")
        await pilot.pause()
        assert "broke:" not in screen_text(app)


async def test_the_file_is_gone(workspace: Workspace, planted: Path) -> None:
    """Somebody deletes the file while I read: I am told, and nothing breaks."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await checked(pilot)
        planted.unlink()
        await pilot.press("j")
        await until(pilot, lambda: "there is no file" in pane(app))
        await pilot.press("x", "e", "C")
        await shows(pilot, "not checked: C tries again")
        assert "broke:" not in screen_text(app)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-light"])
async def test_in_any_theme_and_size(workspace: Workspace, planted: Path, theme: str) -> None:
    """Light, dark, small, large: the place is drawn; too small, it says so."""
    app = open_app(workspace, planted)
    async with app.run_test(size=SMALL) as pilot:
        await checked(pilot)
        app.theme = theme
        for size in ((50, 14), (200, 60), (120, 34), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "broken line" in screen_text(app)
        await pilot.resize_terminal(49, 13)
        await shows(pilot, "Too small: enlarge to 50×14")


async def test_a_hundred_thousand_rows(workspace: Workspace, here: Path) -> None:
    """In a file of 100,000 rows I go to the end and back, and only what I look at is read."""
    path = here / "many.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps(chat(f"Question {n}?", f"Answer {n}.")) + "\n" for n in range(100_000))
    app = open_app(workspace)
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "No data is open.")
        monkey = pytest.MonkeyPatch()
        monkey.setattr(checking_module.Checking, "check_files", lambda self: None)
        screen(app).open_files([str(path)], [])
        await until(pilot, lambda: len(rows(app).rows) == 100_000)
        await shows(pilot, "Question 3?")
        await pilot.press("enter", "G")
        await shows(pilot, "Question 99999?")
        await until(pilot, lambda: "Answer 99999." in pane(app))
        await pilot.press("pageup", "pageup", "home")
        await shows(pilot, "Question 0?")
        assert len(rows(app).rows._known) < 2_000  # type: ignore[union-attr]
        monkey.undo()


async def test_the_check_is_a_process(planted: Path) -> None:
    """The real thing: the check runs elsewhere, tells how far it is, and says what it found."""
    told: list[Any] = []
    report = await check(CheckOrder((Source(planted),)), told.append)
    assert report.counts["json"] == 1 and report.counts["duplicate"] == 1
    with pytest.raises(FtarenaError, match=r"none\.jsonl"):
        await check(CheckOrder((Source(planted.with_name("none.jsonl")),)), told.append)


async def test_the_check_was_killed(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is killed, for want of memory: that is one sentence with what to do."""
    killed = (["sh", "-c", "kill -9 $$"], {})
    monkeypatch.setattr("ftarena.tui.data_check.python_module", lambda module: killed)
    with pytest.raises(FtarenaError, match="the check was ended from outside"):
        await check(CheckOrder((Source(planted),)), print)


def test_a_check_does_not_outlive_the_program(here: Path) -> None:
    """The terminal hangs up in the middle of a check: the check ends by itself."""
    argv, env = python_module("ftarena.tui.data_check")
    os.mkfifo(here / "never.jsonl")  # nobody writes into it, so reading never comes to an end
    order = _frame(CheckOrder((Source(here / "never.jsonl"),)))
    child = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **env}, start_new_session=True
    )
    assert child.stdin is not None
    try:
        child.stdin.write(order)
        child.stdin.flush()
        child.stdin.close()
        assert child.wait(30) == -signal.SIGKILL
    finally:
        child.kill()
        child.wait()
        child.stdout.close()  # type: ignore[union-attr]  # a pipe, see above


BEFORE_DATA = """
import asyncio, sys
from pathlib import Path
from ftarena.processes import python_module
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace
async def main():
    workspace = Workspace(Path({root!r}))
    app = FtarenaApp(Desk(workspace, workspace.database, "ana"), "chat")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.1)
        print(*sys.modules)
        await pilot.press("f5")
        await pilot.pause(0.1)
        print(*sys.modules)
asyncio.run(main())
"""


def test_other_places_do_not_pay_for_it(workspace: Workspace) -> None:
    """The program opens without what reading data needs; and Data itself opens without torch."""
    code = BEFORE_DATA.format(root=str(workspace.root))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    heavy = {"pyarrow", "tokenizers", "rensa", "ftfy", "fasttext"}
    assert not before & {*heavy, "numpy", "ftarena.curation.shapes"}
    assert not after & {*heavy, "torch", "transformers", "datasets"} and "ftarena.tui.screens.data" in after
