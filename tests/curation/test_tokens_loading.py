"""A tokenizer that is loaded lightly gives what transformers gives."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_models import BEGINNING, CHATML, byte_tokenizer, example, write_json, write_model
from transformers import AutoTokenizer

from ftarena.curation.reading import read_examples
from ftarena.curation.tokens import ChatTokenizer
from ftarena.errors import FtarenaError
from ftarena.training.worker.tokens import chat_tokenizer

DATA = Path(__file__).parents[2] / "data/demo"


@pytest.fixture(scope="module")
def pair(demo_model: Path) -> tuple[ChatTokenizer, AutoTokenizer]:
    """The demo's tokenizer, loaded both ways."""
    return ChatTokenizer.load(demo_model, "demo:smollm2"), AutoTokenizer.from_pretrained(demo_model)


def ids(tokenizer: ChatTokenizer, text: str) -> list[int]:
    return list(tokenizer.tokenise([text])[0].ids)


def test_the_demo_conversations_give_the_same_ids(pair: tuple[ChatTokenizer, AutoTokenizer]) -> None:
    """Each row of the demo, asked and answered, is the same tokens in a check as in training."""
    light, full = pair
    for row in read_examples(DATA / "sft.jsonl").examples[:100]:
        for turns, asks in ((row.prompt, True), ((*row.prompt, *row.completion), False)):
            expected = full.apply_chat_template(
                [turn.to_message() for turn in turns], add_generation_prompt=asks, return_dict=False
            )
            assert ids(light, light.render(turns, asks=asks)) == expected


@settings(deadline=None)
@given(text=st.text(st.characters(codec="utf-8")))
def test_any_text_gives_the_same_ids(pair: tuple[ChatTokenizer, AutoTokenizer], text: str) -> None:
    """Also text that no person would write, and the special tokens' own texts."""
    light, full = pair
    for written in (text, f"<|im_start|>{text}<|im_end|>"):
        assert ids(light, written) == full(written, add_special_tokens=False)["input_ids"]


def test_the_model_knows_where_it_stops(pair: tuple[ChatTokenizer, AutoTokenizer]) -> None:
    """End, padding and size come from the model's own files."""
    light, full = pair
    assert light.end_ids == {full.eos_token_id}
    assert (light.pad_id, light.bos_id, light.vocabulary_size) == (
        full.pad_token_id,
        full.bos_token_id,
        49152,
    )
    assert light.end_texts == ("<|im_end|>",)


@pytest.mark.parametrize(
    "config",
    [
        {"additional_special_tokens": ["<tool>", "<end>"]},
        {"extra_special_tokens": {"image_token": "<tool>"}},
        {"added_tokens_decoder": {"260": {"content": "<tool>", "special": False, "normalized": False}}},
        {"chat_template": [{"name": "default", "template": CHATML}, {"name": "tool_use", "template": "T"}]},
    ],
)
def test_what_stands_beside_the_tokenizer_counts(tmp_path: Path, config: dict[str, object]) -> None:
    """Tokens and templates that only `tokenizer_config.json` names are known as transformers knows them."""
    folder = write_model(tmp_path, config=config)
    light, full = ChatTokenizer.load(folder, "small"), AutoTokenizer.from_pretrained(folder)
    for text in ("a<tool>b<end>c|", "~ <tool><tool>"):
        assert ids(light, text) == full(text, add_special_tokens=False)["input_ids"]
    row = example("Q", "A")
    turns = (*row.prompt, *row.completion)
    messages = [turn.to_message() for turn in turns]
    assert light.render(turns, asks=False) == full.apply_chat_template(messages, tokenize=False)
    tools = '[{"type": "function", "function": {"name": "now"}}]'
    assert light.render(turns, asks=True, tools=tools) == full.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, tools=json.loads(tools)
    )


def test_templates_in_files_of_their_own_win(tmp_path: Path) -> None:
    """`chat_template.jinja` and `additional_chat_templates/` are read as transformers reads them."""
    folder = write_model(tmp_path)
    (folder / "chat_template.jinja").write_text(BEGINNING)
    turns = example("Q", "A").prompt
    assert ChatTokenizer.load(folder, "small").template == BEGINNING
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("T{{ tools | length }}")
    light, full = ChatTokenizer.load(folder, "small"), AutoTokenizer.from_pretrained(folder)
    assert light.render(turns, asks=True, tools='[{"a": 1}]') == "T1"
    assert full.apply_chat_template([turns[0].to_message()], tools=[{"a": 1}], tokenize=False) == "T1"
    assert light.render(turns, asks=True) == "Q|\n"


