"""The exam after training: does it stop, does it recite, does it still know?"""

import io
import json
import math
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.evaluation import respondent
from ftarena.evaluation.exam import exam_command, examine
from ftarena.evaluation.exam.answers import Answer
from ftarena.evaluation.exam.knowledge import GeneralQuestion, general_question, is_right, judge_knowledge
from ftarena.evaluation.exam.recitation import Recital, fisher, judge_recitation
from ftarena.evaluation.exam.stopping import judge_stopping, length_limit
from ftarena.evaluation.turns import turn
from ftarena.plain.runs import show
from ftarena.processes import read_json, write_json
from ftarena.serving import launch
from ftarena.serving.contestants import Message
from ftarena.training.examining import EXAMINING, noted
from ftarena.training.figures.standing import Standing, state_facts
from ftarena.training.guards import EXAM, Guard, read_guards
from ftarena.training.runs import STATUS, Run
from ftarena.workspace import Workspace

MakeRun = Callable[..., Run]
Tell = Callable[[dict[str, Any]], None]

ENDS, CUT = Answer("so", False), Answer("and so on", True)


def by_name(guards: list[Guard]) -> dict[str, Guard]:
    return {guard.name: guard for guard in guards}


@pytest.mark.parametrize(("cut", "verdict"), [(0, "ok"), (4, "ok"), (5, "alarm"), (20, "alarm")])
def test_more_than_a_fifth_of_cut_answers_is_an_alarm(cut: int, verdict: str) -> None:
    """My model writes on and on: I am told, and what the base does beside it."""
    guard = judge_stopping([CUT] * cut + [ENDS] * (20 - cut), [ENDS] * 19 + [CUT], 128, truncated=False)
    assert guard.verdict == verdict
    assert guard.words.startswith(f"{cut} of 20 answers ran into the limit of 128 tokens (base: 1)")
    assert (guard.figures["cut_share"], guard.figures["base_cut"]) == (cut / 20, 1)
    assert bool(guard.remedies) == (verdict == "alarm")


def test_what_was_cut_in_training_is_blamed_first() -> None:
    """I trained with `too_long: truncate`, which unlearns stopping."""
    guard = judge_stopping([CUT] * 5, [ENDS] * 5, 128, truncated=True)
    assert "too_long: drop" in guard.remedies[0]


def test_no_answer_is_no_finding() -> None:
    """If no question fits into the engine's context, nothing is claimed."""
    assert judge_stopping([None], [None], 128, truncated=False).verdict == "unknown"
    assert judge_recitation([None], [], [None]).verdict == "unknown"
    assert judge_knowledge([], [], []).verdict == "unknown"


def test_the_limit_leaves_room_above_the_longest_training_answer() -> None:
    """Short answers get a limit that is no trap, long ones one that ends."""
    assert [length_limit(tokens) for tokens in (0, 20, 50, 100, 5000)] == [128, 128, 200, 400, 512]


def recitals(recited: int, of: int) -> list[Recital | None]:
    return [Recital(20, 20 if index < recited else 3, False) for index in range(of)]


def test_answers_that_anybody_could_foresee_are_not_learned_by_heart() -> None:
    """My answers are formulaic: the model foresees the held-out ones just as well, and that is fine."""
    guard = judge_recitation(recitals(16, 20), recitals(14, 20), recitals(2, 20))
    assert guard.verdict == "ok"
    assert guard.words == "16 of 20 training answers recited, 14 of 20 held-out ones (base: 2)"


def test_training_answers_recited_far_more_often_are_an_alarm() -> None:
    """After thirty epochs it knows the training answers, and only those."""
    guard = judge_recitation(recitals(16, 20), recitals(2, 20), recitals(1, 20))
    assert guard.verdict == "alarm" and guard.remedies
    assert guard.figures["heldout_recited"] == 2


def test_without_held_out_answers_the_base_is_the_measure() -> None:
    """Nothing is held out, so only a much higher share than the base's counts."""
    assert judge_recitation(recitals(8, 20), [], recitals(1, 20)).verdict == "ok"
    assert judge_recitation(recitals(18, 20), [], recitals(1, 20)).verdict == "alarm"


def test_fifty_tokens_in_a_row_are_recited() -> None:
    """A long answer counts once fifty tokens of it come back, whatever follows."""
    assert Recital(400, 50, False).recited
    assert not Recital(400, 49, False).recited
    assert Recital(10, 9, False).recited and not Recital(10, 8, False).recited


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_fishers_p_value_is_a_tail_of_all_ways(n: int, m: int, data: st.DataObject) -> None:
    """The tails of both directions overlap in the observed table only."""
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    observed = math.comb(n, a) * math.comb(m, b) / math.comb(n + m, a + b)
    assert math.isclose(fisher(a, n, b, m) + fisher(b, m, a, n), 1 + observed)


