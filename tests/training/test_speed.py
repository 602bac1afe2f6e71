"""What makes steps faster computes what the plain way computes."""

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

IGNORED = -100


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Tiny matrices are slower on two threads."""
    torch.set_num_threads(1)


def small_model(**changes: Any) -> Any:
    """A Llama with random weights and grouped keys and values."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {
        "vocab_size": 97,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        **changes,
    }
    return LlamaForCausalLM(LlamaConfig(**sizes))


def with_adapter(model: Any, **changes: Any) -> Any:
    """The model with an adapter that is not zero."""
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", **changes))
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model


def gradients(model: Any, **inputs: Any) -> tuple[float, dict[str, Any]]:
    """Return the loss and the gradient of each weight that learns."""
    model.zero_grad()
    loss = model(**inputs).loss
    loss.backward()
    return loss.item(), {
        name: weight.grad.clone() for name, weight in model.named_parameters() if weight.requires_grad
    }


def batch() -> dict[str, Any]:
    torch.manual_seed(2)
    ids = torch.randint(3, 97, (2, 11))
    return {"input_ids": ids, "labels": ids.clone()}


def test_the_short_lora_product_is_pefts() -> None:
    """Loss and every gradient are PEFT's, and a switched-off adapter is the base."""
    from ftarena.training.worker.speed.lora import shorten_lora

    plain = with_adapter(small_model())
    short = copy.deepcopy(plain)
    assert shorten_lora(short) == 14
    (loss, expected), (found_loss, found) = gradients(plain, **batch()), gradients(short, **batch())
    assert found_loss == pytest.approx(loss, rel=1e-6)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, msg=name)
    with torch.no_grad(), short.disable_adapter(), plain.disable_adapter():
        torch.testing.assert_close(short(**batch()).logits, plain(**batch()).logits)


@pytest.mark.parametrize("changes", [{"use_dora": True}, {"lora_dropout": 0.1}])
def test_layers_that_do_more_keep_pefts_product(changes: dict[str, Any]) -> None:
    """DoRA and dropout are left to PEFT."""
    from ftarena.training.worker.speed.lora import shorten_lora

    assert shorten_lora(with_adapter(small_model(), **changes)) == 0


