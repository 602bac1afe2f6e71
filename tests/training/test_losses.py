"""Each method's loss held against its formula, computed plainly from logits.

A batch of unequal prompts and answers: were a prompt's token counted, padding learned, chosen and rejected
swapped or the reference another model, the figures would differ.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.tokens import ChatTokenizer, EncodedPair
from ftarena.recipes.load import load_recipe
from ftarena.recipes.schema import Recipe

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

PAIRS = [
    ("Why is the sky blue?", "Because air scatters blue light.", "It is not, I think, and never was so."),
    ("Say yes.", "Yes.", "No!"),
    ("Count to three, slowly, please.", "One. Two. Three.", "Three."),
]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny matrices are slower on two threads."""
    monkeypatch.setattr("ftarena.hardware.usable_cores", lambda: 1)


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Callable[..., Recipe]:
    """A function that returns the resolved recipe of a method on the pairs above."""

    def make(method: str, **keys: object) -> Recipe:
        rows: list[dict[str, object]] = [
            {"prompt": ask, "chosen": good, "rejected": bad} for ask, good, bad in PAIRS
        ]
        if method == "sft":
            rows = [{"prompt": ask, "completion": good} for ask, good, _ in PAIRS]
        if method == "kto":
            rows = [
                {"prompt": ask, "completion": good if at % 2 else bad, "label": bool(at % 2)}
                for at, (ask, good, bad) in enumerate(PAIRS)
            ]
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        said = {
            "method": method,
            "model_name_or_path": tiny_model,
            "dataset": file,
            "per_device_train_batch_size": len(PAIRS),
            "gradient_accumulation_steps": 1,
            "max_length": 128,
            "general_dataset": "[]",
            **keys,
        }
        return load_recipe(None, {key: str(value) for key, value in said.items()}).resolved()

    return make


class Case:
    """A method's trainer on one batch, its model moved away from where it started."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        from ftarena.training.data import load_data
        from ftarena.training.worker.encoding import encode_run
        from ftarena.training.worker.job import Job
        from ftarena.training.worker.loading import load_base, load_tokenizer, tune
        from ftarena.training.worker.machine import machine_for
        from ftarena.training.worker.reporter import Reporter
        from ftarena.training.worker.stopping import StopFlag
        from ftarena.training.worker.trainers import build_trainer

        base = Path(recipe.model_name_or_path)
        folder.mkdir()
        job = Job(folder, recipe, Reporter(folder), StopFlag(), machine_for(recipe))
        self.recipe = recipe
        self.tokenizer = load_tokenizer(base)
        self.chat = ChatTokenizer.load(base, "tiny")
        data = load_data(recipe)
        self.rows = encode_run(job, self.chat, data).train
        torch.manual_seed(0)
        model = tune(load_base(base, recipe, job.machine), recipe)
        self.reference = load_base(base, recipe, job.machine).eval()
        self.trainer = build_trainer(job, model, self.tokenizer, self.rows, [])
        self.model = self.trainer.model.eval()
        torch.manual_seed(1)
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                if weight.requires_grad and ".ref." not in name:
                    weight.add_(torch.randn_like(weight) * 0.05)

    def loss(self) -> float:
        """What TRL computes on the one batch of this run, through our rows, our collator and our head."""
        (batch,) = list(self.trainer.get_train_dataloader())
        self.trainer.model.train()
        with torch.no_grad():
            value = self.trainer.compute_loss(self.trainer.model, batch)
        return float(value)

    def plain(self) -> Any:
        """The trained model without anything that was put on it."""
        from peft import PeftModel

        model = self.trainer.model
        if isinstance(model, PeftModel):
            model = model.merge_and_unload()
        model.eval()
        if "forward" in vars(model):
            del model.forward
        return model


def log_prob(model: Any, prompt: list[int], answer: list[int]) -> Any:
    """log p(answer | prompt), the sum over the answer's tokens, from plain logits; () float."""
    ids = torch.tensor([prompt + answer])
    with torch.no_grad():
        scores = model(input_ids=ids).logits[0, :-1].float().log_softmax(dim=-1)
    picked = scores.gather(1, ids[0, 1:, None])[:, 0]
    return picked[len(prompt) - 1 :].sum()


