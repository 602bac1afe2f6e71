"""Tasks of lm_eval through the engine: the bridge, the program, what it wrote.

It is a stand-in that makes a real request through the real bridge, with the key from its environment.
"""

import http.client
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation.lm_eval import bridge as bridges
from ftarena.evaluation.lm_eval import measure_lm_eval
from ftarena.evaluation.lm_eval.bridge import bridge
from ftarena.evaluation.lm_eval.samples import read_samples
from ftarena.evaluation.measures import task_tables
from ftarena.evaluation.tasks.asking import Who
from ftarena.serving.contestants import Contestant, Message
from ftarena.serving.engine import Engine
from ftarena.store import Store
from ftarena.training.runs import Run
from ftarena.workspace import Workspace

PROGRAM = """#!{python}
import json, os, sys, urllib.request
from pathlib import Path

words = sys.argv[1:]
given = dict(pair.split("=", 1) for pair in words[words.index("--model_args") + 1].split(","))
key = os.environ["OPENAI_API_KEY"]
assert key not in " ".join(words), "other users can read a command line"
if "fail" in words:
    sys.exit("ValueError: no such task")
body = json.dumps({{"model": given["model"], "prompt": [1, 2, 3], "logprobs": 1, "echo": True}}).encode()
asked = urllib.request.Request(given["base_url"], body, {{"Authorization": f"Bearer {{key}}"}})
json.load(urllib.request.urlopen(asked))["choices"][0]["logprobs"]["token_logprobs"]
folder = Path(words[words.index("--output_path") + 1]) / "model"
folder.mkdir(parents=True)
right = 3 if given["model"] == "base" else 1
rows = [dict(doc_id=n, filter="none", metrics=["acc", "acc_norm"], acc=float(n < right), acc_norm=1.0,
             resps=[[[-1.0, True]]]) for n in range(4)]
text = "".join(json.dumps(row) + "\\n" for row in rows)
(folder / "samples_quiz_2026-11-24T15-00-00.123456.jsonl").write_text(text)
"""


def ask(url: str, key: str, path: str, method: str = "POST") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    body = b'{"prompt": [1, 2], "model": "base"}'
    connection.request(method, path, body, {"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@pytest.fixture
def engine(project: Workspace, bare_model: Path) -> Engine:
    engine = Engine(project, bare_model)
    engine.start()
    engine.wait_ready(60)
    return engine


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for lm_eval on the path."""
    path = tmp_path / "bin" / "lm_eval"
    path.parent.mkdir()
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("ftarena.evaluation.lm_eval.running.BESIDE", tmp_path / "nowhere")
    return path


def test_only_who_has_the_key_gets_through_and_only_to_questions(engine: Engine) -> None:
    """Another user of my machine finds the port and gets nothing from it, and it is gone afterwards."""
    path = engine.status().socket
    assert path is not None
    with bridge(path) as opened:
        assert ask(opened.url, opened.key, "/v1/completions")[0] == 200
        assert ask(opened.url, opened.key, "/v1/models", "GET")[0] == 200
        for key in ("", "wrong", opened.key[:-1]):
            assert ask(opened.url, key, "/v1/completions")[0] == 401
        for route in ("/sleep", "/v1/load_lora_adapter", "/v1/../sleep", "/tokenize"):
            assert ask(opened.url, opened.key, route)[0] == 404
    with pytest.raises(OSError, match="refused"):
        ask(opened.url, opened.key, "/v1/models", "GET")


def test_an_engine_that_is_gone_is_told(tmp_path: Path) -> None:
    """The program hears of it instead of waiting."""
    with bridge(tmp_path / "no.sock") as opened:
        assert ask(opened.url, opened.key, "/v1/completions")[0] == 502
    assert set(bridges.ROUTES) == {"/v1/completions", "/v1/chat/completions", "/v1/models"}


def entered(store: Store, run: Run, model: Path) -> list[Who]:
    shots = (Message(role="user", content="Eh?"), Message(role="assistant", content="Oh."))
    found = []
    for name, spec in (("base", {}), ("sft", {"adapter": run.id}), ("prompt", {"few_shot": shots})):
        contestant = Contestant(model=str(model), **spec)  # type: ignore[arg-type]
        row = store.add_contestant(
            name, contestant_id=contestant.id, spec_json=contestant.model_dump_json(), kind="base"
        )
        found.append(Who(name, row.id, contestant))
    return found


def test_its_samples_become_a_task_like_any_other(
    project: Workspace, ended_run: Callable[..., Run], bare_model: Path, program: Path
) -> None:
    """A task of lm_eval stands in the table with paired intervals; asked again it is not run again."""
    with Store.open(project.database) as store:
        whom = entered(store, ended_run(), bare_model)
        ids, outcome = measure_lm_eval(store, project, whom, "lm-eval:quiz")
        assert outcome.asked == 8 and not outcome.troubles
        (table,) = task_tables(store, [who.name for who in whom], "base", ids)
        assert (table.task.name, table.task.metric, table.unmeasured) == ("lm-eval:quiz", "acc", ("prompt",))
        (_, base), (_, sft) = table.rows
        assert (base.value, sft.value, sft.difference) == (0.75, 0.25, -0.5)
        program.unlink()
        assert measure_lm_eval(store, project, whom, "lm-eval:quiz")[1].asked == 0


def test_it_is_said_why_it_failed_or_that_it_is_missing(
    project: Workspace, ended_run: Callable[..., Run], bare_model: Path, program: Path
) -> None:
    """A task it does not know is told in its own last words; without the program, what to install."""
    with Store.open(project.database) as store:
        whom = entered(store, ended_run(), bare_model)[:1]
        _, outcome = measure_lm_eval(store, project, whom, "lm-eval:fail")
        assert "lm_eval failed: ValueError: no such task" in outcome.troubles["base"].message
        program.unlink()
        if shutil.which("lm_eval") is None:
            with pytest.raises(FtarenaError, match="lm_eval is not installed"):
                measure_lm_eval(store, project, whom, "lm-eval:other")


def write_samples(folder: Path, rows: list[dict[str, Any]], task: str = "gsm8k") -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"samples_{task}_2026-11-24T15-00-00.1.jsonl").write_text(text)


def test_of_several_filters_the_first_counts(tmp_path: Path) -> None:
    """GSM8K is scored under two filters; one of them, named, is the score."""
    row = {"metrics": ["exact_match"], "resps": [["so 7"]]}
    write_samples(
        tmp_path,
        [
            {**row, "doc_id": n, "filter": name, "exact_match": value}
            for n in range(2)
            for name, value in (("strict-match", 0.0), ("flexible-extract", 1.0))
        ],
    )
    (sampled,) = read_samples(tmp_path)
    assert (sampled.metric, sampled.scores) == ("exact_match (strict-match)", {0: 0.0, 1: 0.0})
    assert sampled.answers == {0: "so 7", 1: "so 7"}


def test_what_cannot_be_compared_item_by_item_is_refused(tmp_path: Path) -> None:
    """Perplexities are no shares; an empty folder is no result."""
    write_samples(tmp_path, [{"doc_id": 0, "filter": "none", "metrics": ["ppl"], "ppl": 12.5}], "wiki")
    with pytest.raises(FtarenaError, match="no scores of single items"):
        read_samples(tmp_path)
