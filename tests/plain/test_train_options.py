"""Recipe keys on a command line."""

import pytest

from ftarena.errors import UsageError
from ftarena.plain.train import parse_overrides


def test_every_way_of_writing_an_option() -> None:
    """`--key value`, `--key=value`, a bare switch, and negative numbers all mean what they look like."""
    words = ["--learning-rate", "2e-4", "--max_steps=10", "--packing", "--lora-r", "8", "--max-length", "-1"]
    assert parse_overrides(words) == {
        "learning_rate": "2e-4",
        "max_steps": "10",
        "packing": "true",
        "lora_r": "8",
        "max_length": "-1",
    }
    assert parse_overrides(["--packing"]) == {"packing": "true"}
    assert parse_overrides(["--name="]) == {"name": ""}
    assert parse_overrides([]) == {}


@pytest.mark.parametrize(
    "words", [["2e-4"], ["-x", "1"], ["--", "a"], ["--packing", "--lora-r", "8", "stray"]]
)
def test_a_stray_word_is_named(words: list[str]) -> None:
    """A forgotten dash is an error, not a silent default."""
    with pytest.raises(UsageError, match="is not an option"):
        parse_overrides(words)


def test_an_empty_value_takes_a_key_back() -> None:
    """`--eval-dataset ''` is no file called true: it means none, as in docs/recipes.md."""
    assert parse_overrides(["--eval-dataset", "", "--packing"]) == {"eval_dataset": "", "packing": "true"}