@pytest.mark.parametrize("piece", [16, 1000])
def test_log_probs_in_pieces_are_those_of_the_whole(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss, hits and gradient do not depend on the size of the pieces."""
    from ftarena.training.worker.speed import head

    monkeypatch.setattr(head, "_PIECE_BYTES", piece * 4 * 97)
    torch.manual_seed(3)
    hidden = torch.randn(41, 32, requires_grad=True)
    weight, targets = torch.randn(97, 32), torch.randint(0, 97, (41,))
    expected = torch.log_softmax(hidden @ weight.t(), dim=-1).gather(1, targets[:, None])[:, 0]
    weights = torch.rand(41)
    (expected * weights).sum().backward()
    slope, hidden.grad = hidden.grad, None
    log_probs, top = head.piecewise_log_probs(hidden, weight, targets)
    (log_probs * weights).sum().backward()
    torch.testing.assert_close(log_probs, expected)
    torch.testing.assert_close(hidden.grad, slope)
    assert top.tolist() == ((hidden @ weight.t()).argmax(dim=-1) == targets).tolist()


def test_the_piecewise_head_is_trls() -> None:
    """Everything that TRL reads of its own head is the same: loss, log-probabilities, hits, mean logits."""
    from trl.trainer.utils import add_fused_lm_head

    from ftarena.training.worker.speed.head import add_piecewise_head

    given = batch()
    given["labels"][:, :4] = IGNORED
    outputs = []
    for piecewise in (False, True):
        model = small_model()
        model.lm_head.weight.requires_grad = False
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "mean_logits", "is_top1"))
        if piecewise:
            assert add_piecewise_head(model)
        output = model(**given, fused_lm_head=True)
        output.loss.backward()
        outputs.append((output, {n: w.grad for n, w in model.named_parameters() if w.requires_grad}))
    (expected, slopes), (found, found_slopes) = outputs
    for key in ("loss", "log_probs", "mean_logits", "is_top1", "label_mask"):
        torch.testing.assert_close(found[key], expected[key], msg=key)
    for name, slope in slopes.items():
        torch.testing.assert_close(found_slopes[name], slope, msg=name)


def test_a_head_that_is_trained_stays_trls() -> None:
    """In a full fine-tuning the head has a gradient of its own."""
    from ftarena.training.worker.speed.head import add_piecewise_head

    assert not add_piecewise_head(small_model())


def rows() -> list[dict[str, Any]]:
    """Two packed rows, the second with room left."""
    torch.manual_seed(4)
    first, second = torch.randint(3, 97, (16,)).tolist(), torch.randint(3, 97, (12,)).tolist()
    return [
        {"input_ids": first, "labels": list(first), "seq_lengths": [9, 7]},
        {"input_ids": second, "labels": list(second), "seq_lengths": [5, 7]},
    ]


def test_packed_batches_have_one_shape() -> None:
    """What is left over learns nothing, and no example learns how the next one begins."""
    from ftarena.training.worker.speed.packing import PackedCollator

    batch = PackedCollator(16, pad_id=0)(rows())
    assert batch["input_ids"].shape == batch["labels"].shape == batch["position_ids"].shape == (1, 32)
    assert batch["cu_seq_lens_q"][:6].tolist() == [0, 9, 16, 21, 28, 32]
    assert batch["cu_seq_lens_q"].shape == (128,) and set(batch["cu_seq_lens_q"][6:].tolist()) == {32}
    starts = [0, 9, 16, 21, 28]
    assert all(batch["labels"][0, start] == IGNORED for start in starts)
    assert (batch["labels"][0, 28:] == IGNORED).all()
    assert all(batch["position_ids"][0, start] == 0 for start in starts)


def test_products_in_eight_bits_are_those_of_the_rounded_weights() -> None:
    """The output and the gradients are exact for the rounded weights, and near the true ones."""
    from ftarena.training.worker.speed.fp8 import FrozenWeight
    from ftarena.training.worker.speed.lora import lora_product

    torch.manual_seed(6)
    weight, down, up = torch.randn(48, 32), torch.randn(4, 32), torch.randn(48, 4)
    x = torch.randn(5, 7, 32)
    eight = FrozenWeight.of(weight)
    results = []
    for given in (None, eight):
        leaves = [one.clone().requires_grad_() for one in (x, down, up)]
        out = lora_product(leaves[0], None if given else weight, None, leaves[1], leaves[2], 0.5, given)
        out.square().sum().backward()
        results.append((out, *(leaf.grad for leaf in leaves)))
    for exact, rounded in zip(*results, strict=True):
        assert ((exact - rounded).norm() / exact.norm()).item() < 0.05
        assert not torch.equal(exact, rounded)


def test_frozen_layers_in_eight_bits_learn_the_same() -> None:
    """Layers are replaced, the gradients of the adapter stay near, and switched off it still runs."""
    from ftarena.training.worker.speed.fp8 import EightBitLinear
    from ftarena.training.worker.speed.lora import shorten_lora

    plain = with_adapter(small_model())
    eight = copy.deepcopy(plain)
    assert shorten_lora(eight, fp8=True) == 14
    assert sum(isinstance(module, EightBitLinear) for module in eight.modules()) == 14
    (loss, expected), (found_loss, found) = gradients(plain, **batch()), gradients(eight, **batch())
    assert found_loss == pytest.approx(loss, rel=0.01)
    for name, gradient in expected.items():
        assert ((found[name] - gradient).norm() / gradient.norm()).item() < 0.15, name
    with torch.no_grad(), eight.disable_adapter():
        assert torch.isfinite(eight(**batch()).logits).all()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_eight_bits_keep_three_digits_or_so(scale: float) -> None:
    """A row's own scale keeps the relative error at that of the format: half a step of 3 bits, 2^-4."""
    from ftarena.training.worker.speed.fp8 import quantise

    torch.manual_seed(5)
    values = torch.randn(8, 64) * scale
    exact, scales = quantise(values)
    error = (exact.float() * scales - values).abs()
    assert (error <= values.abs() * 2**-4 + scales * 2**-7).all()
    zeros, _ = quantise(torch.zeros(2, 16))
    assert (zeros.float() == 0).all()
