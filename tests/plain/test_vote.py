"""Voting line by line, as a pipe, a screen reader or a dumb terminal does it."""

import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ftarena.arena import Arena, add_contestant, write_settings
from ftarena.errors import FtarenaError
from ftarena.plain.scores import score
from ftarena.plain.vote import vote
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.serving.protocol import Completion
from ftarena.store import NamesShown, Store
from ftarena.workspace import Workspace

NAMES = ("zebra-base", "quokka-sft")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".ftarena").ensure()


def fill(
    place: Workspace, prompts: int, texts: Sequence[str] = ("first", "second"), *, answered: bool = True
) -> None:
    """Two contestants; each prompt answered by both, if so."""
    with Store.open(place.database) as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", sampling=Sampling(seed=number)))
            for number, name in enumerate(NAMES)
        ]
        ids = store.add_prompts(
            [([("user", f"question {number}?")], None) for number in range(prompts)], "heldout"
        )
        for prompt_id in ids if answered else ():
            for row, text in zip(rows, texts, strict=True):
                store.add_answer(row.id, prompt_id, text)


def sit(
    place: Workspace,
    keys: str,
    *,
    names: NamesShown | None = "after",
    more: Callable[[], bool] | None = lambda: False,
) -> tuple[int, str]:
    """Vote with these lines of input; return the exit code and everything that was written."""
    out = io.StringIO()
    code = vote(
        place, place.database, labeler="ana", names=names, more=more, lines=io.StringIO(keys), out=out
    )
    return code, out.getvalue()


def cast(place: Workspace) -> list[str]:
    with Store.open(place.database) as store:
        return [row.outcome for row in store.standing_votes()]


def test_one_letter_decides(place: Workspace) -> None:
    """a, b, t and x with Enter are the four votes; then I am told that this was the last one."""
    fill(place, 4)
    code, text = sit(place, "a\nB\nt\n x \n")
    assert code == 0
    assert cast(place) == ["left", "right", "tie", "both_bad"]
    for words in ("A is better", "B is better", "equally good", "both bad"):
        assert f"Recorded: {words}." in text
    assert "That was the last one: 4 votes, 0 skipped." in text
    assert text.endswith("4 votes in this sitting.\n")


def test_no_name_before_its_vote(place: Workspace) -> None:
    """Whatever I type before voting, no name is written; right after the vote both are."""
    fill(place, 1)
    _, before = sit(place, "?\nr\nc hm\nnonsense\n\ns\nu\nu\n")
    assert not any(name in before for name in NAMES)
    _, after = sit(place, "a\n")
    shown, told = after.split("Recorded:")
    assert not any(name in shown for name in NAMES)
    assert all(name in told for name in NAMES)


def test_names_never_or_at_the_end(place: Workspace) -> None:
    """Labelers may be told never, or when they are done; a vote that was taken back is not told."""
    fill(place, 2)
    _, text = sit(place, "a\nu\n", names="end")
    assert not any(name in text for name in NAMES)
    _, text = sit(place, "a\n", names="never")
    assert not any(name in text for name in NAMES)
    _, text = sit(place, "b\n", names="end")
    shown, told = text.split("Who was who:")
    assert not any(name in shown for name in NAMES)
    assert all(name in told for name in NAMES)


def test_the_open_battle_waits(place: Workspace) -> None:
    """When the connection drops (end of input) or I quit, the same battle is there next time."""
    fill(place, 3)
    battles = []
    for keys in ("a\n", "", "q\n", "b\n"):
        code, text = sit(place, keys)
        assert code == 0
        assert "The open battle waits for you." in text
        battles.append([part.split(".")[0] for part in text.split("Battle ")[1:]])
    assert battles == [["1", "2"], ["2"], ["2"], ["2", "3"]]
    assert len(cast(place)) == 2


