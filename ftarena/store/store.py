"""What an arena remembers: contestants, prompts, answers, runs; battles and ballots under `ballots`.

Nothing is deleted and nothing is edited, except that a contestant can be hidden. The same call made twice
adds one row, so whoever prepares an arena need not ask first.
"""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.store.ballots import EVERYTHING, Ballots
from ftarena.store.database import Database
from ftarena.store.ids import content_hash, now, prompt_hash, storable
from ftarena.store.prompts_json import turns_json, turns_of
from ftarena.store.rows import (
    NOT_DRAWN,
    AnswerRow,
    ContestantKind,
    ContestantRow,
    PromptRow,
    RunRow,
    VoteRow,
)
from ftarena.store.selection import Selection
from ftarena.text import clean_text

_CONTESTANT = """
SELECT c.id, c.name, c.spec_json, c.kind, m.name, c.run_id, c.created_at, c.hidden
FROM contestants c LEFT JOIN models m ON m.id = c.model_id
"""

_ANSWER = """
SELECT id, contestant_id, prompt_id, sample, text, finish_reason, n_tokens, ttft_s, elapsed_s, created_at
FROM answers
"""


# An imported file may have named a prompt before its text was known.
_ADD_PROMPT = """
INSERT INTO prompts (id, turns_json, source, reference, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET turns_json = excluded.turns_json, source = excluded.source, reference = excluded.reference
WHERE prompts.source = 'import' AND excluded.source <> 'import'
"""


_TAKEN_FROM_CHATS = "(SELECT prompt_id FROM prompt_categories WHERE category = 'chat')"


