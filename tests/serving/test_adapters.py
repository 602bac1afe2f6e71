"""Adapters that cannot be served as they were trained are refused, with the reason."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.serving.adapters import chat_template, check_adapter, largest_rank


def test_an_ordinary_adapter_is_served(
    model: Path, tmp_path: Path, make_adapter: Callable[..., Path]
) -> None:
    """A LoRA adapter trained on the base's template is fine, line break at the template's end or not."""
    adapter = make_adapter(tmp_path / "a")
    (adapter / "chat_template.jinja").write_text("{{ messages }}\n")
    check_adapter(adapter, model, 16)
    (adapter / "chat_template.jinja").unlink()  # saved elsewhere, without its tokenizer
    check_adapter(adapter, model, 16)


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        ({"r": 32}, "rank 32, and the engine was started for ranks up to 16", "--max-lora-rank 32"),
        ({"rank_pattern": {"q_proj": 64}}, "rank 64", "--max-lora-rank 64"),
        ({"modules_to_save": ["embed_tokens"]}, "whole trained layers (embed_tokens)", "without new tokens"),
        ({"use_dora": True}, "a DoRA adapter", "merge"),
        ({"peft_type": "PROMPT_TUNING"}, "a PROMPT_TUNING adapter", "merge"),
        ({"target_modules": ["q_proj", "lm_head"]}, "output layer", "all-linear"),
    ],
)
def test_what_cannot_be_served_is_said(
    model: Path,
    tmp_path: Path,
    make_adapter: Callable[..., Path],
    config: dict,
    message: str,
    hint: str,
) -> None:
    """The reason and the way out are named before vLLM is asked."""
    with pytest.raises(FtarenaError) as caught:
        check_adapter(make_adapter(tmp_path / "a", **config), model, 16)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_another_chat_template_is_refused(
    model: Path, tmp_path: Path, make_adapter: Callable[..., Path]
) -> None:
    """A model that would be asked in another form than it was trained in is not served quietly."""
    adapter = make_adapter(tmp_path / "a")
    (adapter / "chat_template.jinja").write_text("### {{ messages }}")
    with pytest.raises(FtarenaError, match="another chat template"):
        check_adapter(adapter, model, 16)


def test_templates_are_found_where_tokenizers_keep_them(tmp_path: Path) -> None:
    """Older models keep their template inside the tokenizer's configuration, sometimes several."""
    assert chat_template(tmp_path) is None
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": "one"}))
    assert chat_template(tmp_path) == "one"
    named = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]
    config.write_text(json.dumps({"chat_template": named}))
    assert chat_template(tmp_path) == "d"
    (tmp_path / "chat_template.jinja").write_text("file")
    assert chat_template(tmp_path) == "file"


def test_a_folder_that_is_no_adapter(model: Path, tmp_path: Path, make_adapter: Callable[..., Path]) -> None:
    """A missing, unfinished or damaged adapter is one clear line."""
    with pytest.raises(FtarenaError, match="there is no adapter in"):
        check_adapter(tmp_path / "nothing", model, 16)
    adapter = make_adapter(tmp_path / "a")
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(FtarenaError, match=r"no adapter_model\.safetensors"):
        check_adapter(adapter, model, 16)
    (adapter / "adapter_config.json").write_text("{")
    with pytest.raises(FtarenaError, match="cannot be read"):
        check_adapter(adapter, model, 16)


def test_the_engine_is_started_for_the_largest_rank_there_is(tmp_path: Path) -> None:
    """Adapters of rank 16 are not slowed down by room for rank 64 that nobody uses."""
    for name, config in (("a", {"r": 16}), ("b", {"r": 8, "rank_pattern": {"q_proj": 32}}), ("c", None)):
        (tmp_path / name).mkdir()
        if config is not None:
            (tmp_path / name / "adapter_config.json").write_text(json.dumps(config))
    assert largest_rank(tmp_path.iterdir()) == 32
    assert largest_rank([tmp_path / "c"]) == 0