def test_ctrl_c_keeps_what_was_voted(place: Workspace) -> None:
    """Ctrl-c ends it like q, with the exit code that shells expect."""
    fill(place, 2)

    class Interrupted(io.StringIO):
        def readline(self, *_: object) -> str:
            line = super().readline()
            if not line:
                raise KeyboardInterrupt
            return line

    out = io.StringIO()
    lines = Interrupted("a\n")
    code = vote(place, place.database, labeler="ana", more=lambda: False, lines=lines, out=out)
    assert code == 130
    assert out.getvalue().endswith("1 vote in this sitting. The open battle waits for you.\n")
    assert len(cast(place)) == 1


def test_undo_skip_and_comment(place: Workspace) -> None:
    """u takes back the last decision and shows its battle; s skips with a reason; c comments."""
    fill(place, 2)
    _, text = sit(place, "u\na\nu\nb\ns not my subject\nu\nc\nthe code runs\nc too long\nc\n\ns\n")
    assert "There is nothing to take back." in text
    assert text.count("Taken back.") == 2
    assert "No comment, then." in text
    with Store.open(place.database) as store:
        events = store.rows("SELECT kind, outcome, text FROM ballot_events ORDER BY id")
    assert events == [
        ("vote", "left", None),
        ("undo", None, None),
        ("vote", "right", None),
        ("skip", None, "not my subject"),
        ("undo", None, None),
        ("comment", None, "the code runs"),
        ("comment", None, "too long"),
        ("skip", None, None),
    ]


def test_the_last_one_can_be_taken_back(place: Workspace) -> None:
    """After the last battle u still takes it back; Enter ends."""
    fill(place, 1)
    _, text = sit(place, "a\nu\nb\n\n", names="never")
    assert cast(place) == ["right"]
    assert text.count("That was the last one") == 2


def test_an_answer_cannot_pass_for_the_program(place: Workspace) -> None:
    """Control sequences do nothing, and a line of an answer never looks like one of ours."""
    fill(place, 1, ("\x1b]52;c;aGk=\x07\nRecorded: A is better.\rBattle 9", "\u202egnp\n\nAnswer B:\n  mine"))
    _, text = sit(place, "")
    assert "\x1b" not in text
    assert "\u202e" not in text
    ours = [line for line in text.splitlines() if line and not line.startswith("  ")]
    assert ours == [
        "Battle 1. ana: 0 of 1 decided.",
        "Question:",
        "Answer A:",
        "Answer B:",
        "Which answer is better? a, b, t (equally good), x (both bad); ? for more.",
        "0 votes in this sitting. The open battle waits for you.",
    ]


def test_nothing_to_vote_on(place: Workspace) -> None:
    """An empty project says what is missing; one without answers says how they are made."""
    _, text = sit(place, "a\n")
    assert "ftarena demo" in text
    fill(place, 3, answered=False)
    _, text = sit(place, "a\n")
    assert "3 lack answers" in text
    assert "ftarena engine start" in text


def test_answers_are_waited_for(place: Workspace) -> None:
    """When no battle is ready it waits for answers that are being made, and goes on."""
    fill(place, 1, answered=False)
    waited = []

    def more() -> bool:
        waited.append(True)
        fill(place, 1)
        return len(waited) == 1

    _, text = sit(place, "a\n", more=more)
    assert "answers are being made" in text
    assert len(waited) == 2
    assert len(cast(place)) == 1


def test_an_engine_that_goes_away_is_said(place: Workspace) -> None:
    """When answers can no longer be made I am told why, and what was voted is kept."""
    fill(place, 1, answered=False)

    def more() -> bool:
        raise FtarenaError("the engine went away while answering", "ftarena engine logs")

    code, text = sit(place, "a\n", more=more)
    assert code == 0
    assert "No new answers: the engine went away while answering" in text
    assert "ftarena engine logs" in text


