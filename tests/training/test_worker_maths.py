"""What the worker computes itself, held against the plain way. Loads torch and TRL (ten seconds, once)."""

import math
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.reading import Example, Turn
from ftarena.curation.tokens import IGNORED, Encoded
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

VOCABULARY = 97


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Tiny matrices are slower on two threads."""
    torch.set_num_threads(1)


def tiny_model() -> Any:
    """A Llama with random weights, small enough for exact comparisons."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return LlamaForCausalLM(config)


def batch() -> dict[str, Any]:
    """Three rows of unequal length, the prompts' labels ignored."""
    torch.manual_seed(1)
    ids = torch.randint(3, VOCABULARY, (3, 12))
    labels = ids.clone()
    labels[:, :5] = IGNORED
    labels[1, 9:] = IGNORED
    labels[2] = IGNORED  # a row with nothing to learn
    attention = torch.ones_like(ids)
    attention[1, 9:] = 0
    return {"input_ids": ids, "attention_mask": attention, "labels": labels}


def test_the_compact_head_computes_what_trls_does() -> None:
    """Loss, log-probabilities, hits and gradients are the same, only quicker."""
    from trl.trainer.utils import add_fused_lm_head

    from ftarena.training.worker.compact_head import add_compact_head

    outputs, gradients = [], []
    for compact in (False, True):
        model = tiny_model()
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "mean_logits", "is_top1"))
        if compact:
            assert add_compact_head(model)
        output = model(**batch(), fused_lm_head=True)
        output.loss.backward()
        outputs.append(output)
        gradients.append({name: weight.grad for name, weight in model.named_parameters()})
    for key in ("loss", "log_probs", "mean_logits", "is_top1", "label_mask"):
        torch.testing.assert_close(outputs[0][key], outputs[1][key])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], msg=name)


def test_the_compact_head_leaves_generation_alone() -> None:
    """Without the trainer's flag the model answers with logits, as ever."""
    from trl.trainer.utils import add_fused_lm_head

    from ftarena.training.worker.compact_head import add_compact_head

    plain, model = tiny_model(), tiny_model()
    add_fused_lm_head(model)
    add_compact_head(model)
    torch.testing.assert_close(plain(**batch()).logits, model(**batch()).logits)
    ids = batch()["input_ids"][:1]
    assert model.generate(ids, max_new_tokens=3, do_sample=False).shape == (1, 15)


def test_a_model_that_scales_its_logits_keeps_trls_head() -> None:
    """Gemma and others bend their logits; they take the way that knows how."""
    from ftarena.training.worker.compact_head import add_compact_head

    model = tiny_model()
    model.config.final_logit_softcapping = 30.0
    before = model.forward
    assert not add_compact_head(model)
    assert model.forward == before


def encoded(length: int, prompt: int, seed: int) -> Encoded:
    torch.manual_seed(seed)
    ids = torch.randint(3, VOCABULARY, (length,)).tolist()
    row = Example(Path("x"), 1, "completion", (Turn("user", "q"),), (Turn("assistant", "a"),))
    return Encoded(ids, [IGNORED] * prompt + ids[prompt:], row)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_the_loss_of_answers_is_the_mean_over_their_tokens(batch_size: int) -> None:
    """Neither padding nor the size of batches moves the figure, and the model is left as it was."""
    from ftarena.training.worker.guarding.scoring import score_answers

    rows = [encoded(12, 5, 1), encoded(7, 3, 2), encoded(9, 8, 3)]
    model = tiny_model()
    total, tokens = 0.0, 0
    with torch.no_grad():
        for row in rows:
            logits = model(torch.tensor([row.input_ids])).logits[0, :-1]
            targets = torch.tensor(row.labels[1:])
            total += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
            tokens += row.trained
    model.train()
    measured = score_answers(model, rows, batch_size=batch_size, pad_id=0, bf16=False, stop=lambda: False)
    assert measured is not None and measured.mean_loss == pytest.approx(total / tokens, rel=1e-5)
    assert measured.tokens == tuple(row.trained for row in rows)
    assert model.training
    assert score_answers(model, rows, batch_size=1, pad_id=0, bf16=False, stop=lambda: True) is None


class Silent:
    """A reporter that only remembers."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Take a row."""

    def event(self, event: str, message: str, **details: object) -> None:
        """Remember an event."""
        self.events.append(event)


def watchdog(method: str = "sft") -> tuple[Any, Silent]:
    from ftarena.training.worker.job import Job
    from ftarena.training.worker.watchdog import Watchdog

    recipe = Recipe(method=method, model_name_or_path="demo:smollm2", dataset=["x"]).resolved()  # type: ignore[arg-type]  # any str
    reporter = Silent()
    return Watchdog(Job(Path("x"), recipe, reporter, None, None)), reporter  # type: ignore[arg-type]  # stand in


class AtStep:
    """The one thing of a trainer's state that matters here."""

    global_step = 7
    max_steps = 100


class NoWarmup:
    """The one thing of a trainer's arguments that matters here."""

    @staticmethod
    def get_warmup_steps(total: int) -> int:
        """Return how many steps the learning rate rises."""
        return 0


@pytest.mark.parametrize(
    ("logs", "said"),
    [
        ({"loss": math.nan, "grad_norm": 1.0}, "the loss is nan at step 7"),
        ({"loss": 1.0, "grad_norm": math.inf}, "the gradient is inf at step 7"),
    ],
)
def test_spoilt_weights_end_the_run(logs: dict[str, float], said: str) -> None:
    """A NaN is not trained on until the morning; I am told what to lower."""
    watcher, _ = watchdog()
    with pytest.raises(FtarenaError, match=said) as error:
        watcher.on_log(NoWarmup, AtStep, None, logs)
    assert "learning_rate" in error.value.hint


def test_a_loss_of_nothing_ends_the_run() -> None:
    """A loss of exactly 0 three times means that no token is learned."""
    watcher, _ = watchdog()
    for _ in range(2):
        watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.0})
    watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.1})
    for _ in range(2):
        watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.0})
    with pytest.raises(FtarenaError, match="exactly 0"):
        watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.0})


def test_a_wrong_reference_ends_the_run() -> None:
    """DPO against another model than the one it started from is found at the first step."""
    watcher, reporter = watchdog("dpo")
    watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.7, "rewards/margins": 1e-6})
    assert reporter.events == ["reference-checked"]
    watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.7, "rewards/margins": 0.5})  # later it may move
    watcher, _ = watchdog("dpo")
    with pytest.raises(FtarenaError, match="reference is not the model at the start"):
        watcher.on_log(NoWarmup, AtStep, None, {"loss": 0.7, "rewards/margins": 0.5})
