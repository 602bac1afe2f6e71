"""What the worker measures for its guards, held against the plain way. Loads torch and TRL, once."""

import random
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.reading import Example, Turn
from ftarena.curation.tokens import IGNORED, Encoded

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

VOCABULARY = 300
HOW = {"pad_id": 0, "bf16": False, "stop": lambda: False}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Tiny matrices are slower on two threads."""
    torch.set_num_threads(1)


def tuned_model(**config: Any) -> Any:
    """A Llama with random weights and an adapter that does something, in training mode, with dropout."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            eos_token_id=2,
            initializer_range=0.5,
            **config,
        )
    )
    tuned = get_peft_model(
        model, LoraConfig(r=4, target_modules="all-linear", lora_dropout=0.1, init_lora_weights=False)
    )
    return tuned.train()


def rows(count: int = 5) -> list[Encoded]:
    """Examples of unequal length, the prompt's labels ignored."""
    example = Example(Path("x"), 1, "completion", (Turn("user", "q"),), (Turn("assistant", "a"),))
    drawn = random.Random(3)
    made = []
    for _ in range(count):
        ids = [drawn.randrange(3, VOCABULARY) for _ in range(drawn.randrange(9, 20))]
        made.append(Encoded(ids, [IGNORED] * 5 + ids[5:], example))
    return made


def kl(now: Any, start: Any, examples: list[Encoded]) -> float:
    """KL(now ‖ start) per answer token over the whole vocabulary, computed plainly."""
    total, tokens = 0.0, 0
    for one in examples:
        ids = torch.tensor([one.input_ids])
        with torch.no_grad():
            p, q = (torch.log_softmax(model(ids).logits[0, 4:-1].double(), -1) for model in (now, start))
        total += float((p.exp() * (p - q)).sum())
        tokens += len(p)
    return total / tokens


def drift_between(start: Any, now: Any, examples: list[Encoded], sizes: tuple[int, int] = (2, 2)) -> float:
    from ftarena.training.worker.guarding.drift import Drift
    from ftarena.training.worker.guarding.scoring import score_answers

    drift = Drift()
    found = 0.0
    for model, size in zip((start, now), sizes, strict=True):
        drift = Drift(drift.tensors())  # as after a resume
        drift.begin()
        assert score_answers(model, examples, batch_size=size, look=drift.look, **HOW)
        found = drift.end()
    return found


def test_a_model_has_not_drifted_from_itself() -> None:
    """Before the first step the divergence is 0, not nearly 0."""
    model = tuned_model()
    assert drift_between(model, model, rows()) == 0


def test_drift_is_the_divergence_over_the_whole_vocabulary() -> None:
    """What is kept of the start is enough: the figure is just below the exact one, however it is batched."""
    start, now = tuned_model().eval(), tuned_model().eval()
    with torch.no_grad():
        for name, weight in now.named_parameters():
            if "lora_B" in name:
                weight.mul_(0.8)
    exact = kl(now, start, rows())
    for sizes in ((2, 2), (1, 5)):
        found = drift_between(start, now, rows(), sizes)
        assert 0 < found <= exact * (1 + 1e-5)
        assert found == pytest.approx(exact, rel=0.02)


def test_a_divergence_is_never_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is merged: with two tokens kept it is a lower bound and not below 0."""
    from ftarena.training.worker.guarding import drift

    monkeypatch.setattr(drift, "TOP", 2)
    start, now = tuned_model().eval(), tuned_model().eval()
    with torch.no_grad():
        for name, weight in now.named_parameters():
            if "lora_B" in name:
                weight.mul_(0.5)
    assert 0 <= drift_between(start, now, rows()) <= kl(now, start, rows())


def test_logits_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the piece that fits into memory, the loss of each example is the same."""
    from ftarena.training.worker.guarding import scoring

    model = tuned_model()
    whole = scoring.score_answers(model, rows(), batch_size=3, **HOW)
    monkeypatch.setattr(scoring, "MAX_LOGIT_BYTES", 4 * VOCABULARY * 2)
    seen: list[int] = []
    pieces = scoring.score_answers(
        model, rows(), batch_size=3, look=lambda log_probs: seen.append(len(log_probs)), **HOW
    )
    assert max(seen) == 2 and sum(seen) == sum(one.trained for one in rows())
    assert whole is not None and pieces is not None
    assert pieces.per_example == pytest.approx(whole.per_example)


def test_a_scaled_head_is_asked_through_the_models_own_forward() -> None:
    """Gemma and others bend their logits after the head; the loss is that of the bent ones."""
    from transformers import GraniteConfig, GraniteForCausalLM

    from ftarena.training.worker.guarding.scoring import score_answers

    torch.manual_seed(0)
    model = GraniteForCausalLM(
        GraniteConfig(
            vocab_size=VOCABULARY,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            logits_scaling=8.0,
        )
    )
    measured = score_answers(model, rows(), batch_size=4, **HOW)
    assert measured is not None
    for one, loss in zip(rows(), measured.per_example, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([one.input_ids])).logits[0, :-1]
        plain = torch.nn.functional.cross_entropy(logits, torch.tensor(one.labels[1:]), ignore_index=IGNORED)
        assert loss == pytest.approx(plain.item(), rel=1e-5)


def test_looking_leaves_no_trace() -> None:
    """A run that is looked at takes the same steps: no random number drawn, no switch left turned."""
    from ftarena.training.worker.guarding.probe import ask

    model = tuned_model()
    model.add_adapter("ref", model.peft_config["default"])
    learns = {name: weight.requires_grad for name, weight in model.named_parameters()}
    before = torch.random.get_rng_state(), random.getstate()
    first, again = (ask(model, rows(), **HOW) for _ in range(2))
    assert first is not None and first == again and first.answers == 5
    assert torch.equal(torch.random.get_rng_state(), before[0]) and random.getstate() == before[1]
    assert model.training and model.active_adapter == "default"
    assert {name: weight.requires_grad for name, weight in model.named_parameters()} == learns
    assert ask(model, rows(), pad_id=0, bf16=False, stop=lambda: True) is None


def test_answers_do_not_depend_on_who_is_asked_beside_them() -> None:
    """Shorter questions are padded; their answers are those they get alone."""
    from ftarena.training.worker.guarding.probe import _answers, _prompt

    model = tuned_model().eval()
    prompts = [_prompt(rows()[0]), [7, *_prompt(rows()[1])], [9] * 9]
    together = _answers(model, prompts, 0, False)
    assert together == [_answers(model, [prompt], 0, False)[0] for prompt in prompts]


def test_what_is_asked() -> None:
    """The question is all before the last answer; a text has none, and general questions fill up."""
    from ftarena.training.worker.guarding.probe import QUESTIONS, _prompt, choose_questions

    example = rows()[0].example
    turns = Encoded([5, 6, 7, 8, 9, 2, 4], [IGNORED, 6, IGNORED, IGNORED, 9, 2, IGNORED], example)
    text = Encoded([5, 6], [5, 6], example)
    assert _prompt(turns) == [5, 6, 7, 8] and _prompt(text) == []
    assert choose_questions([text], []) == []
    asked = choose_questions([turns, text], rows(12))
    assert len(asked) == QUESTIONS and asked[0] is turns and text not in asked