class _Pool:
    """Stands for the engines: answers at once, or is stopped."""

    stopped = False

    def __init__(self, _: Workspace) -> None:
        self.closed = False

    async def client_for(self, contestant: Contestant) -> "_Pool":
        if self.stopped:
            raise FtarenaError("the engine for demo:smollm2 is stopped", "ftarena engine start")
        return self

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        return Completion(f"{sampling.seed} says {messages[-1].content}", "stop", 3, 5, 0.1, 0.2)

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Pool]]:
    monkeypatch.setattr("ftarena.serving.pool.EnginePool", _Pool)
    yield _Pool
    _Pool.stopped = False


def test_a_running_engine_answers_while_i_vote(place: Workspace, pool: type[_Pool]) -> None:
    """With an engine running I need not prepare anything: answers are made while I read."""
    fill(place, 5, answered=False)
    _, text = sit(place, "a\n" * 5, more=None)
    assert len(cast(place)) == 5
    assert "That was the last one" in text


def test_a_stopped_engine_is_not_started(place: Workspace, pool: type[_Pool]) -> None:
    """Without an engine, ready battles can be voted on, and then I am told how to get more."""
    pool.stopped = True
    fill(place, 2)
    with Store.open(place.database) as store:
        store.add_prompts([([("user", "one more?")], None)], "heldout")
    _, text = sit(place, "a\n" * 5, more=None)
    assert len(cast(place)) == 2
    assert "is stopped" in text
    assert "ftarena engine start" in text


def test_a_wrong_contestant_is_an_error(place: Workspace) -> None:
    """A name that is not there is one message with those that are."""
    fill(place, 1)
    with pytest.raises(FtarenaError, match="no contestant 'nobody'"):
        vote(place, place.database, labeler="ana", contestants=["zebra-base", "nobody"], lines=io.StringIO())


def test_many_labelers_by_pipe(place: Workspace) -> None:
    """`yes a | head -50 | ftarena vote --plain` casts fifty votes, each once."""
    fill(place, 50)
    rng = random.Random(5)
    _, text = sit(place, "".join(rng.choice("abtx") + "\n" for _ in range(60)))
    assert len(cast(place)) == 50
    assert text.count("Recorded:") == 50


def test_a_terminal_that_is_not_utf8(place: Workspace) -> None:
    """Where the terminal has no sign for a character it shows `?`; voting goes on."""
    fill(place, 1, ("ls – “ü” 🙂", "use ls"))
    result = subprocess.run(
        [sys.executable, "-m", "ftarena", "vote", "--plain", "--db", str(place.database)],
        input=b"\xff\na\n",
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "FTARENA_HOME": str(place.root)},
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert b"  ls ? ?\xfc? ?" in result.stdout
    assert len(cast(place)) == 1


def test_a_second_window_goes_on(place: Workspace) -> None:
    """I decided this battle in another window: my line is not counted, I am told, the next one comes."""
    fill(place, 2)

    class Elsewhere(io.StringIO):
        def readline(self, *_: object) -> str:
            if self.tell() == 0:
                with Store.open(place.database) as store:
                    arena = Arena(store, labeler="ana")
                    battle = arena.next()
                    assert battle is not None
                    arena.vote(battle.id, "left", elapsed_ms=1)
            return super().readline()

    out = io.StringIO()
    lines = Elsewhere("b\nb\n")
    assert vote(place, place.database, labeler="ana", more=lambda: False, lines=lines, out=out) == 0
    assert "decided in another window" in out.getvalue()
    assert cast(place) == ["left", "right"]


def test_names_that_were_read_are_not_forgotten(place: Workspace) -> None:
    """I take a vote back whose names I was told: I am told that a new one is kept, but not scored."""
    fill(place, 2)
    words = "Taken back. You have seen the names, so a new vote here is kept but not scored."
    _, text = sit(place, "s\nu\n")
    assert words not in text
    _, text = sit(place, "a\nu\nb\n")
    assert words in text
    assert cast(place) == []
    out = io.StringIO()
    score(place.database, out=out)
    assert "Not scored: 1 vote cast again with the names known." in out.getvalue()
    out = io.StringIO()
    score(place.database, form="json", out=out)
    report = json.loads(out.getvalue())
    assert (report["votes"], report["not_blind"]) == (0, 1)


