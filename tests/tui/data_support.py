"""A data file with a little of everything, a model that counts bytes, and a check that needs no process."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ftarena.curation.check import check_sources
from ftarena.tui.app import FtarenaApp
from ftarena.tui.data_check import CheckOrder
from ftarena.tui.screens.data import DataScreen
from ftarena.tui.widgets.example_pane import ExamplePane
from ftarena.tui.widgets.row_list import RowList

from .support import until

HOSTILE = "\x1b]52;c;b3duZWQ=\x07[@click=app.quit]x[/] [/some/path]"


def chat(question: str, answer: str) -> dict[str, Any]:
    """Return a conversation of one question and its answer."""
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


PORT, LARGE_FILES = "How do I see which process uses port 8080?", "How do I find files larger than 1 GB?"

PLANTED = (
    json.dumps(chat(PORT, "```\nss -ltnp 'sport = :8080'\n```\nLists the process that listens there.")),
    json.dumps(chat(LARGE_FILES, "```\nfind . -size +1G\n```\nPrints every file above one gigabyte.")),
    '{"messages": [{"role": "user", "content": "torn',
    json.dumps(chat(PORT, "```\nss -ltnp 'sport = :8080'\n```\nLists the process that listens there.")),
    json.dumps(chat(LARGE_FILES, "```\ndu -ah | sort -h\n```\nSorts everything by its size.")),
    json.dumps(chat("How do I print a word in red?", f"Send {HOSTILE} to the terminal.")),
    json.dumps(chat("How do I rename a branch?", "")),
    json.dumps(chat("Was ist der größte Ordner?", "```\ndu -sh * | sort -h\n```\nThe last line names it.")),
)
"""Line 3 is torn, 4 repeats 1, 5 contradicts 2, 6 holds control characters, 7 an empty answer."""

PAIRS = (
    json.dumps(
        {"prompt": "Which port?", "chosen": "I cannot tell.", "rejected": "ss -ltnp shows every port."}
    ),
    json.dumps({"prompt": "Same?", "chosen": "The very same.", "rejected": "The very same."}),
)


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    """Write a JSONL file and return its path."""
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def write_model(folder: Path) -> Path:
    """Lay down a model whose tokens are bytes; `|` ends a turn."""
    folder.mkdir()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(sign, special=True) for sign in "|~"])
    tokenizer.save(str(folder / "tokenizer.json"))
    template = (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}|\n{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    settings = {"eos_token": "|", "pad_token": "~", "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": 258}))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": tokenizer.token_to_id("|")}))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


async def check_here(order: CheckOrder, on_progress: Callable[[Any], None]) -> Any:
    """Check in this process: what is tested is the screen."""
    return await asyncio.to_thread(
        check_sources, order.train, order.heldout, arena_prompts=order.arena_prompts, tokens=order.tokens
    )


def screen(app: FtarenaApp) -> DataScreen:
    """Return the place."""
    assert isinstance(app.screen, DataScreen)
    return app.screen


def pane(app: FtarenaApp, name: str = "example") -> str:
    """Return what a pane shows, scrolled away or not."""
    return screen(app).query_one(f"#{name}", ExamplePane).plain


def kinds(app: FtarenaApp) -> RowList:
    """Return the list of kinds of findings."""
    return screen(app).query_one("#codes", RowList)


def rows(app: FtarenaApp) -> RowList:
    """Return the list of rows of one kind."""
    return screen(app).query_one("#places", RowList)


async def checked(pilot: Any) -> None:
    """Wait until the check is done and its first row is shown."""
    await until(pilot, lambda: screen(pilot.app).bench.report is not None, "checked")
    await until(pilot, lambda: screen(pilot.app)._shown[3:] == (kinds(pilot.app).current,), "its row")


async def go_to(pilot: Any, kind: str) -> None:
    """Choose a kind of finding, and wait for its first row."""
    assert kinds(pilot.app).go_to(kind), [row.key for row in kinds(pilot.app).rows]
    await until(pilot, lambda: screen(pilot.app)._shown[3:] == (kind,), kind)
