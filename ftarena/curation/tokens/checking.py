"""What is wrong with data once it is tokens: the part of `check` that needs a model."""

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ftarena.curation.examples import Example, Turn
from ftarena.curation.findings import Finding
from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
from ftarena.curation.tokens.drafting import Trouble, draft
from ftarena.curation.tokens.marking import Marked, mark
from ftarena.curation.tokens.tally import TokenTally

_NAMED = 5


@dataclass(frozen=True)
class TokenSpec:
    """With which model to check; small, so that each process of a check builds its own checker from it."""

    folder: Path
    """The model's folder."""

    name: str
    """What the model is called in messages."""

    max_length: int
    """Tokens that an example may have in training."""


class TokenChecker:
    """Looks at examples as tokens, and keeps the tally.

    Args:
        spec: With which model.

    Raises:
        FtarenaError: The model's tokenizer cannot be loaded.
    """

    def __init__(self, spec: TokenSpec) -> None:
        if multiprocessing.parent_process() is not None:
            # One of several processes: threads of the tokenizer would take the cores from the others.
            os.environ["TOKENIZERS_PARALLELISM"] = "false"
        self._spec = spec
        self._tokenizer = ChatTokenizer.load(spec.folder, spec.name)
        troubles = tuple(model_troubles(self._tokenizer))
        # What is told of the model is not told of each row again.
        self._told = {trouble.code for trouble in troubles} - {"new-tokens"}
        self._troubles = troubles
        self.tally = self._empty_tally()
        """What was counted so far."""

    def check(self, examples: Sequence[Example]) -> list[Finding]:
        """Return what is wrong with examples as tokens, and count them.

        Args:
            examples: Of any kind, a few hundred to a few thousand at a time; questions are passed over.
        """
        findings = []
        answered = [example for example in examples if example.completion]
        for marked in mark(answered, self._tokenizer):
            self.tally.add(marked)
            file, line = marked.example.file, marked.example.line
            findings += [
                Finding(trouble.code, file, line, trouble.message)
                for trouble in marked.troubles
                if trouble.code not in self._told
            ]
            if marked.length > self._spec.max_length:
                findings.append(_too_long(marked, self._spec.max_length))
        return findings

    def take_tally(self) -> TokenTally:
        """Return what was counted since the last time, and begin anew."""
        taken, self.tally = self.tally, self._empty_tally()
        return taken

    def _empty_tally(self) -> TokenTally:
        return TokenTally(self._tokenizer, self._spec.max_length, self._troubles)


def _too_long(marked: Marked, limit: int) -> Finding:
    example, length = marked.example, marked.length
    if marked.cut_leaves_nothing(limit):
        prompt = marked.markings[0].begin
        return Finding(
            "answer-cut",
            example.file,
            example.line,
            f"{length:,} tokens, and max_length is {limit:,}: the last answer begins at {prompt + 1:,}, "
            "and nothing is left to learn",
        )
    return Finding(
        "too-long",
        example.file,
        example.line,
        f"{length:,} tokens, and max_length is {limit:,}: the last {length - limit:,} are too many",
    )


def model_troubles(tokenizer: ChatTokenizer) -> list[Trouble]:
    """Return what is wrong, or good to know, about a model's own files, whatever the data."""
    name = tokenizer.name
    troubles = []
    if tokenizer.template is None:
        troubles.append(Trouble("no-template", f"{name} has no chat template; only rows of text can be used"))
    else:
        if not tokenizer.has_generation_marks:
            troubles.append(
                Trouble("no-generation-marks", f"the chat template of {name} does not mark what is generated")
            )
        if _rewrites_questions(tokenizer):
            troubles.append(
                Trouble(
                    "prompt-not-prefix",
                    f"the chat template of {name} writes every open question otherwise than an answered one",
                )
            )
    if tokenizer.pad_id is None:
        troubles.append(Trouble("pad-is-end", f"{name} has no padding token, so its end token is taken"))
    elif tokenizer.pad_id in tokenizer.end_ids:
        text = tokenizer.token_text(tokenizer.pad_id)
        troubles.append(Trouble("pad-is-end", f"{name} pads with {text}, which also ends an answer"))
    if foreign := tokenizer.unembedded:
        shown = ", ".join(foreign[token] for token in sorted(foreign)[:_NAMED])
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        troubles.append(
            Trouble(
                "new-tokens",
                f"the tokenizer of {name} has {shown}{more}, beyond the model's "
                f"{tokenizer.vocabulary_size:,} embeddings",
            )
        )
    return troubles


def _rewrites_questions(tokenizer: ChatTokenizer) -> bool:
    """Return whether even the plainest conversation does not begin with its open question."""
    plain = Example(
        Path("plain"), 1, "completion", (Turn("user", "Hello"),), (Turn("assistant", "Good morning"),)
    )
    found = draft(plain, tokenizer)
    return not isinstance(found, Trouble) and any(one.code == "prompt-not-prefix" for one in found.troubles)