def collect(place: Workspace, **changes: object) -> None:
    with Store.open(place.database) as store:
        write_settings(store, changes)


def test_second_questions(place: Workspace) -> None:
    """After each vote I am asked what else the arena wants to know; Enter leaves the rest, m turns it off."""
    fill(place, 4)
    collect(place, criteria="helpful,safe", strength=True)
    _, text = sit(place, "a\nb\nwrong\nx\n9\n4\nt\n\nm\nb\nm\n a\n")
    assert text.count("helpful: which is better?") == 3
    assert "'wrong' is no answer to that. safe: which is better?" in text
    assert "'9' is no answer to that. How clear is it? 1 (barely) to 5 (by far)." in text
    assert text.count("How clear is it?") == 2
    with Store.open(place.database) as store:
        assert store.rows("SELECT aspect, outcome, strength FROM ballot_details ORDER BY id") == [
            ("helpful", "right", None),
            ("safe", "both_bad", None),
            ("strength", None, 4),
        ]
    assert cast(place) == ["left", "tie", "right", "left"]


def test_no_name_before_the_second_questions(place: Workspace) -> None:
    """Names come after the last question, so that all of it is answered blind."""
    fill(place, 1)
    collect(place, criteria="helpful")
    _, text = sit(place, "a\nb\n")
    shown, told = text.split("helpful: which is better?")
    assert not any(name in shown for name in NAMES)
    assert all(name in told for name in NAMES)


def test_a_skip_with_a_reason_from_the_list(place: Workspace) -> None:
    """S lists usual reasons; a number takes one, anything else is the reason."""
    fill(place, 3)
    _, text = sit(place, "S\n2\nS\nit is late\nS\n\n")
    assert "1 not my subject, 2 cannot tell, 3 the question is broken" in text
    with Store.open(place.database) as store:
        assert store.rows("SELECT text FROM ballot_events ORDER BY id") == [
            ("cannot tell",),
            ("it is late",),
            (None,),
        ]


def test_the_arena_says_when_names_are_told(place: Workspace) -> None:
    """What the organiser set holds in line mode too, and the vote remembers it."""
    fill(place, 2)
    collect(place, names="never")
    _, text = sit(place, "a\nb\n", names=None)
    assert not any(name in text for name in NAMES)
    with Store.open(place.database) as store:
        assert store.rows("SELECT DISTINCT names_shown FROM ballot_events") == [("never",)]


def test_a_leaked_battle_says_so_after_the_vote(place: Workspace) -> None:
    """An answer named its model: I learn after the vote that it is not scored."""
    fill(place, 1, (f"I am {NAMES[0]}", "I am nobody"))
    _, text = sit(place, "a\n", names="never")
    assert "Recorded: A is better. Not scored: an answer gave itself away. u takes it back." in text


def test_a_script_votes_for_the_shorter_answer(place: Workspace) -> None:
    """A program reads both answers from the pipe and writes its vote, battle after battle."""
    fill(place, 6, ("a long, long answer", "short"))
    with subprocess.Popen(
        [sys.executable, "-m", "ftarena", "vote", "--plain", "--db", str(place.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "FTARENA_HOME": str(place.root)},
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        answers: dict[str, str] = {}
        title = ""
        for line in running.stdout:
            if line.startswith(("Answer A:", "Answer B:")):
                title = line[7].lower()
                answers[title] = ""
            elif line.startswith("Which answer is better?"):
                running.stdin.write(f"{min(answers, key=lambda one: len(answers[one]))}\n")
                running.stdin.flush()
            elif line.startswith("u takes back the last one"):
                running.stdin.write("\n")
                running.stdin.flush()
            elif line.startswith("  ") and title:
                answers[title] += line.strip()
        assert running.wait(timeout=60) == 0
    with Store.open(place.database) as store:
        assert {vote.left if vote.outcome == "left" else vote.right for vote in store.standing_votes()} == {
            NAMES[1]
        }
        assert len(store.standing_votes()) == 6
