"""Which chat template a foreign recipe trains with, and whether the model's own is the same to it."""

import re
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.processes import read_json
from ftarena.recipes.importing.translation import Translation
from ftarena.recipes.models import resolve_model, tokenizer_folder

_TUNED = re.compile(r"(?:^|[-_./:])(?:instruct|chat|it|sft|dpo|rl|zephyr|tulu|smollm2$)", re.I)
# How models are called that were tuned on chats, and so bring a template.

_OWN = ("tokenizer_default", "default", "jinja")
# Words for the tokenizer's own template, and for one that another key gives.


def settle_template(said: Translation, key: str) -> None:
    """Say what becomes of a named chat template: the tokenizer's own is used here, where there is one."""
    name = said.get(key)
    if name is None:
        return
    model = said.values.get("model_name_or_path")
    if str(name).startswith(_OWN) or brings_template(model):
        said.needless(key, "the tokenizer's own chat template is used, for training and for serving")
    else:
        said.lose(
            key,
            f"writes chats as {name} does; the tokenizer's own is used here, and {model} may have none",
            "take the model's -Instruct variant, or put chat_template.jinja into its folder",
        )


def brings_template(model: Any) -> bool:
    """Return whether a model has a chat template, by its files, or by its name where they are not here."""
    if not isinstance(model, str):
        return False
    try:
        folder = tokenizer_folder(resolve_model(model))
    except FtarenaError:
        folder = None
    if folder is None:
        return _TUNED.search(model) is not None
    return _has_template(folder)


def _has_template(folder: Path) -> bool:
    configured = read_json(folder / "tokenizer_config.json").get("chat_template")
    return bool(configured) or (folder / "chat_template.jinja").is_file()
