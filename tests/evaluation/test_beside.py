"""What stands beside preference is read from the store and from what runs left; nobody is asked."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.evaluation.beside import Beside, beside
from ftarena.evaluation.measures import Measure, TaskTable, _table
from ftarena.plain.scores_words import beside_rows, difference_name
from ftarena.processes import write_json
from ftarena.serving.contestants import Contestant, Message
from ftarena.store import ContestantRow, Store
from ftarena.store.results import ResultRow, TaskRow, add_results, add_task
from ftarena.workspace import Workspace

MODEL = "demo:smollm2"
SHOTS = (Message(role="user", content="Eh?"), Message(role="assistant", content="Oh."))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".ftarena").ensure()


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return Store.open(workspace.database)


def enter(store: Store, name: str, **spec: Any) -> ContestantRow:
    contestant = Contestant(model=MODEL, **spec)
    return store.add_contestant(
        name,
        contestant_id=contestant.id,
        spec_json=contestant.model_dump_json(),
        kind="adapter" if contestant.adapter else "base",
        model=MODEL,
        run_id=contestant.run_id,
    )


def named(told: list[Beside], contestant: str) -> dict[str, Measure]:
    return {measure.name: measure for one in told if one.contestant == contestant for measure in one.measures}


def measured(store: Store, name: str, metric: str, scores: dict[str, list[float]], task: str = "") -> None:
    ids = {row.name: row.id for row in store.contestants()}
    task = task or f"{name} {metric}"
    add_task(store, task, name=name, metric=metric, items=9, asked=task)
    for who, values in scores.items():
        rows = [ResultRow(n, value, None, "a", "stop", 4, 0.1) for n, value in enumerate(values)]
        add_results(store, task, ids[who], rows)


def test_nothing_measured_is_nothing_told(store: Store, workspace: Workspace) -> None:
    """A new project shows names without figures, and no zeros."""
    enter(store, "base")
    assert beside(store, workspace, ["base", "unknown"]) == [Beside("base", ())]
    assert beside(store, workspace, []) == []


def test_each_figure_with_its_difference_to_the_base(store: Store, workspace: Workspace) -> None:
    """Losses first, then tasks, each with the paired difference and its interval."""
    enter(store, "sft", adapter="run-1")
    enter(store, "base")
    measured(store, "quiz", "exact", {"base": [1, 0, 0, 0], "sft": [1, 1, 1, 0]})
    measured(store, "held-out loss", "loss", {"base": [3.0, 2.0, 2.5], "sft": [1.0, 1.0, 1.2]})
    told = beside(store, workspace, ["sft", "base"])
    assert [one.contestant for one in told] == ["sft", "base"]
    assert [measure.name for measure in told[0].measures] == ["held-out loss", "quiz"]
    sft = named(told, "sft")
    assert (sft["quiz"].value, sft["quiz"].difference) == (0.75, 0.5)
    assert sft["quiz"].p_value == 0.5 and sft["quiz"].needed
    loss = sft["held-out loss"]
    assert loss.difference == pytest.approx(-4.3 / 3) and loss.high is not None and loss.high < 0
    assert named(told, "base")["quiz"].difference is None
    json.dumps([one.to_json() for one in told], allow_nan=False)


def test_the_prompted_base_is_always_among_them(store: Store, workspace: Workspace) -> None:
    """Fine-tuning has to beat a good prompt, so that stands there although nobody named it."""
    for name, spec in (("base", {}), ("sft", {"adapter": "r"}), ("prompt", {"few_shot": SHOTS})):
        enter(store, name, **spec)
    store.hide_contestant("prompt")
    assert [one.contestant for one in beside(store, workspace, ["base", "sft"])] == ["base", "sft"]
    measured(store, "quiz", "exact", {"base": [0, 1], "sft": [1, 1], "prompt": [1, 0]})
    told = beside(store, workspace, ["base", "sft"])
    assert [one.contestant for one in told] == ["base", "sft", "prompt"]
    assert named(told, "prompt")["quiz"].difference == 0


def test_a_whole_model_has_the_prompted_base_of_what_it_began_with(
    store: Store, workspace: Workspace
) -> None:
    """A run that trained all weights is held against a prompt on the same base, too."""
    store.register_run("run-9", name="full", method="sft", base_model=MODEL, directory="")
    store.add_contestant(
        "full",
        contestant_id="f",
        spec_json='{"model": "run:run-9"}',
        kind="model",
        model="run:run-9",
        run_id="run-9",
    )
    enter(store, "prompt", few_shot=SHOTS)
    measured(store, "quiz", "exact", {"full": [1, 1], "prompt": [1, 0]})
    assert [one.contestant for one in beside(store, workspace, ["full"])] == ["full", "prompt"]


def test_one_file_scored_in_two_ways_has_two_names(store: Store, workspace: Workspace) -> None:
    """A page that shows figures by name loses none."""
    enter(store, "base")
    measured(store, "quiz", "exact", {"base": [1]}, task="one")
    measured(store, "quiz", "accept", {"base": [0]}, task="two")
    assert set(named(beside(store, workspace, ["base"]), "base")) == {"quiz (exact)", "quiz (accept)"}


def test_of_a_changed_task_the_version_that_most_took_counts(store: Store, workspace: Workspace) -> None:
    """A file that was edited between two measurements does not compare apples with pears."""
    enter(store, "base")
    enter(store, "sft", adapter="r")
    measured(store, "quiz", "exact", {"base": [1, 1], "sft": [0, 0]}, task="old")
    measured(store, "quiz", "exact", {"base": [0, 0]}, task="new")
    assert named(beside(store, workspace, ["base", "sft"]), "base")["quiz"].value == 1


def test_length_and_speed_are_of_the_answers_of_battles(store: Store, workspace: Workspace) -> None:
    """Lengths are compared on the prompts that both answered."""
    base, sft = enter(store, "base"), enter(store, "sft", adapter="r")
    prompts = store.add_prompts([([("user", f"Q{n}?")], None) for n in range(3)], "heldout")
    for row, lengths in ((base, (100, 120, 110)), (sft, (20, 30))):
        for prompt, tokens in zip(prompts, lengths, strict=False):
            store.add_answer(row.id, prompt, f"{row.name}", n_tokens=tokens, ttft_s=0.5, elapsed_s=2.5)
    told = beside(store, workspace, ["base", "sft"])
    length = named(told, "sft")["length"]
    assert (length.value, length.difference, length.n, length.better) == (25, -85, 2, "")
    assert named(told, "base")["length"].value == 110
    assert named(told, "sft")["speed"].value == pytest.approx((19 + 29) / 2 / 2)
    assert named(told, "sft")["first token"].value == 0.5


def test_what_a_run_found_itself_fills_the_gaps(store: Store, workspace: Workspace) -> None:
    """Before `ftarena eval` the guards' figures stand there, and it is said whose they are."""
    enter(store, "base")
    enter(store, "sft", adapter="run-1")
    enter(store, "early", adapter="run-1/checkpoint-5")
    folder = workspace.runs / "run-1"
    folder.mkdir(parents=True)
    guards = [
        {"name": "overfitting", "figures": {"last_nats": 2.2, "delta_nats": 0.0}},
        {"name": "forgetting", "figures": {"after_nats": 1.9, "delta_nats": 0.5, "questions": 40}},
    ]
    write_json(folder / "guards.json", {"guards": guards})
    known = {"questions": 40, "right": 7, "base_right": 20, "lost": 15, "gained": 2}
    write_json(folder / "exam.json", {"guards": [{"name": "knowledge", "figures": known}]})
    told = beside(store, workspace, ["base", "sft", "early"])
    sft = named(told, "sft")
    assert list(sft) == ["held-out loss (each of its own set)", "general loss", "general questions"]
    assert sft["general loss"].note == "found by its run, +0.50 since it began"
    assert sft["general questions"].difference == pytest.approx(-13 / 40)
    assert named(told, "early") == {}
    measured(store, "general loss", "loss", {"base": [1.5], "sft": [1.8]})
    assert named(beside(store, workspace, ["base", "sft"]), "sft")["general loss"].value == 1.8


