"""A model that trains in milliseconds, and a run in this very process: for tests of what training does."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.recipes.load import load_recipe
from ftarena.recipes.models import resolve_model
from ftarena.training.jobs import lay_down
from ftarena.training.models import prepare_model
from ftarena.training.runs import Run, read_run
from ftarena.workspace import Workspace


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two narrow layers with random weights and the demo's tokenizer: a step takes milliseconds.

    It learns (its loss falls), but knows nothing; figures about real text want the demo's own model.
    """
    torch = pytest.importorskip("torch")
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(
        prepare_model(resolve_model("demo:smollm2")), local_files_only=True
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def train_here() -> Callable[..., Run]:
    """A function that trains a recipe in this process and returns the run, whether it went well or not.

    `train_here(workspace, method="sft", model_name_or_path=…, dataset=…, …)`: keys of a recipe, any values.
    Loading torch and TRL takes some ten seconds once; a run of the tiny model less than one.
    """
    from ftarena.training.worker.__main__ import main

    def train(workspace: Workspace, **keys: object) -> Run:
        said = {key: str(value) for key, value in keys.items()}
        directory = lay_down(load_recipe(None, said), workspace)
        handlers = {
            number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            main([str(directory)])
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return read_run(directory)

    return train