QUESTION = (Message(role="user", content="On which continent is Kenya?"),)


@pytest.mark.parametrize(
    ("answer", "right"),
    [("Kenya is in Africa.", True), ("AFRICA!", True), ("It lies in Afrique.", False), ("", False)],
)
def test_an_answer_is_right_by_its_words(answer: str, right: bool) -> None:
    """Case and punctuation do not matter, whole words do."""
    question = general_question(QUESTION, "Kenya is in Africa.")
    assert question is not None and is_right(question, answer) is right


def test_what_counts_as_right_may_be_listed() -> None:
    """With `accept`, one of its phrases is enough; numbers may be written either way."""
    question = general_question(QUESTION, "Nine.", ["nine", "3 + 6"])
    assert question is not None
    assert [is_right(question, text) for text in ("It is 9.", "Nine it is", "3+6", "19")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_reference_that_says_nothing_of_its_own_is_not_judged() -> None:
    """A question whose answer only repeats it, or is a whole explanation, is left out."""
    assert general_question(QUESTION, "Which continent?") is None
    assert general_question(QUESTION, "Plate tectonics moved that land mass north eastwards slowly") is None


def general(right_now: int, right_before: int, n: int = 60) -> Guard:
    question = GeneralQuestion(QUESTION, (("yes",),))
    yes, no = Answer("yes", False), Answer("no", False)
    now = [yes] * right_now + [no] * (n - right_now)
    return judge_knowledge([question] * n, now, [yes] * right_before + [no] * (n - right_before))


def test_a_fall_beyond_chance_is_forgetting() -> None:
    """It knew 50 of 60 and now knows 40: forgotten. Three fewer may be chance; more is none of it."""
    assert general(40, 50).verdict == "alarm"
    assert general(47, 50).verdict == "ok"
    assert general(55, 50).verdict == "ok"
    assert general(40, 50).words == "40 of 60 general questions right (base: 50), p = 0.002: it forgot"


def test_a_run_is_examined_beside_its_base(project: Workspace, ended_run: MakeRun, answers: Tell) -> None:
    """After training the engine answers as run and base, and the run's page shows three findings."""
    known = {f"Know {n}?": [f"yes{n}", "stop"] for n in range(30)}
    answers({"base": known, "lesson": {**dict(list(known.items())[:20]), "*": ["la la la", "length"]}})
    run = ended_run()
    said: list[tuple[str, float | None]] = []
    guards = by_name(examine(run, project, lambda line, fraction: said.append((line, fraction))))
    assert guards["stopping"].verdict == "alarm" and guards["stopping"].figures["cut"] == 20
    assert guards["stopping"].figures["base_cut"] == 0
    assert guards["knowledge"].verdict == "alarm"
    assert (guards["knowledge"].figures["right"], guards["knowledge"].figures["base_right"]) == (20, 30)
    assert (
        guards["memorisation"].words == "20 of 20 training answers recited, 20 of 20 held-out ones (base: 20)"
    )
    assert [guard.name for guard in read_guards(run)] == ["stopping", "memorisation", "knowledge"]
    stored = read_json(run.directory / EXAM)
    shown = next(row for row in stored["answers"] if row["guard"] == "stopping")
    assert shown["run"].strip() == "la la la" and shown["run_cut"] and not shown["base_cut"]
    fractions = [fraction for _, fraction in said if fraction is not None]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_the_same_exam_twice_finds_the_same_and_asks_the_base_once(
    project: Workspace, ended_run: MakeRun, answers: Tell
) -> None:
    """I repeat the command: the same findings, and the base's answers are remembered."""
    run = ended_run()
    first = examine(run, project)
    answers({"base": {"*": ["something else", "length"]}})
    assert examine(run, project) == first


def test_words_that_the_model_would_not_write_are_not_recited(
    project: Workspace, ended_run: MakeRun, answers: Tell
) -> None:
    """A run that would go on otherwise than its training answers recites nothing."""
    answers({"lesson": {"unlikely": [5]}})  # the stand-in's tokens are lengths of words
    guard = by_name(examine(ended_run(), project))["memorisation"]
    assert (guard.verdict, guard.figures["recited"]) == ("ok", 0)


def test_changed_data_are_not_taken_for_what_was_trained_on(
    project: Workspace, ended_run: MakeRun, answers: Tell, tmp_path: Path
) -> None:
    """I edited the training file since: what is recited cannot be said, the rest can."""
    run = ended_run()
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"prompt": "New?", "completion": "Yes."}\n')
    guards = by_name(examine(run, project))
    assert guards["memorisation"].verdict == "unknown" and "train.jsonl" in guards["memorisation"].words
    assert guards["stopping"].verdict == guards["knowledge"].verdict == "ok"


