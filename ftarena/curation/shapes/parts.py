"""The parts of a row that examples are made of: its prompt, its answers, its whole conversations.

A prompt is a text or a list of messages; `instruction` with `input` and `history` is one, too. `system` and
`tools` are columns of their own beside any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow, Turn, Turns
from ftarena.curation.shapes.calls import tools_of
from ftarena.curation.shapes.turns import check_order, turn_of, turns_of
from ftarena.curation.shapes.values import checked_text, is_columnar, kind_of, messages_in, parsed_list
from ftarena.curation.sources import Columns

_MEDIA = ("images", "image", "videos", "audios")


@dataclass(frozen=True, slots=True)
class Parts:
    """One row under our names, and where it comes from."""

    row: Mapping[str, Any]
    file: Path
    columns: Columns

    def named(self, name: str) -> str:
        """Return the file's own name of a column, for messages."""
        return self.columns.names.get(name) or name

    def sparse(self, name: str) -> bool:
        """Return whether nulls inside of a column mean nothing: not where it is JSON text."""
        return not isinstance(self.row[name], str) and is_columnar(self.file)

    def tools(self) -> str:
        """Return the functions on offer.

        Raises:
            BadRow: They are not as they must be.
        """
        for name in ("tools", "functions"):
            if name in self.row:
                return tools_of(self.row[name], self.named(name), sparse=self.sparse(name))
        return ""

    def check_media(self) -> None:
        """Refuse a row that is about a picture, a film or a sound.

        Raises:
            BadRow: It has one.
        """
        for name in _MEDIA:
            value = self.row.get(name)
            if value and (isinstance(value, list | dict) or name in self.columns.names):
                raise BadRow(
                    "type", f"{self.named(name)} holds something to look at or to hear; only text is read"
                )

    def conversation(self, name: str) -> Turns:
        """Return a whole conversation, the assistant's answer last.

        Raises:
            BadRow: It is none.
        """
        where = self.named(name)
        value = messages_in(self.row[name], self.file)
        turns = turns_of(
            value, where, self.columns, sharegpt=name == "conversations", sparse=self.sparse(name)
        )
        if turns[-1].role != "assistant":
            end = "end" if where.endswith("s") else "ends"
            raise BadRow(
                "order",
                f"{where} {end} with a turn of the {turns[-1].role}: the assistant's answer is missing",
            )
        check_order(turns, where)
        return self.with_system(turns)

    def prompt(self, name: str) -> Turns:
        """Return the turns of a prompt, in a column of messages or of text.

        Raises:
            BadRow: They are not as they must be.
        """
        where = self.named(name)
        if name == "instruction":
            return self._instruction()
        value = messages_in(self.row[name], self.file)
        if isinstance(value, str) and name == "prompt":
            return self.with_system((*self._history(), Turn("user", checked_text(value, where))))
        wanted = "text or a list of messages" if name == "prompt" else ""
        sharegpt, sparse = name == "conversations", self.sparse(name)
        turns = turns_of(value, where, self.columns, sharegpt=sharegpt, sparse=sparse, wanted=wanted)
        if turns[-1].role not in ("user", "tool"):
            raise BadRow("order", f"{where} ends with a turn of the {turns[-1].role}, expected the user's")
        check_order(turns, where)
        return self.with_system(turns)

    def answer(self, name: str) -> Turns:
        """Return an answer: text, one message of the assistant, or a list with one.

        Raises:
            BadRow: It is none, or several.
        """
        where = self.named(name)
        value = messages_in(self.row[name], self.file)
        if isinstance(value, str):
            return (Turn("assistant", checked_text(value, where)),)
        if isinstance(value, dict):
            turns: Turns = (turn_of(value, where, self.columns, sparse=self.sparse(name)),)
        else:
            turns = turns_of(
                value, where, self.columns, sparse=self.sparse(name), wanted="text or a list of messages"
            )
        if len(turns) != 1 or turns[0].role != "assistant":
            raise BadRow(
                "order",
                f"{where} must be one message of the assistant, found {len(turns)}: put the rest into prompt",
            )
        return turns

    def is_conversation(self, name: str) -> bool:
        """Return whether an answer is a list that has its prompt inside."""
        value = messages_in(self.row[name], self.file)
        if not isinstance(value, list) or not value or not isinstance(value[0], dict):
            return False
        turn = turn_of(value[0], f"{self.named(name)}[0]", self.columns)
        return turn.role != "assistant"

    def with_system(self, turns: Turns) -> Turns:
        """Return turns after the system prompt that stands in a column of its own.

        Raises:
            BadRow: The messages bring another one.
        """
        system, where = self.row.get("system"), self.named("system")
        if system is None or (isinstance(system, str) and not system.strip()):
            return turns
        text = checked_text(system, where)
        if turns[0].role != "system":
            return (Turn("system", text), *turns)
        if turns[0].content != text:
            raise BadRow("system", f"{where} and the first message are two system prompts; keep one")
        return turns

    def _instruction(self) -> Turns:
        """Return Alpaca's prompt: history, then instruction and input, joined as LLaMA-Factory joins them."""
        said: list[str] = []
        for name in ("instruction", "input"):
            value = self.row.get(name)
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            said.append(checked_text(value, self.named(name)))
        if not said:
            raise BadRow("empty", f"{self.named('instruction')} is empty")
        return self.with_system((*self._history(), Turn("user", "\n".join(said))))

    def _history(self) -> Turns:
        where = self.named("history")
        history = self.row.get("history")
        if history is None or history == "":
            return ()
        history = parsed_list(history, where)
        if not isinstance(history, list):
            raise BadRow(
                "type", f"{where} must be a list of questions with their answers, found {kind_of(history)}"
            )
        turns: list[Turn] = []
        for index, pair in enumerate(history):
            place = f"{where}[{index}]"
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise BadRow("type", f"{place} must be a question and its answer, found {kind_of(pair)}")
            turns.append(Turn("user", checked_text(pair[0], f"{place}[0]")))
            turns.append(Turn("assistant", checked_text(pair[1], f"{place}[1]")))
        return tuple(turns)
