"""How likely each contestant finds the answers of the others: what `differing` and the sampler go by.

Only contestants of one engine can be measured against each other: the base model and its adapters. Of other
servers nothing is known, and their prompts are drawn as they come. An answer that does not fit into the
engine's context is passed over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from ftarena.arena.contestants import contestant_of
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, served_name
from ftarena.serving.likelihood import Likelihood, Scoring, answer_likelihood, tokens_after_turn
from ftarena.serving.protocol import ContextExceeded
from ftarena.store import ContestantRow, Store
from ftarena.store.ids import now

_ANSWERS = """
SELECT a.prompt_id, a.contestant_id, a.id FROM answers a
WHERE a.sample = 0 AND a.id = (
    SELECT f.id FROM answers f
    WHERE f.prompt_id = a.prompt_id AND f.contestant_id = a.contestant_id AND f.sample = 0
    ORDER BY f.created_at, f.id LIMIT 1)
ORDER BY a.created_at, a.id
"""


class Unmeasured(NamedTuple):
    """An answer, and who has not been asked how likely it is."""

    answer_id: str
    reader: ContestantRow


class Measuring:
    """The log-probabilities that an arena lacks, and the asking for them.

    Args:
        store: The arena.
        contestants: Whose answers; `None` is everybody who can answer and is not hidden.
    """

    def __init__(self, store: Store, contestants: Sequence[ContestantRow] | None = None) -> None:
        self._store = store
        self._contestants = contestants
        self._passed_over: set[tuple[str, str]] = set()
        self._extra: dict[str, int] = {}

    def missing(self) -> list[Unmeasured]:
        """Return what is still to be measured, prompt by prompt, so that pairs are complete early."""
        rows = self._contestants
        if rows is None:
            rows = [row for row in self._store.contestants(include_hidden=False) if row.spec_json is not None]
        engine = {row.id: contestant_of(row).model for row in rows if not contestant_of(row).endpoint}
        readers = {row.id: row for row in rows if row.id in engine}
        done = set(self._store.rows("SELECT answer_id, contestant_id FROM answer_logprobs"))
        by_prompt: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for prompt_id, author, answer_id in self._store.rows(_ANSWERS):
            if author in engine:
                by_prompt.setdefault((prompt_id, engine[author]), []).append((author, answer_id))
        return [
            Unmeasured(answer_id, readers[reader])
            for answers in by_prompt.values()
            if len(answers) >= 2
            for _, answer_id in answers
            for reader, _ in answers
            if (answer_id, reader) not in done and (answer_id, reader) not in self._passed_over
        ]

    async def fill(
        self, client_for: Callable[[Contestant], Awaitable[Scoring]], *, limit: int | None = None
    ) -> int:
        """Measure, one after the other, each kept at once: answers that are being made come first.

        Args:
            client_for: Gives a client of the engine that serves a contestant.
            limit: Measure at most this many now.

        Returns:
            How many were measured.

        Raises:
            FtarenaError: The engine is gone, or cannot tell the log-probabilities of a given text.
        """
        made = 0
        for answer_id, reader in (await asyncio.to_thread(self.missing))[:limit]:
            contestant = contestant_of(reader)
            client = await client_for(contestant)
            if contestant.model not in self._extra:
                self._extra[contestant.model] = await tokens_after_turn(client)
            answer = await asyncio.to_thread(self._store.answer, answer_id)
            prompt = await asyncio.to_thread(self._store.prompt, answer.prompt_id if answer else "")
            if answer is None or prompt is None:
                raise FtarenaError(f"the answer {answer_id} is not in the arena", "see: ftarena prompts list")
            turns = [Message.model_validate(turn._asdict()) for turn in prompt.turns]
            try:
                found = await answer_likelihood(
                    client,
                    served_name(contestant),
                    contestant.messages(turns),
                    answer.text,
                    self._extra[contestant.model],
                )
            except ContextExceeded:
                self._passed_over.add((answer_id, reader.id))
                continue
            await asyncio.to_thread(self._keep, answer_id, reader, found)
            made += 1
        return made

    def _keep(self, answer_id: str, reader: ContestantRow, found: Likelihood) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO answer_logprobs (answer_id, contestant_id, logprob, n_tokens, created_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (answer_id, reader.id, found.logprob, found.n_tokens, now()),
            )
