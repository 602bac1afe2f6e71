"""What scores the answers of GRPO."""

import threading
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe
from ftarena.training.permissions import allow_code
from ftarena.training.worker.rewards import rewards_of


def recipe(**keys: object) -> Recipe:
    said = {"method": "grpo", "model_name_or_path": "demo:smollm2", "dataset": ["x"], **keys}
    return Recipe.model_validate(said).resolved()


def scores(answers: list[str], tmp_path: Path, **keys: object) -> list[list[float | None]]:
    """What each of the functions that a recipe names makes of some answers."""
    columns = {
        "completion_ids": [list(range(len(answer))) for answer in answers],
        "reference": ["Paris"] * len(answers),
        "prompts": ["?"] * len(answers),
        "trainer_state": None,
    }
    return [reward(completions=answers, **columns) for reward in rewards_of(recipe(**keys), tmp_path)]


def test_an_answer_is_the_reference_or_not(tmp_path: Path) -> None:
    """Blanks and case do not decide whether an answer is right."""
    found = scores([" paris\n", "PARIS", "Paris.", ""], tmp_path, reward_funcs=["exact_match"])
    assert found == [[1.0, 1.0, 0.0, 0.0]]


def test_a_pattern_is_found_in_it_or_is_all_of_it(tmp_path: Path) -> None:
    """`regex` looks anywhere, also over lines; `format` wants the whole answer to fit."""
    answers = ["<think>a\nb</think> 4", "I say: <think>x</think> 4", "4"]
    pattern = r"<think>.*</think>\s*\d+"
    found = scores(answers, tmp_path, reward_funcs=["regex", "format"], reward_pattern=pattern)
    assert found == [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_shorter_is_better(tmp_path: Path) -> None:
    """`length` falls from 1 to 0 at the longest answer that is sampled."""
    keys = {"reward_funcs": ["length"], "max_completion_length": 4}
    assert scores(["", "ab", "abcd"], tmp_path, **keys) == [[1.0, 0.5, 0.0]]


OWN = """
def shouts(completions, reference, **rest):
    return [answer.isupper() for answer in completions]

def wrong(completions, **rest):
    return [1.0]

def broken(completions, **rest):
    raise KeyError("x")

def leaves(completions, **rest):
    raise SystemExit("bye")

def lost(completions, **rest):
    return [float("nan") for _ in completions]

def endless(completions, **rest):
    return [1.0, float("inf")]

nothing = 3
"""


def test_my_own_function_scores_where_i_allowed_it(tmp_path: Path) -> None:
    """My file is run only with my leave; its scores may be of any kind that is a number."""
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    keys = {"reward_funcs": ["shouts", "length"], "reward_file": str(file), "max_completion_length": 4}
    with pytest.raises(FtarenaError, match="was not allowed") as refused:
        scores(["HI"], tmp_path, **keys)
    assert "--allow-code" in refused.value.hint
    allow_code(tmp_path, file)
    assert scores(["HI", "hi"], tmp_path, **keys) == [[1.0, 0.0], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong", "returned 1 scores for 2 answers"),
        ("broken", "broken of .* fails: KeyError"),
        ("leaves", "leaves of .* fails: SystemExit: bye"),
        ("lost", "lost of .* returned nan for the answer 'a'"),
        ("endless", "endless of .* returned inf for the answer 'b'"),
        ("nothing", "defines no function nothing"),
        ("gone", "defines no function gone"),
    ],
)
def test_my_own_mistakes_are_told(tmp_path: Path, name: str, words: str) -> None:
    """A reward function that fails says so by its name, without a traceback."""
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    allow_code(tmp_path, file)
    with pytest.raises(FtarenaError, match=words):
        scores(["a", "b"], tmp_path, reward_funcs=[name], reward_file=str(file))


def test_a_file_that_cannot_run_is_told(tmp_path: Path) -> None:
    """A typing error in my file is one line."""
    file = tmp_path / "mine.py"
    file.write_text("def (:\n")
    allow_code(tmp_path, file)
    with pytest.raises(FtarenaError, match=r"mine\.py fails: SyntaxError"):
        scores(["a"], tmp_path, reward_funcs=["f"], reward_file=str(file))


def test_a_file_that_ends_the_program_is_told(tmp_path: Path) -> None:
    """An `exit()` at the top of my file fails the run with a reason; it does not die without a word."""
    file = tmp_path / "mine.py"
    file.write_text("raise SystemExit('no data')\n")
    allow_code(tmp_path, file)
    with pytest.raises(FtarenaError, match=r"mine\.py fails: SystemExit: no data"):
        scores(["a"], tmp_path, reward_funcs=["f"], reward_file=str(file))


def test_a_function_that_takes_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While my function thinks, the run says that it does, with its name and since when."""
    monkeypatch.setattr("ftarena.training.worker.rewards._SLOW_S", 0.001)
    file = tmp_path / "mine.py"
    file.write_text("def slow(completions, prompts, **rest):\n    prompts.wait(10)\n    return [1.0]\n")
    allow_code(tmp_path, file)
    told: list[str] = []
    heard = threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        heard.set()

    named = recipe(reward_funcs=["slow"], reward_file=str(file))
    [slow] = rewards_of(named, tmp_path, tell)
    assert slow(completions=["a"], prompts=heard) == [1.0]
    assert told[0].startswith("scoring answers with slow for ")
    assert not [thread for thread in threading.enumerate() if thread.name == "telling"]
