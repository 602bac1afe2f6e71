"""What the model says now: a few questions answered greedily, and whether the answers still are answers.

Preference learning can raise every figure of its own while the answers turn into loops or word salad (the
margin only compares two answers). So a few held-out questions are answered at each measurement, and looked
at: do they end, do they repeat themselves, and how likely does the model at the start find them?
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from peft import PeftModel
from transformers import GenerationConfig
from trl.trainer.utils import use_adapter

from ftarena.curation.tokens import IGNORED, Encoded
from ftarena.training.verdicts.degeneration import Said
from ftarena.training.worker.guarding.scoring import score_answers

QUESTIONS = 8
MOST_TOKENS = 32
"""An answer's beginning, twice as long as a loop has to be. On a CPU each token of eight answers costs as
much as 60 that are only read."""

_REFERENCE = "ref"
# Under this name TRL 1.16 keeps a frozen copy of the adapter that a preference run started from.


def choose_questions(heldout: Sequence[Encoded], general: Sequence[Encoded]) -> list[Encoded]:
    """Return the questions to ask: the first held-out ones, general ones where there are too few.

    Without examples that end in an answer there is nothing to ask.
    """
    asked = [one for one in (*heldout, *general) if _prompt(one)]
    return asked[:QUESTIONS]


def ask(
    model: Any, questions: Sequence[Encoded], *, pad_id: int, bf16: bool, stop: Callable[[], bool]
) -> Said | None:
    """Let the model answer, and return what is to be said of the answers; None where `stop` said so.

    Args:
        model: A causal language model; its training mode is restored. No random number is drawn.
        questions: Encoded examples, whose prompts are asked.
        pad_id: Token that fills up shorter prompts.
        bf16: Whether to compute in bfloat16.
        stop: Asked before each part.
    """
    if stop():
        return None
    prompts = [_prompt(one) for one in questions]
    answers = _answers(model, prompts, pad_id, bf16)
    if stop():
        return None
    log_prob = None
    if isinstance(model, PeftModel) and any(answers):
        said = [
            Encoded([*prompt, *answer], [IGNORED] * len(prompt) + answer, one.example)
            for prompt, answer, one in zip(prompts, answers, questions, strict=True)
            if answer
        ]
        with _as_at_the_start(model):
            losses = score_answers(
                model, said, batch_size=len(said), pad_id=pad_id, bf16=bf16, stop=lambda: False
            )
        log_prob = -losses.mean_loss if losses is not None else None
    return Said.of(answers, limit=MOST_TOKENS, start_log_prob=log_prob)


def _answers(model: Any, prompts: Sequence[Sequence[int]], pad_id: int, bf16: bool) -> list[list[int]]:
    """Return greedy answers as token ids, each with the token that ends it if it ended."""
    device = next(model.parameters()).device
    longest = max(map(len, prompts))
    ids = torch.tensor([[*([pad_id] * (longest - len(one))), *one] for one in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts], device=device)
    ends = _end_ids(model)
    greedy = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=MOST_TOKENS,
        pad_token_id=pad_id,
        eos_token_id=ends or None,
        use_cache=True,
    )
    training = model.training
    # Compiled layers would be compiled again for every length of the cache.
    eager = torch.compiler.set_stance("force_eager") if device.type == "cuda" else nullcontext()
    model.eval()
    try:
        with eager, torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            written = model.generate(input_ids=ids, attention_mask=mask, generation_config=greedy)
    finally:
        model.train(training)
    return [_until_end(row, ends) for row in written[:, longest:].tolist()]


def _end_ids(model: Any) -> list[int]:
    configured = model.generation_config.eos_token_id
    return [configured] if isinstance(configured, int) else list(configured or ())


def _until_end(answer: list[int], ends: Sequence[int]) -> list[int]:
    for position, token in enumerate(answer):
        if token in ends:
            return answer[: position + 1]
    return answer


def _prompt(example: Encoded) -> list[int]:
    """Return the tokens before the last answer; empty where the example is a text without a question."""
    labels = example.labels
    end = len(labels)
    while end and labels[end - 1] == IGNORED:  # what a template writes after the end of a turn
        end -= 1
    while end and labels[end - 1] != IGNORED:
        end -= 1
    return example.input_ids[:end]


@contextmanager
def _as_at_the_start(model: Any) -> Iterator[None]:
    """Let the model be what it was at the start, as preference methods know it; else the base."""
    with use_adapter(model, _REFERENCE if _REFERENCE in model.peft_config else None):
        yield