class Store(Database):
    """One arena in one SQLite file. Open it with `Store.open(path)`; usable from several threads at once."""

    @cached_property
    def ballots(self) -> Ballots:
        """Battles and what was decided on them."""
        return Ballots(self)

    # Contestants

    def contestants(self, *, include_hidden: bool = True) -> list[ContestantRow]:
        """Return who takes part, in the order they were added."""
        found = self.rows(f"{_CONTESTANT} ORDER BY c.created_at, c.rowid")
        return [row for row in map(_contestant, found) if include_hidden or not row.hidden]

    def contestant(self, name: str) -> ContestantRow | None:
        """Return the contestant of this name, or the only one that was ever given it, if there is one.

        A merge of arenas may have settled on another name (`ftarena.store.merging`).
        """
        found = self.rows(f"{_CONTESTANT} WHERE c.name = ?", (storable(name),)) or self.rows(
            f"{_CONTESTANT} JOIN contestant_names n ON n.contestant_id = c.id WHERE n.name = ?",
            (storable(name),),
        )
        return _contestant(found[0]) if len(found) == 1 else None

    def add_contestant(
        self,
        name: str,
        *,
        contestant_id: str | None = None,
        spec_json: str | None = None,
        kind: ContestantKind = "imported",
        model: str | None = None,
        run_id: str | None = None,
    ) -> ContestantRow:
        """Add a contestant, or return it where the same one is there under the same name.

        Args:
            name: What people call it; unique.
            contestant_id: Hash of its description; `None` for one that is only a name in a file.
            spec_json: The description, opaque here. What can be asked has one, an imported name has none.
            kind: What answers.
            model: Name of its base model.
            run_id: The training run its adapter is from.

        Raises:
            FtarenaError: The name belongs to another one, or this one has another name already.
        """
        name = storable(name)
        if not name.strip():
            raise FtarenaError("a contestant needs a name", "give it one, e.g. ftarena contestants add sft-1")
        wanted = contestant_id or content_hash("imported contestant", name)
        with self.transaction() as connection:
            if (there := self.contestant(name)) is not None:
                if there.id == wanted or spec_json is None:
                    return there
                raise FtarenaError(
                    f"the name {name!r} belongs to another contestant, which has votes of its own to keep",
                    "choose another name",
                )
            if found := self.rows("SELECT name FROM contestants WHERE id = ?", (wanted,)):
                raise FtarenaError(
                    f"{name!r} would be the same as {found[0][0]!r}: same model, prompt and sampling",
                    f"use {found[0][0]!r}, or change what it is made of",
                )
            model_id = None
            if model is not None:
                model_id = content_hash("model", model)
                connection.execute(
                    "INSERT INTO models (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (model_id, storable(model), now()),
                )
            connection.execute(
                "INSERT INTO contestants (id, name, kind, model_id, run_id, spec_json, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (wanted, name, kind, model_id, run_id, spec_json, now()),
            )
            added = self.contestant(name)
        if added is None:
            raise RuntimeError(f"contestant {name!r} is not there after it was added")
        return added

    def hide_contestant(self, name: str, hidden: bool = True) -> None:
        """Take a contestant out of battles and scores, or bring it back. Its votes are kept.

        Raises:
            FtarenaError: There is none of this name.
        """
        with self.transaction() as connection:
            if (row := self.contestant(name)) is None:
                raise FtarenaError(
                    f"there is no contestant {name!r}", "see them all: ftarena contestants list"
                )
            connection.execute("UPDATE contestants SET hidden = ? WHERE id = ?", (int(hidden), row.id))

    # Prompts and answers

    def prompts(self, sources: Collection[str] | None = None) -> list[PromptRow]:
        """Return prompts in the order they were added. Names in imported files are no prompts.

        Args:
            sources: Only those from one of these; `None` is all but `NOT_DRAWN`, and of chats those that are
                in the category `chat`.
        """
        which, names = _chosen(sources)
        found = self.rows(f"SELECT id, turns_json, source, reference, created_at {which}", names)
        return [
            PromptRow(prompt_id, turns_of(stored), source, reference, created_at)
            for prompt_id, stored, source, reference, created_at in found
        ]

    def prompt_ids(self, sources: Collection[str] | None = None) -> list[str]:
        """Return the ids of `prompts(sources)`, without reading their texts."""
        which, names = _chosen(sources)
        return [prompt_id for (prompt_id,) in self.rows(f"SELECT id {which}", names)]

    def prompt(self, prompt_id: str) -> PromptRow | None:
        """Return a prompt, if there is one of this id."""
        found = self.rows(
            "SELECT id, turns_json, source, reference, created_at FROM prompts WHERE id = ?", (prompt_id,)
        )
        if not found:
            return None
        prompt_id, stored, source, reference, created_at = found[0]
        return PromptRow(prompt_id, turns_of(stored), source, reference, created_at)

    def add_prompts(
        self, prompts: Sequence[tuple[Sequence[tuple[str, str]], str | None]], source: str
    ) -> list[str]:
        """Add prompts as one step; those that are there already stay as they are.

        Args:
            prompts: Of each its turns (role, content) and the data set's own answer or `None`.
            source: Where they come from, e.g. `heldout`.

        Returns:
            Their ids, in the order given; equal prompts have equal ids.
        """
        ids = []
        with self.transaction() as connection:
            for raw_turns, reference in prompts:
                turns = [(role, storable(content)) for role, content in raw_turns]
                prompt_id = prompt_hash(turns)
                known = None if reference is None else storable(reference)
                connection.execute(_ADD_PROMPT, (prompt_id, turns_json(turns), source, known, now()))
                ids.append(prompt_id)
        return ids

    def answer(self, answer_id: str) -> AnswerRow | None:
        """Return an answer, if there is one of this id."""
        found = self.rows(f"{_ANSWER} WHERE id = ?", (answer_id,))
        return AnswerRow(*found[0]) if found else None

    def first_answers(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return the answer that battles are made of, for each prompt and contestant that has one.

        Returns:
            (prompt id, contestant id) to (answer id, hash of how its text looks on a screen).
        """
        # Two front ends may both have made one: the earliest counts, which as the last row wins in the dict.
        found = self.rows(
            "SELECT prompt_id, contestant_id, id, looks FROM answers WHERE sample = 0"
            " ORDER BY created_at DESC, id DESC"
        )
        return {(prompt, contestant): (answer, looks) for prompt, contestant, answer, looks in found}

    def answered(self, contestant_id: str, prompt_id: str) -> bool:
        """Return whether a contestant's answer that battles are made of is there."""
        return bool(
            self.rows(
                "SELECT 1 FROM answers WHERE prompt_id = ? AND contestant_id = ? AND sample = 0",
                (prompt_id, contestant_id),
            )
        )

    def next_sample(self, contestant_id: str, prompt_id: str) -> int:
        """Return how many answers a contestant has given to a prompt so far."""
        [(count,)] = self.rows(
            "SELECT count(*) FROM answers WHERE prompt_id = ? AND contestant_id = ?",
            (prompt_id, contestant_id),
        )
        return int(count)

    def add_answer(
        self,
        contestant_id: str,
        prompt_id: str,
        text: str,
        *,
        sample: int = 0,
        finish_reason: str | None = None,
        n_tokens: int | None = None,
        ttft_s: float | None = None,
        elapsed_s: float | None = None,
    ) -> str:
        """Keep what a contestant answered, raw, and return the answer's id.

        Args:
            contestant_id: Who.
            prompt_id: To what.
            text: The answer as it came.
            sample: How manyth answer to this prompt, counted from 0.
            finish_reason: `stop`, or `length` where it was cut off.
            n_tokens: Its length in tokens.
            ttft_s: Seconds until the first token.
            elapsed_s: Seconds until the last one.
        """
        text = storable(text)
        answer_id = answer_id_of(contestant_id, prompt_id, sample, text)
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO answers (id, contestant_id, prompt_id, sample, text, looks, finish_reason,"
                " n_tokens, ttft_s, elapsed_s, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (
                    answer_id,
                    contestant_id,
                    prompt_id,
                    sample,
                    text,
                    looks_of(text),
                    finish_reason,
                    n_tokens,
                    ttft_s,
                    elapsed_s,
                    now(),
                ),
            )
        return answer_id

    # Votes and runs

    def standing_votes(self, selection: Selection = EVERYTHING) -> list[VoteRow]:
        """Return the blind votes that stand, in the order they were cast: see `Ballots.standing_votes`."""
        return self.ballots.standing_votes(selection)

    def register_run(self, run_id: str, *, name: str, method: str, base_model: str, directory: str) -> None:
        """Note a training run, so that its contestants can be traced to it; once is enough."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO runs (id, name, method, base_model, directory, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (run_id, name, method, base_model, directory, now()),
            )

    def runs(self) -> list[RunRow]:
        """Return the runs that were noted, newest first."""
        found = self.rows(
            "SELECT id, name, method, base_model, directory, created_at FROM runs"
            " ORDER BY created_at DESC, id DESC"
        )
        return [RunRow(*row) for row in found]


def answer_id_of(contestant_id: str, prompt_id: str, sample: int, text: str) -> str:
    """Return the id of an answer, the same on every machine. `text` is storable."""
    return content_hash("answer", contestant_id, prompt_id, sample, text)


def looks_of(text: str) -> str:
    """Return a hash of how a text looks on a screen."""
    return content_hash(clean_text(text).strip())


def _chosen(sources: Collection[str] | None) -> tuple[str, list[str]]:
    names = sorted(NOT_DRAWN if sources is None else sources)
    which = f"source {'NOT ' if sources is None else ''}IN ({', '.join('?' * len(names))})"
    if sources is None:
        # What was asked in a chat is drawn once somebody has put it into the category of that name.
        which = f"({which} OR (source = 'chat' AND id IN {_TAKEN_FROM_CHATS}))"
    # "<> 'import'" lets SQLite use the partial index: a file may have named a million prompts.
    return f"FROM prompts WHERE source <> 'import' AND {which} ORDER BY rowid", names


def _contestant(row: Sequence[Any]) -> ContestantRow:
    contestant_id, name, spec_json, kind, model, run_id, created_at, hidden = row
    return ContestantRow(contestant_id, name, spec_json, kind, model, run_id, created_at, bool(hidden))