def sums(model: Any, pairs: list[EncodedPair]) -> tuple[Any, Any]:
    """Log-probabilities of the chosen and of the rejected answers, (n_pairs,) each."""
    chosen = [log_prob(model, pair.prompt_ids, pair.chosen_ids) for pair in pairs]
    rejected = [log_prob(model, pair.prompt_ids, pair.rejected_ids) for pair in pairs]
    return torch.stack(chosen), torch.stack(rejected)


def lengths(pairs: list[EncodedPair]) -> tuple[Any, Any]:
    """Tokens of the chosen and of the rejected answers, (n_pairs,) each."""
    return (
        torch.tensor([len(pair.chosen_ids) for pair in pairs]),
        torch.tensor([len(pair.rejected_ids) for pair in pairs]),
    )


def log_sigmoid(value: Any) -> Any:
    return torch.nn.functional.logsigmoid(value)


def test_answers_end_and_prompts_do_not_count(
    recipe: Callable[..., Recipe], tiny_model: Path, tmp_path: Path
) -> None:
    """What every method learns of a row begins after the question and ends with the end of the turn."""
    case = Case(recipe("dpo"), tmp_path / "run")
    for row, (ask, good, bad) in zip(case.rows, PAIRS, strict=True):
        decode = case.tokenizer.decode
        assert ask in decode(row.prompt_ids) and good not in decode(row.prompt_ids)
        assert decode(row.chosen_ids) == f"{good}<|im_end|>"
        assert decode(row.rejected_ids) == f"{bad}<|im_end|>"


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_sft(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """The mean surprise over all answer tokens."""
    case = Case(recipe("sft", tuning=tuning), tmp_path / "run")
    found = case.loss()
    model = case.plain()
    total, count = 0.0, 0
    for row in case.rows:
        begin = row.labels.count(-100)
        total -= float(log_prob(model, row.input_ids[:begin], row.input_ids[begin:]))
        count += len(row.input_ids) - begin
    assert found == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize("tuning", ["lora", "full"])
@pytest.mark.parametrize("ahead", ["true", "false"])
def test_dpo(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str, ahead: str) -> None:
    """-log σ(β (Δ chosen - Δ rejected)), the reference being the model at the start (arXiv 2305.18290)."""
    said = recipe("dpo", loss_type="sigmoid", tuning=tuning, precompute_ref_log_probs=ahead, beta=0.3)
    case = Case(said, tmp_path / "run")
    found = case.loss()
    chosen, rejected = sums(case.plain(), case.rows)
    old_chosen, old_rejected = sums(case.reference, case.rows)
    margin = (chosen - old_chosen) - (rejected - old_rejected)
    assert margin.abs().min() > 1e-2  # the model did move
    assert found == pytest.approx(float(-log_sigmoid(0.3 * margin).mean()), rel=1e-4)


def test_dpo_with_an_sft_term(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    """By default the mean surprise over the chosen answers is added (arXiv 2404.19733)."""
    case = Case(recipe("dpo"), tmp_path / "run")
    found = case.loss()
    chosen, rejected = sums(case.plain(), case.rows)
    old_chosen, old_rejected = sums(case.reference, case.rows)
    margin = (chosen - old_chosen) - (rejected - old_rejected)
    surprise = -chosen.sum() / lengths(case.rows)[0].sum()
    assert found == pytest.approx(float(-log_sigmoid(0.1 * margin).mean() + surprise), rel=1e-4)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_ipo(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """(margin per token - 1/2β)², eq. 17 of arXiv 2310.12036, as its authors meant it."""
    case = Case(recipe("ipo", tuning=tuning, beta=0.2), tmp_path / "run")
    found = case.loss()
    n_chosen, n_rejected = lengths(case.rows)
    chosen, rejected = sums(case.plain(), case.rows)
    old_chosen, old_rejected = sums(case.reference, case.rows)
    margin = (chosen - old_chosen) / n_chosen - (rejected - old_rejected) / n_rejected
    assert found == pytest.approx(float(((margin - 1 / 0.4) ** 2).mean()), rel=1e-4)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_kto(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """Eq. 7 and 8 of arXiv 2402.01306: each answer against how far the model has moved in general."""
    from ftarena.training.worker.trainers.unpaired import rows_in_batches

    case = Case(recipe("kto", tuning=tuning, beta=0.2), tmp_path / "run")
    found = case.loss()
    rows = rows_in_batches(case.rows, len(PAIRS), case.recipe.seed)
    model = case.plain()

    def moved(row: dict[str, Any], answer: str) -> Any:
        return log_prob(model, row["prompt_ids"], row[answer]) - log_prob(
            case.reference, row["prompt_ids"], row[answer]
        )

    general = torch.stack([moved(row, "KL_completion_ids") for row in rows]).mean().clamp(min=0)
    good = sum(row["label"] for row in rows)
    bad = len(rows) - good
    total = 0.0
    for row in rows:
        ratio = moved(row, "completion_ids")
        if row["label"]:
            total += max(bad / good, 1.0) * float(1 - torch.sigmoid(0.2 * (ratio - general)))
        else:
            total += max(good / bad, 1.0) * float(1 - torch.sigmoid(0.2 * (general - ratio)))
    assert found == pytest.approx(total / len(rows), rel=1e-4)


@pytest.mark.parametrize("batch_size", [2, 3, 5])
def test_a_mismatched_answer_is_anothers(batch_size: int) -> None:
    """Each question is also given the answer of a neighbour, never its own, whatever the last batch holds."""
    from ftarena.curation.examples import Example, Turn
    from ftarena.curation.tokens import EncodedLabelled
    from ftarena.training.worker.trainers.unpaired import rows_in_batches

    example = Example(Path("x"), 1, "kto", (Turn("user", "q"),), (Turn("assistant", "a"),), label=True)
    answers = [EncodedLabelled([at], [100 + at], at % 2 == 0, example) for at in range(11)]
    rows = rows_in_batches(answers, batch_size, 7)
    assert sorted(row["prompt_ids"][0] for row in rows) == list(range(11))
    assert [row["prompt_ids"] for row in rows] != [one.prompt_ids for one in answers]
    assert all(row["KL_completion_ids"] != row["completion_ids"] for row in rows)
    assert all(row["completion_ids"][0] == 100 + row["prompt_ids"][0] for row in rows)
    assert rows == rows_in_batches(answers, batch_size, 7)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_orpo(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """Surprise over the chosen answers - β log σ(log odds ratio), eq. 6 and 7 of arXiv 2403.07691."""
    case = Case(recipe("orpo", tuning=tuning, beta=0.5), tmp_path / "run")
    found = case.loss()
    n_chosen, n_rejected = lengths(case.rows)
    chosen, rejected = sums(case.plain(), case.rows)

    def log_odds(mean: Any) -> Any:
        return mean - torch.log1p(-torch.exp(mean))

    ratio = log_odds(chosen / n_chosen) - log_odds(rejected / n_rejected)
    surprise = -chosen.sum() / n_chosen.sum()
    assert found == pytest.approx(float(surprise - 0.5 * log_sigmoid(ratio).mean()), rel=1e-4)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_cpo(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """-log σ(β (chosen - rejected)) + α surprise over the chosen answers (arXiv 2401.08417, eq. 5)."""
    case = Case(recipe("cpo", tuning=tuning, beta=0.2, cpo_alpha=0.7), tmp_path / "run")
    found = case.loss()
    chosen, rejected = sums(case.plain(), case.rows)
    surprise = -chosen.sum() / lengths(case.rows)[0].sum()
    wanted = -log_sigmoid(0.2 * (chosen - rejected)).mean() + 0.7 * surprise
    assert found == pytest.approx(float(wanted), rel=1e-4)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_simpo(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """-log σ(β (mean chosen - mean rejected) - γ), eq. 6 of arXiv 2405.14734."""
    case = Case(recipe("simpo", tuning=tuning), tmp_path / "run")
    assert (case.recipe.beta, case.recipe.simpo_gamma) == (2.0, 1.0)
    found = case.loss()
    n_chosen, n_rejected = lengths(case.rows)
    chosen, rejected = sums(case.plain(), case.rows)
    margin = 2.0 * (chosen / n_chosen - rejected / n_rejected) - 1.0
    assert found == pytest.approx(float(-log_sigmoid(margin).mean()), rel=1e-4)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_reward(recipe: Callable[..., Recipe], tmp_path: Path, tuning: str) -> None:
    """-log σ(score chosen - score rejected), the score read at the end of the turn (arXiv 2203.02155)."""
    case = Case(recipe("reward", tuning=tuning), tmp_path / "run")
    found = case.loss()
    model = case.plain()

    def score(ids: list[int]) -> Any:
        with torch.no_grad():
            hidden = model.base_model(input_ids=torch.tensor([ids])).last_hidden_state
            return (hidden[0, -1] @ model.score.weight[0]).float()

    margins = [
        score(pair.prompt_ids + pair.chosen_ids) - score(pair.prompt_ids + pair.rejected_ids)
        for pair in case.rows
    ]
    assert found == pytest.approx(float(-log_sigmoid(torch.stack(margins)).mean()), rel=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_grpo_scores_what_was_sampled(
    recipe: Callable[..., Recipe], tmp_path: Path, temperature: float
) -> None:
    """Log-probabilities are those at the temperature that answers are sampled with."""
    said = recipe(
        "grpo",
        dataset=_questions(tmp_path),
        reward_funcs="length",
        temperature=temperature,
        num_generations=3,
        max_completion_length=8,
    )
    case = Case(said, tmp_path / "run")
    ids = torch.tensor([case.rows[0].prompt_ids])
    found, _ = case.trainer._get_per_token_logps_and_entropies(
        case.model, ids, torch.ones_like(ids), ids.shape[1] - 1
    )[:2]
    with torch.no_grad():
        scores = (case.plain()(input_ids=ids).logits[0, :-1] / temperature).log_softmax(dim=-1)
    wanted = scores.gather(1, ids[0, 1:, None])[:, 0]
    torch.testing.assert_close(found[0].detach(), wanted, rtol=1e-4, atol=1e-4)


def _questions(folder: Path) -> Path:
    file = folder / "questions.jsonl"
    rows = [{"prompt": ask, "reference": good} for ask, good, _ in PAIRS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_examples_never_see_each_other(
    recipe: Callable[..., Recipe], tmp_path: Path, attention: str
) -> None:
    """In a packed row an example has the log-probabilities it has alone, whatever lies beside it."""
    case = Case(recipe("sft", packing="true", attn_implementation=attention), tmp_path / "run")
    (batch,) = list(case.trainer.get_train_dataloader())
    assert batch["input_ids"].shape[0] == 1 and "attention_mask" not in batch
    starts = (batch["position_ids"][0] == 0).nonzero()[:, 0].tolist()
    assert len(starts) == len(PAIRS)
    model = case.model

    def packed(ids: Any) -> Any:
        with torch.no_grad():
            output = model(
                input_ids=ids, position_ids=batch["position_ids"], labels=batch["labels"], fused_lm_head=True
            )
        return output.log_probs[0]

    together = packed(batch["input_ids"])
    ends = [*starts[1:], batch["input_ids"].shape[1]]
    for begin, end in zip(starts, ends, strict=True):
        ids = batch["input_ids"][:, begin:end]
        with torch.no_grad():
            alone = model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                labels=batch["labels"][:, begin:end],
                fused_lm_head=True,
            ).log_probs[0]
        torch.testing.assert_close(together[begin : end - 1], alone, rtol=1e-5, atol=1e-5)
    changed = batch["input_ids"].clone()
    changed[0, starts[1] : ends[1]] = 77
    others = [at for at in range(together.shape[0]) if not starts[1] - 1 <= at < ends[1]]
    torch.testing.assert_close(packed(changed)[others], together[others], rtol=0, atol=1e-6)


def test_packed_and_padded_runs_have_the_same_loss(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    """Packing changes where examples lie, not what is learned of them."""
    found = [Case(recipe("sft", packing=packing), tmp_path / packing).loss() for packing in ("true", "false")]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert math.isfinite(found[0])
