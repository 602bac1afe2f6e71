"""A real store on a real disk, with contestants whose answers are written, not generated."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftarena.arena import Arena, add_contestant
from ftarena.serving.contestants import Contestant, Sampling
from ftarena.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


@pytest.fixture
def filled(store: Store) -> Store:
    """Three contestants, six prompts, all answers made."""
    fill(store, ["base", "sft-1", "dpo-1"], [f"Question {number}?" for number in range(6)])
    return store


@pytest.fixture
def arena(filled: Store) -> Arena:
    return Arena(filled, labeler="ana", rng=random.Random(1))


def contestant(number: int) -> Contestant:
    return Contestant(model="demo:smollm2", sampling=Sampling(seed=number))


def fill(
    store: Store,
    names: list[str],
    prompts: list[str],
    text: Callable[[int, int], str] = lambda which, prompt: f"answer {which} to {prompt}",
) -> None:
    rows = [add_contestant(store, name, contestant(number)) for number, name in enumerate(names)]
    ids = store.add_prompts([([("user", prompt)], None) for prompt in prompts], "heldout")
    for prompt, prompt_id in enumerate(ids):
        for which, row in enumerate(rows):
            store.add_answer(
                row.id, prompt_id, text(which, prompt), n_tokens=10 + which, finish_reason="stop"
            )
