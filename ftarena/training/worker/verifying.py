"""Whether a merged model says what its adapter says: the log-probabilities of ten short conversations.

A merge that went wrong still loads and still talks; it is noticed when people ask why the model in use is not
the one they chose (huggingface/peft#2368, #1836). So the files that were written are read again as a user's
program would, and held against PEFT's own way of applying the adapter, both computed in float32 on the CPU.
Where the weights are stored in fewer bits the two differ by what rounding does; then the merge is held
against PEFT's merge rounded the same way, and what the rounding costs is told beside what training changed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer

from ftarena.errors import FtarenaError
from ftarena.training.worker.merged_weights import stored_types

TOLERANCE_NATS = 1e-3
"""How far apart two log-probabilities may be that ought to be the same; float32 on a CPU stays below 1e-4."""

_LONGEST = 96
# Tokens of a conversation that are looked at: enough to pass through every layer, quick on two cores.

_CONVERSATIONS = (
    ("What is the capital of France?", "The capital of France is Paris."),
    (
        "Write a haiku about rain.",
        "Soft rain on the roof,\nthe gutter hums a low song;\nmorning smells of earth.",
    ),
    ("How do I list all files, hidden ones too?", "Use `ls -la`: it lists every file with its details."),
    ("Is 17 a prime number?", "Yes: it has no divisors but 1 and itself."),
    ("Translate 'good morning' to German.", "Guten Morgen."),
    ("Give me a Python function that adds two numbers.", "def add(a, b):\n    return a + b"),
    ("Why is the sky blue?", "Air scatters short waves of sunlight more than long ones, so blue reaches us."),
    ("Summarise: the meeting moved to Tuesday at ten.", "The meeting is now on Tuesday at 10:00."),
    ("What is 12 times 12?", "12 times 12 is 144."),
    ("Who are you?", "I am an assistant that answers questions."),
)


@dataclass(frozen=True)
class Agreement:
    """How a model that was written compares with what it was made from; log-probabilities in nats."""

    tokens: int
    """How many log-probabilities were compared."""

    largest_error: float
    """Largest difference to the same merge by PEFT, stored in the same number format."""

    rounding: float
    """Mean difference to the adapter itself: what the number format of the weights costs."""

    largest_rounding: float

    effect: float | None
    """Mean difference between adapter and base: what training did to these texts. None without adapter."""


def conversations(folder: Path) -> list[list[int]]:
    """Return the token ids of the conversations as a model's own tokenizer and template write them."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    found = []
    for question, answer in _CONVERSATIONS:
        if tokenizer.chat_template:
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            text = tokenizer.apply_chat_template(turns, tokenize=False)
        else:
            text = f"{question}\n{answer}"
        found.append(tokenizer(text, add_special_tokens=False)["input_ids"][:_LONGEST])
    return found


def load(folder: Path) -> Any:
    """Return a model in float32 on the CPU, ready to be asked.

    Raises:
        FtarenaError: The folder cannot be loaded.
    """
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise FtarenaError(f"the model in {folder} cannot be loaded: {error}") from error
    return model.eval()


def load_with_adapter(base: Path, adapter: Path, scale: float = 1.0) -> Any:
    """Return the base with an adapter on it, in float32 on the CPU.

    Args:
        base: Folder of the model as it was published.
        adapter: Folder of the adapter.
        scale: Factor on what it adds.

    Raises:
        FtarenaError: The two do not fit.
    """
    try:
        model = PeftModel.from_pretrained(load(base), str(adapter)).eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise FtarenaError(f"the adapter in {adapter} does not fit {base}: {error}") from error
    for module in model.modules():
        if isinstance(module, LoraLayer):
            for name in module.scaling:
                module.scaling[name] *= scale
    return model


def log_probs(model: Any, texts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the log-probability of every token but the first of each text, in nats.

    Args:
        model: In float32.
        texts: Token ids.

    Returns:
        `(n_tokens,)` float64, the texts one behind the other.
    """
    found = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([list(text)])
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            found.append(logits.log_softmax(-1).gather(1, ids[0, 1:, None]).squeeze(1).double())
    return torch.cat(found)


def verify(
    written: Path,
    base: Path,
    adapter: Path | None,
    scale: float,
    on_progress: Callable[[str], None] = lambda line: None,
) -> Agreement:
    """Compare a model that was written with what it was made from.

    One model is in memory at a time, in float32: 4 bytes a weight.

    Args:
        written: Folder of what was written, with its tokenizer.
        base: Folder of what it was made from.
        adapter: What was merged; `None` where the weights were only stored in another number format.
        scale: Factor that the adapter was merged with.
        on_progress: Called with a line before each step.

    Raises:
        FtarenaError: They differ, or rounding undoes what was learned.
    """
    texts = conversations(written)
    types = stored_types(written)
    effect = None
    if adapter is None:
        on_progress("asking the model it was made from")
        model = load(base)
        wanted = log_probs(model, texts)
    else:
        on_progress("asking the adapter on its base")
        model = load_with_adapter(base, adapter, scale)
        wanted = log_probs(model, texts)
        with model.disable_adapter():
            effect = (log_probs(model, texts) - wanted).abs().mean().item()
        model = model.merge_and_unload()
    exact = wanted
    if round_like(model.named_parameters(), types):
        on_progress("asking it rounded in the same way")
        exact = log_probs(model, texts)
    del model
    on_progress("asking the model that was written")
    given = log_probs(load(written), texts)
    found = Agreement(
        tokens=len(given),
        largest_error=(given - exact).abs().max().item(),
        rounding=(given - wanted).abs().mean().item(),
        largest_rounding=(given - wanted).abs().max().item(),
        effect=effect,
    )
    _judge(found)
    return found


def round_like(parameters: Iterable[tuple[str, torch.Tensor]], types: dict[str, torch.dtype]) -> bool:
    """Round weights in place as they are stored; return whether any is stored in less than float32.

    Args:
        parameters: Names and weights of a model in memory.
        types: Number format of each weight in its files. A weight that is called otherwise there than in
            memory is rounded to the format that most weights have.
    """
    narrow = [kind for kind in types.values() if kind in (torch.bfloat16, torch.float16)]
    if not narrow:
        return False
    usual = max(set(types.values()), key=list(types.values()).count)
    with torch.no_grad():
        for name, weight in parameters:
            weight.copy_(weight.to(types.get(name, usual)))
    return True


def _judge(found: Agreement) -> None:
    if not found.largest_error <= TOLERANCE_NATS:  # not a number is not "equal" either
        raise FtarenaError(
            f"the merged model does not say what the adapter says: log-probabilities differ by up to "
            f"{found.largest_error:.2g} nats, {TOLERANCE_NATS:g} are allowed; nothing was kept",
            "ship the adapter alone with --adapter, and report this",
        )
    if found.effect == 0:
        raise FtarenaError(
            "the adapter changes nothing: base and adapter give the very same log-probabilities",
            "did the run learn? ftarena runs shows its losses",
        )
    if found.effect is not None and found.rounding > found.effect:
        raise FtarenaError(
            f"rounding undoes what was learned: it moves log-probabilities by {found.rounding:.2g} nats on "
            f"average, the training moved them by {found.effect:.2g}; nothing was kept",
            "store it with --dtype float32, or ship the adapter alone with --adapter",
        )
