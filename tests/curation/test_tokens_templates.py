"""Real templates, as TRL carries them: what of a conversation is learned with each."""

from pathlib import Path

import pytest
import trl
from prefix_oracle import labels_by_prefixes
from token_models import byte_tokenizer

from ftarena.curation.examples import Example, ToolCall, Turn
from ftarena.curation.tokens import ChatEncoder, ChatTokenizer
from ftarena.curation.tokens.chat_template import ChatTemplate
from ftarena.curation.tokens.marking import Marked, mark

FOLDER = Path(trl.__file__).parent / "chat_templates"
SPECIAL = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<｜end▁of▁sentence｜>", "</s>")

TALK = Example(
    Path("file.jsonl"),
    1,
    "messages",
    (Turn("system", "Be brief."), Turn("user", "One?"), Turn("assistant", "First."), Turn("user", "Two?")),
    (Turn("assistant", "Second."),),
)
TOOLS = Example(
    Path("file.jsonl"),
    2,
    "messages",
    (
        Turn("user", "What time is it?"),
        Turn("assistant", "", tool_calls=(ToolCall("now", '{"zone":"UTC"}', "call00001"),)),
        Turn("tool", "noon", name="now", tool_call_id="call00001"),
    ),
    (Turn("assistant", "Noon.", reasoning="The tool says so."),),
    tools='[{"type":"function","function":{"name":"now","description":"The time.","parameters":'
    '{"type":"object","properties":{"zone":{"type":"string","description":"Where."}},"required":["zone"]}}}]',
)

UNTHOUGHT = "<think>\n\n</think>\n\n"
CALL = '<tool_call>\n{"name": "now", "arguments": {"zone": "UTC"}}\n</tool_call>'


def model(name: str) -> ChatTokenizer:
    """Return a tokenizer of bytes with a real template."""
    path = FOLDER / f"{name}.jinja"
    if not path.is_file():
        pytest.skip(f"this version of TRL has no template {name}")
    backend = byte_tokenizer(SPECIAL)
    special = {"bos_token": "", "eos_token": "</s>"}
    ends = frozenset(token for text in SPECIAL if (token := backend.token_to_id(text)) is not None)
    template = ChatTemplate({"default": path.read_text(encoding="utf-8")}, special)
    return ChatTokenizer(backend, template, name=name, special=special, end_ids=ends)


def learned(row: Example, name: str) -> tuple[list[str], set[str]]:
    """Return the texts that are learned, and the codes of what was noticed."""
    tokenizer = model(name)
    (marked,) = mark([row], tokenizer)
    assert isinstance(marked, Marked) and marked.refusal is None
    (marking,) = marked.markings
    texts = [tokenizer._backend.decode(marking.ids[a:b], skip_special_tokens=False) for a, b in marking.spans]
    return texts, {trouble.code for trouble in marked.troubles}


@pytest.mark.parametrize(
    ("name", "texts", "codes"),
    [
        ("llama3_1", ["First.<|eot_id|>", "Second.<|eot_id|>"], set()),
        ("qwen2_5", ["First.<|im_end|>", "Second.<|im_end|>"], set()),
        ("gemma3", ["First.<end_of_turn>", "Second.<end_of_turn>"], set()),
        ("phi3", ["First.<|end|>", "Second.<|end|>\n</s>"], set()),
        ("qwen3", [f"{UNTHOUGHT}Second.<|im_end|>"], {"answer-rewritten"}),
        ("qwen3_training", [f"{UNTHOUGHT}First.<|im_end|>", f"{UNTHOUGHT}Second.<|im_end|>"], set()),
        ("deepseekv3", ["Second.<｜end▁of▁sentence｜>"], {"answer-rewritten", "prompt-not-prefix"}),
    ],
)
def test_of_a_conversation(name: str, texts: list[str], codes: set[str]) -> None:
    """Each answer with its end where the template shows it as it was given; otherwise I am told."""
    assert learned(TALK, name) == (texts, codes)


@pytest.mark.parametrize(
    ("name", "call", "answer", "codes"),
    [
        (
            "qwen3",
            f"{UNTHOUGHT}{CALL}<|im_end|>",
            "<think>\nThe tool says so.\n</think>\n\nNoon.<|im_end|>",
            {"answer-rewritten"},
        ),
        (
            "qwen2_5",
            f"{CALL}<|im_end|>",
            "Noon.<|im_end|>",
            {"turn-dropped"},  # it has no thoughts
        ),
        ("llama3", "<|eot_id|>", "Noon.<|eot_id|>", {"turn-dropped"}),  # it has no tools
    ],
)
def test_of_tools(name: str, call: str, answer: str, codes: set[str]) -> None:
    """A call is learned as an answer is; what a template cannot say is not lost in silence."""
    texts = [answer] if "answer-rewritten" in codes else [call, answer]
    assert learned(TOOLS, name) == (texts, codes)


@pytest.mark.parametrize("name", ["llama3_1", "qwen2_5", "gemma3", "qwen3", "qwen3_training", "deepseekv3"])
def test_both_ways_agree(name: str) -> None:
    """What is found by characters is what comparing beginnings finds."""
    tokenizer = model(name)
    (encoded,) = ChatEncoder(tokenizer).encode([TALK])
    assert (encoded.input_ids, encoded.labels) == labels_by_prefixes(TALK, tokenizer)