def test_losses_of_different_sets_share_no_row(store: Store, workspace: Workspace) -> None:
    """What a run found on its own held-out answers never stands in the row of what was measured alike."""
    for name in ("base", "one", "two"):
        enter(store, name, **({} if name == "base" else {"adapter": f"run-{name}"}))
    for name, loss in (("one", 2.2), ("two", 0.4)):
        folder = workspace.runs / f"run-{name}"
        folder.mkdir(parents=True)
        figures = {"last_nats": loss, "delta_nats": 0.0}
        write_json(folder / "guards.json", {"guards": [{"name": "overfitting", "figures": figures}]})
    measured(store, "held-out loss", "loss", {"base": [3.0, 2.0], "one": [1.0, 1.1]})
    told = beside(store, workspace, ["base", "one", "two"])
    names = [one.contestant for one in told]
    rows = dict(beside_rows(told, names))
    assert [m and m.value for m in rows["held-out loss"]] == [2.5, 1.05, None]
    assert [m and m.value for m in rows["held-out loss (each of its own set)"]] == [None, None, 0.4]
    assert named(told, "two")["held-out loss (each of its own set)"].difference is None
    assert difference_name(told) == "difference to base"
    assert {one.to_json()["against"] for one in told} == {"base"}


@pytest.mark.parametrize("content", ["", "[]", '{"guards": 3}', '{"guards": [{"name": "forgetting"}, 1]}'])
def test_a_broken_file_of_a_run_is_no_figure(store: Store, workspace: Workspace, content: str) -> None:
    """Half a file does not stop the page."""
    enter(store, "sft", adapter="run-1")
    folder = workspace.runs / "run-1"
    folder.mkdir(parents=True)
    (folder / "guards.json").write_text(content)
    (folder / "exam.json").write_text(content)
    assert beside(store, workspace, ["sft"]) == [Beside("sft", ())]