def test_special_tokens_of_older_folders_are_found(tmp_path: Path) -> None:
    """Folders from before 2023 keep their special tokens in a file of their own."""
    folder = write_model(tmp_path)
    settings_file = folder / "tokenizer_config.json"
    config = json.loads(settings_file.read_text())
    write_json(settings_file, {key: config[key] for key in ("tokenizer_class", "chat_template")})
    write_json(
        folder / "special_tokens_map.json", {"eos_token": {"content": "|", "lstrip": False}, "bos_token": "^"}
    )
    light, full = ChatTokenizer.load(folder, "small"), AutoTokenizer.from_pretrained(folder)
    assert (light.bos_text, light.bos_id) == ("^", full.bos_token_id)
    assert ids(light, "^a|") == full("^a|", add_special_tokens=False)["input_ids"]


def test_a_model_with_several_ends_stops_at_each(tmp_path: Path) -> None:
    """Llama 3 stops at two tokens; both count."""
    folder = write_model(tmp_path)
    write_json(folder / "generation_config.json", {"eos_token_id": [3, 5]})
    assert ChatTokenizer.load(folder, "small").end_ids == {3, 5, byte_tokenizer(["|"]).token_to_id("|")}


def test_a_folder_without_tokenizer_json_is_left_to_transformers(
    tmp_path: Path, pair: tuple[ChatTokenizer, AutoTokenizer]
) -> None:
    """What only transformers can build is wrapped; the mask is found on its tokens."""
    light, full = pair
    wrapped = ChatTokenizer.wrap(full, tmp_path, "demo:smollm2")
    turns = example("Show the last 100 lines.", "```\ntail -100\n```").prompt
    text = wrapped.render(turns, asks=True)
    assert text == light.render(turns, asks=True) and ids(wrapped, text) == ids(light, text)
    assert wrapped.end_ids == light.end_ids
    with pytest.raises(FtarenaError, match="no tokenizer that can be loaded"):
        ChatTokenizer.load(tmp_path, "nothing")


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "config.json"])
def test_a_broken_file_is_named(tmp_path: Path, file: str) -> None:
    """Half a download is called by its name, with what to do."""
    folder = write_model(tmp_path)
    (folder / file).write_text('{"half": ')
    with pytest.raises(FtarenaError, match=file) as error:
        ChatTokenizer.load(folder, "small")
    assert "download" in error.value.hint


@pytest.mark.parametrize(
    "config",
    [
        {"added_tokens_decoder": {"many": {"content": "x"}}},
        {"added_tokens_decoder": ["x"]},
        {"chat_template": [{"name": "default"}]},
        {"additional_special_tokens": 3},
    ],
)
def test_settings_that_make_no_sense_are_one_error(tmp_path: Path, config: dict[str, object]) -> None:
    """Whatever lies in `tokenizer_config.json`, I get a sentence, not a traceback."""
    with pytest.raises(FtarenaError, match="the tokenizer of small cannot be understood"):
        ChatTokenizer.load(write_model(tmp_path, config=config), "small")


def test_a_template_in_another_encoding_is_one_error(tmp_path: Path) -> None:
    """A template that somebody saved as Latin-1 is named, not guessed."""
    folder = write_model(tmp_path)
    (folder / "chat_template.jinja").write_bytes("für".encode("latin-1"))
    with pytest.raises(FtarenaError, match="cannot be understood"):
        ChatTokenizer.load(folder, "small")


def test_a_run_refuses_a_tokenizer_that_transformers_reads_otherwise(tmp_path: Path) -> None:
    """If a server would read other tokens than training, I hear of it, and how to mend it."""
    folder = write_model(tmp_path / "model")
    row = replace(example("Q", "A"), line=3)
    full = AutoTokenizer.from_pretrained(folder)
    light = chat_tokenizer(folder, full, frozenset([1]), "small", [row])
    assert light.end_ids == {1, full.eos_token_id}
    other = AutoTokenizer.from_pretrained(
        write_model(tmp_path / "other", tokenizer=byte_tokenizer(["|", "~"], [("u", "s")]))
    )
    with pytest.raises(FtarenaError, match=r"file.jsonl:3: .* different tokens") as error:
        chat_tokenizer(folder, other, frozenset(), "small", [row])
    assert "save_pretrained" in error.value.hint


def test_tokens_need_no_torch(demo_model: Path) -> None:
    """A check with a model starts in a second, and on a laptop without a training library's memory."""
    code = (
        "import sys; from pathlib import Path; from ftarena.curation.tokens import *\n"
        "assert not {'transformers', 'tokenizers', 'numpy'} & set(sys.modules)\n"
        f"checker = TokenChecker(TokenSpec(Path({str(demo_model)!r}), 'demo', 100))\n"
        "assert 'transformers' in sys.modules\n"
        "sys.exit(bool({'torch', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
