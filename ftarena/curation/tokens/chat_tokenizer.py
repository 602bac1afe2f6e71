"""The tokenizer of a model and its chat template, loaded without torch.

`tokenizer.json` is read by the same Rust library that transformers wraps, and completed as transformers
completes it, so a check can look at tokens in a process that starts in a second. A run makes sure before it
trains that both give the same ids.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftarena.curation.examples import Turns
from ftarena.curation.tokens.chat_template import ChatTemplate
from ftarena.curation.tokens.model_files import (
    complete,
    embedding_rows,
    end_ids_of,
    read_json_file,
    special_tokens,
)
from ftarena.errors import FtarenaError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


class ChatTokenizer:
    """Turns conversations into text and text into tokens that know their characters.

    Args:
        backend: The Rust tokenizer; it is changed, so give a copy of one that others use.
        template: The chat template; may be empty.
        name: What the model is called, for errors.
        special: Special tokens by name (`bos_token` → `<s>`).
        end_ids: Tokens at which the model stops when it generates.
        vocabulary_size: Rows of the model's embedding; None if unknown.
    """

    def __init__(
        self,
        backend: "Tokenizer",
        template: ChatTemplate,
        *,
        name: str,
        special: Mapping[str, str],
        end_ids: frozenset[int],
        vocabulary_size: int | None = None,
    ) -> None:
        self.name = name
        self.end_ids = end_ids
        self.vocabulary_size = vocabulary_size
        self._template = template
        self._backend = backend
        self._special = dict(special)
        backend.no_truncation()
        backend.no_padding()
        begun = backend.encode("", add_special_tokens=True).ids
        self.adds_bos = self.bos_id is not None and begun[:1] == [self.bos_id]
        """Whether raw text, without a template, gets a token for its beginning."""

        # The post-processor adds special tokens, which the template writes itself, and takes leading blanks
        # out of a token's characters, which must count: one may be the first letter of the answer.
        backend.post_processor = None

    @classmethod
    def load(cls, folder: Path, name: str, *, end_ids: frozenset[int] = frozenset()) -> "ChatTokenizer":
        """Read the tokenizer of a model's folder.

        Args:
            folder: A folder with `tokenizer.json` and the files beside it. Without that file transformers
                builds the tokenizer from what is there, which takes seconds and imports torch.
            name: What the model is called, for errors.
            end_ids: Tokens at which the model stops besides those that its files name.

        Raises:
            FtarenaError: The folder holds no tokenizer, or a file of it is broken.
        """
        from tokenizers import Tokenizer

        file = folder / "tokenizer.json"
        if not file.is_file():
            return cls.wrap(_auto_tokenizer(folder, name), folder, name, end_ids=end_ids)
        try:
            backend = Tokenizer.from_file(str(file))
        except Exception as error:
            # The Rust library raises nothing more special.
            raise FtarenaError(
                f"the tokenizer of {name} cannot be read: {file.name}: {error}",
                "download the model again; the file may be incomplete",
            ) from error
        config = read_json_file(folder / "tokenizer_config.json")
        try:
            special, extra = special_tokens(folder, config)
            complete(backend, config, [*special.values(), *extra])
            template = ChatTemplate.load(folder, config, special)
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise FtarenaError(
                f"the settings of the tokenizer of {name} cannot be understood: {error!r}",
                "download the model again, or mend tokenizer_config.json",
            ) from error
        ends = end_ids | end_ids_of(folder)
        if "eos_token" in special and (end := backend.token_to_id(special["eos_token"])) is not None:
            ends |= {end}
        return cls(
            backend,
            template,
            name=name,
            special=special,
            end_ids=ends,
            vocabulary_size=embedding_rows(folder),
        )

    @classmethod
    def wrap(
        cls, tokenizer: Any, folder: Path, name: str, *, end_ids: frozenset[int] = frozenset()
    ) -> "ChatTokenizer":
        """Return the same for a tokenizer that transformers has loaded; it is not changed.

        Args:
            tokenizer: What transformers made of the folder.
            folder: The model's folder.
            name: What the model is called, for errors.
            end_ids: Tokens at which the model stops besides those that its files name.

        Raises:
            FtarenaError: The tokenizer is one in pure Python, which does not know the characters of a token.
        """
        from tokenizers import Tokenizer

        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise FtarenaError(
                f"the tokenizer of {name} has no fast version, so its tokens cannot be traced to the text",
                "use a model that comes with tokenizer.json",
            )
        source = tokenizer.chat_template or ""
        ends = end_ids | end_ids_of(folder)
        if tokenizer.eos_token_id is not None:
            ends |= {tokenizer.eos_token_id}
        special = tokenizer.special_tokens_map
        return cls(
            Tokenizer.from_str(backend.to_str()),
            ChatTemplate(source if isinstance(source, dict) else {"default": source}, special),
            name=name,
            special=special,
            end_ids=ends,
            vocabulary_size=embedding_rows(folder),
        )

    @property
    def template(self) -> str | None:
        """The Jinja source of the chat template; None where the model has none."""
        return self._template.source or None

    @property
    def template_digest(self) -> str:
        """SHA-256 of the template's source."""
        return self._template.digest

    @property
    def has_generation_marks(self) -> bool:
        """Whether the template says which parts the model generates."""
        return self._template.has_generation_marks

    @property
    def bos_id(self) -> int | None:
        """The token for the beginning of a text."""
        return self._id("bos_token")

    @property
    def pad_id(self) -> int | None:
        """The token that fills up shorter rows of a batch; None where the tokenizer names none."""
        return self._id("pad_token")

    @property
    def bos_text(self) -> str:
        """How the token for the beginning is written; empty for none."""
        return self._special.get("bos_token", "") if self.bos_id is not None else ""

    @cached_property
    def end_texts(self) -> tuple[str, ...]:
        """How the tokens that end an answer are written, the tokenizer's own end token first."""
        own = self._special.get("eos_token")
        texts = sorted(filter(None, map(self._backend.id_to_token, self.end_ids)))
        return tuple(sorted(texts, key=lambda text: text != own))

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Tokens that are no text: they are matched whole, and left out when an answer is shown."""
        added = self._backend.get_added_tokens_decoder()
        return frozenset(token for token, entry in added.items() if entry.special) | self.end_ids

    @cached_property
    def unembedded(self) -> dict[int, str]:
        """Tokens that the model has no embedding for, and how they are written."""
        rows = self.vocabulary_size
        if rows is None:
            return {}
        return {token: text for text, token in self._backend.get_vocab().items() if token >= rows}

    def token_text(self, token: int) -> str:
        """Return how a token is written in the vocabulary; empty for an id that is in none."""
        return self._backend.id_to_token(token) or ""

    def render(self, turns: Turns, *, asks: bool, tools: str = "") -> str:
        """Return the text that the model reads.

        Args:
            turns: The conversation.
            asks: Whether the text is to end where the model's answer begins.
            tools: The functions on offer, as in `Example.tools`.

        Raises:
            TemplateRefusal: The template does not take this conversation.
        """
        return self._template.render([turn.to_message() for turn in turns], asks=asks, tools=tools)

    def tokenise(self, texts: Sequence[str]) -> "list[Encoding]":
        """Return the tokens of each text; special tokens are those that are written in it, none is added.

        In each encoding `ids` are the tokens and `offsets` their characters.
        """
        return self._backend.encode_batch(list(texts), add_special_tokens=False)

    def _id(self, name: str) -> int | None:
        text = self._special.get(name)
        return None if text is None else self._backend.token_to_id(text)


def _auto_tokenizer(folder: Path, name: str) -> Any:
    try:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (ImportError, OSError, ValueError) as error:
        raise FtarenaError(f"{name} has no tokenizer that can be loaded: {error}") from error
