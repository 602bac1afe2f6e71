"""`ftarena data show`: what lies in a file, as a chat, as it is, or as tokens with what is learned."""

import json
import re
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ftarena.curation.tokens import ChatTokenizer, MaskedToken, MaskView
from ftarena.curation.tokens.mask import mask_views
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.data_show import show
from ftarena.plain.token_lines import summary, token_lines

ROWS = [
    {"messages": [{"role": "user", "content": "Two\nlines?"}, {"role": "assistant", "content": "Yes."}]},
    {"prompt": "Good?", "completion": "Good.", "label": False},
    {"prompt": "Which?", "chosen": "This.", "rejected": "That."},
    {"text": "raw text"},
    {
        "messages": [
            {"role": "user", "content": "Time?"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "now", "arguments": '{"z":"UTC"}'}}]},
            {"role": "tool", "name": "now", "content": "noon"},
            {"role": "assistant", "content": "Noon.", "reasoning_content": "The tool says so."},
        ],
        "tools": [{"type": "function", "function": {"name": "now"}}],
    },
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file with one row of each kind, then two that cannot be used."""
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(row) for row in ROWS]
    path.write_text("\n".join([*lines, '{"messages": [', '{"messages": "\\u001b[31mred"}']) + "\n")
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a tokenizer of single bytes and a template whose turns end in `|`."""
    folder = tmp_path / "model"
    folder.mkdir()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|u|>"), AddedToken("<|a|>"), AddedToken("<|e|>")])
    tokenizer.save(str(folder / "tokenizer.json"))
    template = (
        "{% for m in messages %}<|{{ m.role[0] }}|>{{ m.content }}<|e|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|a|>{% endif %}"
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": "<|e|>", "chat_template": template})
    )
    (folder / "config.json").write_text(json.dumps({"vocab_size": tokenizer.get_vocab_size()}))
    (folder / "model.safetensors").touch()
    return folder