def test_without_an_engine_the_findings_are_unknown_and_say_why(
    project: Workspace, ended_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that cannot serve, the run's page says so instead of nothing."""
    monkeypatch.setattr(launch, "installed", lambda: False)
    run = ended_run()
    assert {guard.verdict for guard in examine(run, project)} == {"unknown"}
    assert all("vLLM is not installed" in guard.words for guard in read_guards(run))


def test_an_earlier_finding_is_not_lost_because_the_engine_is_gone(
    project: Workspace, ended_run: MakeRun, answers: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found yesterday stays when it cannot be found today."""
    run = ended_run()
    before = examine(run, project)
    (run.directory / "adapter_config.json").write_text('{"peft_type": "LORA", "use_dora": true, "r": 4}')
    with pytest.raises(FtarenaError, match="DoRA"):
        examine(run, project)
    assert read_guards(run) == before


def test_an_adapter_that_no_engine_serves_is_said_before_an_engine_is_waited_for(
    project: Workspace, ended_run: MakeRun
) -> None:
    """A DoRA run cannot be examined: the reason is there at once, and no engine was started for it."""
    run = ended_run(adapter={"use_dora": True})
    assert {guard.verdict for guard in examine(run, project)} == {"unknown"}
    assert not list(project.engines.glob("*/engine.json"))


def test_the_exam_waits_for_whoever_trains(
    project: Workspace, ended_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run trains already: the exam takes no core from it, and begins when it is over."""
    other = ended_run()
    status = read_json(other.directory / STATUS)
    write_json(other.directory / STATUS, {**status, "state": "queued"})
    said: list[str] = []

    def finish(_: float) -> None:
        write_json(other.directory / STATUS, status)

    monkeypatch.setattr(respondent.time, "sleep", finish)
    respondent.wait_for_device(project, said.append)
    assert said == [f"waiting for the run {other.id}"]


def test_the_detached_process_writes_the_findings(
    project: Workspace, ended_run: MakeRun, answers: Tell
) -> None:
    """A run that ends over night is examined by a process of its own; what it says is in a log."""
    run = ended_run()
    done = subprocess.run(
        exam_command(run.directory), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {guard.name for guard in read_guards(run)} == {"stopping", "memorisation", "knowledge"}
    assert "the run: does it stop?" in done.stderr


def test_who_waits_is_told_for_whose_exam(project: Workspace) -> None:
    """Two exams, or an exam and a scale curve, go one after the other; who waits is told for what, once."""
    said: list[str] = []
    first, second = threading.Event(), threading.Event()

    def told(line: str) -> None:
        said.append(line)
        first.set()

    def wait() -> None:
        with turn(project, "the exam of b", told):
            second.set()

    other = threading.Thread(target=wait)
    with turn(project, "the scale curve of a", said.append):
        other.start()
        assert first.wait(10)
        assert not second.is_set()
    other.join(10)
    assert said == ["waiting for the scale curve of a"]
    with turn(project, "the exam of c", said.append):
        assert (project.root / "exam.lock").read_text() == "the exam of c"
    assert len(said) == 1


def test_whoever_watches_sees_how_long_it_waits(project: Workspace) -> None:
    """Right after a training I start eval: it tells again and again whose exam it waits for, and how long."""
    said: list[str] = []
    twice = threading.Event()

    def told(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            twice.set()

    def wait() -> None:
        with turn(project, "ftarena eval", told, every_s=0.01):
            pass

    other = threading.Thread(target=wait)
    with turn(project, "the exam of a", told):
        other.start()
        assert twice.wait(10)
    other.join(10)
    assert not other.is_alive()
    assert said[0].startswith("waiting for the exam of a (") and said[0].endswith(" so far)")


def test_a_page_says_that_its_run_is_examined(project: Workspace, ended_run: MakeRun) -> None:
    """Between the end of a run and the findings its page says what the exam does; afterwards no more."""
    run = ended_run()

    def on_page() -> list[str]:
        return [fact.words for fact in state_facts(Standing.of(run)) if fact.title == "exam"]

    with noted(run.directory, lambda line, part: None) as tell:
        tell("waiting for the exam of b", None)
        assert on_page() == ["waiting for the exam of b"]
        tell("the run: does it stop?", 0.57)
        assert on_page() == ["the run: does it stop? (50 %)"]
        note = read_json(run.directory / EXAMINING)
        out = io.StringIO()
        show(project, run.id, as_json=True, out=out)
        assert json.loads(out.getvalue())["examining"] == "the run: does it stop? (50 %)"
    assert on_page() == []
    write_json(run.directory / EXAMINING, {**note, "started": 1.0})
    assert on_page() == [], "its process was killed"
