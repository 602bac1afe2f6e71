"""A model's chat template: found as transformers finds it, and rendered by transformers' own code.

`transformers.utils.chat_template_utils` comes without torch (about a second, 60 MB), so what `check` renders
is what training and serving render, letter for letter.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from ftarena.errors import FtarenaError

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
"""The marker as transformers looks for it."""

TEMPLATE_ERRORS = (
    TemplateError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
)
"""What a template can end in: its own `raise_exception`, or a value that it did not expect."""


class TemplateRefusal(Exception):
    """A template does not render a conversation; the text says why."""


class ChatTemplate:
    """Turns a conversation into the text that the model reads.

    Args:
        templates: Jinja templates by name; a single one is `default`, some models have `tool_use`, too.
        variables: Special tokens that templates refer to: `bos_token` → `<s>`.
    """

    def __init__(self, templates: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._templates = {name: text for name, text in templates.items() if text}
        self._variables = dict(variables)
        self._renderer: Callable[..., tuple[list[str], Any]] | None = None

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any], variables: Mapping[str, str]) -> "ChatTemplate":
        """Read the templates of a model's folder; a file of its own wins over `tokenizer_config.json`.

        Args:
            folder: The model's folder.
            config: Its `tokenizer_config.json`.
            variables: As for the constructor.
        """
        configured = config.get("chat_template")
        if isinstance(configured, list):
            configured = {entry["name"]: entry["template"] for entry in configured}
        templates = configured if isinstance(configured, dict) else {"default": configured or ""}
        files = {path.stem: path for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))}
        if (own := folder / "chat_template.jinja").is_file():
            files["default"] = own
        if files:
            templates = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
        return cls(templates, variables)

    @property
    def source(self) -> str:
        """The Jinja source of the template for plain conversations; empty where there is none."""
        return self._templates.get("default", "")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the source, as `environment.json` of a run has it."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def has_generation_marks(self) -> bool:
        """Whether it says which parts the model generates (`{% generation %}`)."""
        return bool(_GENERATION.search(self.source))

    def render(self, messages: Sequence[Mapping[str, Any]], *, asks: bool, tools: str = "") -> str:
        """Return the text of a conversation.

        Args:
            messages: As `Turn.to_message` gives them.
            asks: Whether the text is to end where the model's answer begins.
            tools: The functions on offer, JSON as text; empty for none.

        Raises:
            TemplateRefusal: The template does not take this conversation.
            FtarenaError: transformers is not installed.
        """
        offered = json.loads(tools) if tools else None
        source = self._templates.get("tool_use", self.source) if offered else self.source
        render = self._renderer = self._renderer or _renderer()
        try:
            rendered, _ = render(
                [messages],
                tools=offered,
                chat_template=source,
                add_generation_prompt=asks,
                **self._variables,
            )
        except TEMPLATE_ERRORS as error:
            raise TemplateRefusal(str(error) or type(error).__name__) from error
        return rendered[0]


def _renderer() -> Callable[..., tuple[list[str], Any]]:
    try:
        from transformers.utils.chat_template_utils import render_jinja_template
    except ImportError as error:
        raise FtarenaError(
            f"a model's chat template is rendered by transformers, which cannot be imported: {error}",
            "install what training needs: python3 requirements/install.py",
        ) from error
    return render_jinja_template  # type: ignore[no-any-return]  # transformers is not followed by mypy