def test_rows_are_printed_as_the_chats_they_are(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I see who says what, which answer is the chosen one, and what a tool is called with."""
    assert show(str(data), count=5) == 0
    out = capsys.readouterr().out
    assert out == (
        f"{data}:1  messages\nuser\n  Two\n  lines?\nassistant\n  Yes.\n\n"
        f"{data}:2  kto\nuser\n  Good?\nassistant, labelled bad\n  Good.\n\n"
        f"{data}:3  preference\nuser\n  Which?\nchosen\n  This.\nrejected\n  That.\n\n"
        f"{data}:4  text\ntext\n  raw text\n\n"
        f'{data}:5  messages\ntools\n  now\nuser\n  Time?\nassistant\n  → now({{"z":"UTC"}})\n'
        "tool now\n  noon\nassistant\n    │ The tool says so.\n  Noon.\n"
    )


def test_a_row_that_cannot_be_used_is_shown_with_what_is_wrong(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The broken line itself is what I need to see, and nothing in it drives my terminal."""
    assert show(f"{data}:6") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{data}:6  cannot be used\nproblem: ") and '  {"messages": [\n' in out
    assert show(f"{data}:7") == 0
    out = capsys.readouterr().out
    assert "problem: messages" in out and "\x1b" not in out


def test_raw_is_what_lies_in_the_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--raw` prints rows that parse to the very same values, one a line."""
    show(str(data), count=99, raw=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines[:5]] == ROWS
    assert lines[5] == '{"messages": ['
    assert json.loads(lines[6]) == {"messages": "\x1b[31mred"} and "\x1b" not in lines[6]


def test_tokens_are_marked_without_colour(
    data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a pipe I see every token, and which of them are learned."""
    assert show(f"{data}:1", model=str(model)) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        f"{data}:1  messages\n"
        "  <|u|>│T│w│o│⏎\n"
        "  l│i│n│e│s│?│<|e|>│⏎\n"
        "┃ <|a|>⟦Y│e│s│.│<|e|>⟧\n"
        "5 of 19 tokens are learned; the last token learned is <|e|>, which ends an answer; "
        "max_length 1,024 cuts nothing\n"
    )
    assert "⟦learned⟧" in out


def test_a_cut_is_drawn_where_it_falls(data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `max_length` takes away stands below a line that says so, and is not marked as learned."""
    show(f"{data}:1", model=str(model), max_length=16)
    out = capsys.readouterr().out
    assert "┃ <|a|>⟦Y│e⟧\n  ✂ from here on max_length 16 cuts\n  s│.│<|e|>\n" in out
    assert "max_length 16 cuts off 3 tokens, and leaves 2 of 5 to learn" in out


def test_both_answers_of_a_pair_are_shown(
    data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chosen and rejected follow the same prompt."""
    show(f"{data}:3", model=str(model))
    out = capsys.readouterr().out
    assert re.search(r"chosen\n.*⟦T│h│i│s│\.│<\|e\|>⟧\n.*\nrejected\n.*⟦T│h│a│t│\.│<\|e\|>⟧\n", out, re.S)


def test_json_says_the_same(data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A script gets the messages, the tokens and their mask, and the problems."""
    show(str(data), count=7, model=str(model), as_json=True)
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["line"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert rows[0]["completion"] == [{"role": "assistant", "content": "Yes."}]
    view = rows[0]["tokens"]["conversation"]
    assert "".join(token["text"] for token in view["tokens"] if token["trained"]) == "Yes.<|e|>"
    assert rows[1]["label"] is False and set(rows[2]["tokens"]) == {"chosen", "rejected"}
    assert rows[5]["problem"]["code"] == "json" and rows[5]["row"] == '{"messages": ['
    assert rows[6]["row"] == {"messages": "\x1b[31mred"}


def test_a_file_whose_name_ends_in_a_number_is_that_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`data:3` is the file of that name, where there is one."""
    path = tmp_path / "data:3"
    path.write_text('{"text": "named so"}\n')
    show(str(path))
    assert "named so" in capsys.readouterr().out
    for place in ((f"{path}:1",), (str(path), 1)):
        show(*place)
        assert "named so" in capsys.readouterr().out


def test_what_cannot_be_shown_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing line, a line of several files, a model that is not there: each with what to do."""
    with pytest.raises(FtarenaError, match="no line 99"):
        show(f"{data}:99")
    (tmp_path / "second.jsonl").write_text('{"text": "x"}\n')
    with pytest.raises(UsageError, match="2 files") as error:
        show(f"{tmp_path}:1")
    assert error.value.hint.endswith(".jsonl:1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FtarenaError, match="some/model cannot be fetched from the hub"):
        show(f"{data}:1", model="some/model")
    with pytest.raises(UsageError):
        show(str(data), raw=True, model="some/model")
    with pytest.raises(UsageError):
        show(str(data), count=0)


def test_an_empty_file_holds_no_rows(tmp_path: Path) -> None:
    """I am told, instead of seeing nothing."""
    path = tmp_path / "empty.jsonl"
    path.write_text("\n")
    with pytest.raises(FtarenaError, match="no rows"):
        show(str(path))


def test_a_character_of_several_tokens_is_shown_once(model: Path) -> None:
    """A letter that takes three tokens stands in the first; the others are signs of their own."""
    from ftarena.curation.examples import Example, Turn

    tokenizer = ChatTokenizer.load(model, "small")
    row = Example(Path("f"), 1, "completion", (Turn("user", "Q"),), (Turn("assistant", "漢 b"),))
    ((_, view),) = mask_views(row, tokenizer)
    assert [token.text for token in view.tokens if token.trained] == ["漢", "", "", " ", "b", "<|e|>"]
    assert str(token_lines(view, 80)[-1]) == "┃ <|a|>⟦漢│∘│∘│·│b│<|e|>⟧"


def test_lines_fit_the_terminal_and_lose_nothing() -> None:
    """However narrow, every token is there, in order, and no line is too wide."""
    tokens = tuple(MaskedToken(at, f"t{at}", at % 7 > 3, False) for at in range(200))
    view = MaskView(tokens, 85, 150, ())
    lines = [str(line) for line in token_lines(view, 30)]
    assert all(len(line) <= 30 for line in lines if "✂" not in line)
    told = re.findall(r"t\d+", " ".join(lines))
    assert told == [token.text for token in tokens]
    assert summary(view, 150) == "85 of 200 tokens are learned"
