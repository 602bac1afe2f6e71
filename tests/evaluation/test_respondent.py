"""A model that is asked over minutes, while its engine may be stopped or sent to sleep."""

import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation import respondent
from ftarena.evaluation.respondent import Respondent
from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.serving.contestants import Message, Sampling
from ftarena.training.runs import PROCESS, STATUS, Run
from ftarena.workspace import Workspace

ASKED = [Message(role="user", content="hello")]
SHORT = Sampling(max_tokens=4)


async def test_an_engine_that_was_stopped_half_way_is_started_again(
    project: Workspace, bare_model: Path
) -> None:
    """Somebody stopped the engine during the exam: it starts anew, and the question is asked again."""
    async with Respondent(project, bare_model) as base:
        assert (await base.complete(ASKED, SHORT)).text.strip() == "base heard: hello"
        base.engine.stop()
        assert (await base.complete(ASKED, SHORT)).text.strip() == "base heard: hello"


async def test_an_engine_that_a_run_sent_to_sleep_is_woken_when_the_run_is_over(
    project: Workspace, bare_model: Path, ended_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run began during the exam: the next question waits for its end, and the engine is awake for it."""
    run = ended_run()
    ended = read_json(run.directory / STATUS)
    waited = threading.Event()

    def end_it(_: float) -> None:
        waited.set()
        write_json(run.directory / STATUS, ended)
        (run.directory / PROCESS).unlink(missing_ok=True)

    monkeypatch.setattr(respondent.time, "sleep", end_it)
    async with Respondent(project, bare_model, run.id, run.adapter) as tuned:
        await tuned.complete(ASKED, SHORT)
        tuned.engine._set_asleep(tuned.engine.status(), True)
        write_json(run.directory / STATUS, {**ended, "state": "training"})
        write_json(run.directory / PROCESS, asdict(ProcessIdentity.current()))
        assert (await tuned.complete(ASKED, SHORT)).text.strip() == f"{run.id} heard: hello"
        assert waited.is_set()
        assert not tuned.engine.status().asleep


async def test_an_adapter_for_another_template_is_refused_at_once(
    project: Workspace, bare_model: Path, ended_run: Callable[..., Run]
) -> None:
    """Answers under another chat template would say nothing about the run."""
    run = ended_run()
    (run.directory / "chat_template.jinja").write_text("another")
    with pytest.raises(FtarenaError, match="another chat template"):
        Respondent(project, bare_model, run.id, run.adapter)