SCORES = st.dictionaries(st.integers(0, 12), st.sampled_from([0.0, 1.0, 0.5]) | st.none(), max_size=10)
BINARY = st.dictionaries(st.integers(0, 12), st.sampled_from([0.0, 1.0]), min_size=1, max_size=10)


@given(SCORES | BINARY, SCORES | BINARY, st.sampled_from(["exact", "loss"]))
def test_swapping_baseline_and_contestant_mirrors(
    one: dict[int, float | None], two: dict[int, float | None], metric: str
) -> None:
    """Whoever is the baseline: the difference is the same with the other sign, to the last bit."""
    task = TaskRow("t", "quiz", metric, 13, "a", "2026")

    def rows(scores: dict[int, float | None]) -> dict[int, ResultRow]:
        return {
            item: ResultRow(item, score, None if score is not None else "no", "a", "stop", 3 + item % 4, 0.1)
            for item, score in scores.items()
        }

    def measure(table: TaskTable, name: str) -> Measure | None:
        return dict(table.rows).get(name)

    there = measure(_table(task, {"one": rows(one), "two": rows(two)}), "two")
    back = measure(_table(task, {"two": rows(two), "one": rows(one)}), "one")
    if there is None or there.difference is None or back is None:
        assert back is None or back.difference is None
        return
    assert back.difference == -there.difference
    assert (back.low is None) == (there.low is None)
    if there.low is not None and there.high is not None:
        assert (back.low, back.high) == (-there.high, -there.low)
    assert (back.needed, back.p_value, back.n) == (there.needed, there.p_value, there.n)


def test_a_page_of_figures_loads_nothing_heavy(tmp_path: Path) -> None:
    """The Scores page opens at once: no numpy, no HTTP, no reading of data files."""
    code = "import sys, ftarena.evaluation.beside; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "httpx", "pydantic", "pyarrow", "torch"} & set(loaded.split())
