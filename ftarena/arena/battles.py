"""Blind battles for one labeler: draw, show, vote, take back, and only then who was who.

What goes to a screen before the vote is a `BlindBattle`, which holds a prompt and two texts and nothing else:
no name, no length, no speed. A battle is committed before it is returned: what was shown is never in doubt,
and whoever is interrupted finds the same battle again, with the same sides.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ftarena.arena.contestants import who_takes_part
from ftarena.arena.draw import Combination, Pool, draw, pool
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message
from ftarena.store import OUTCOMES, BattleRow, ContestantRow, NamesShown, Outcome, Store


class AlreadyDecidedError(FtarenaError):
    """This labeler has voted on the battle, or skipped it, and has not taken that back."""


@dataclass(frozen=True, slots=True)
class BlindBattle:
    """All that a labeler may know before the vote. Texts are raw: clean them where they are shown."""

    id: str
    messages: tuple[Message, ...]
    """The prompt's turns."""

    left: str
    """The answer on the left."""

    right: str
    number: int
    """How manyth battle of this labeler it is, from 1."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Who was who, for after the vote."""

    left: str
    """Name of the contestant that was on the left."""

    right: str
    outcome: Outcome
    left_tokens: int | None
    """Length of the left answer in tokens."""

    right_tokens: int | None

    @property
    def winner(self) -> str | None:
        """Name of the contestant that was found better, or `None`."""
        return {"left": self.left, "right": self.right}.get(self.outcome)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a labeler is. Counts what these contestants and prompts give, not other battles of theirs."""

    labeler: str
    voted: int
    planned: int
    """Battles there are when every answer has been made; known identical ones are not among them."""

    ready: int
    """Battles that could be shown now, the open one included."""

    identical: int
    """Combinations left out because both answers look the same."""

    skipped: int


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """One side of a blind chat exchange."""

    contestant: str
    """Its name in the store."""

    text: str
    n_tokens: int | None = None
    finish_reason: str | None = None
    history: tuple[Message, ...] | None = None
    """What this side was really sent, the last user turn included, where that is not the common conversation
    (in a longer chat each side sees its own earlier answers)."""


class Arena:
    """The battles of one labeler. Safe to have several of at once, also in several processes.

    Args:
        store: Where battles and votes are kept.
        labeler: Who votes.
        contestants: Names of who takes part; `None` is everybody who can answer and is not hidden, also those
            added later.
        prompts: Source or sources of prompts to draw from; `None` is all but chats and imports.
        rng: Where chance comes from; give a seeded one to repeat a session.
        names_shown: When this labeler is told the names; kept with each vote, since it may matter later.

    Raises:
        FtarenaError: A contestant is unknown or cannot answer.
    """

    def __init__(
        self,
        store: Store,
        *,
        labeler: str,
        contestants: Sequence[str] | None = None,
        prompts: str | Collection[str] | None = None,
        rng: random.Random | None = None,
        names_shown: NamesShown = "after",
    ) -> None:
        if not labeler.strip():
            raise FtarenaError("a labeler needs a name", "give one with --labeler NAME")
        self.labeler = labeler
        self.names_shown = names_shown
        self._store = store
        self._ballots = store.ballots
        self._names = None if contestants is None else tuple(dict.fromkeys(contestants))
        self._sources = {prompts} if isinstance(prompts, str) else prompts
        self._rng = rng or random.SystemRandom()
        self.contestants()

    def contestants(self) -> list[ContestantRow]:
        """Return who takes part now.

        Raises:
            FtarenaError: One that was asked for is unknown or cannot answer, or only one was.
        """
        return who_takes_part(self._store, self._names)

    def next(self) -> BlindBattle | None:
        """Return the battle to decide now: one left open, else a new one, already committed.

        Returns:
            `None` where nothing is ready, be it that all is done or that answers are still being made;
            `progress` tells which.
        """
        with self._store.transaction():  # two front ends of one labeler must not draw two battles
            allowed = {row.name for row in self.contestants()}
            for battle in self._ballots.open_battles(self.labeler):
                if battle.left in allowed and battle.right in allowed:
                    return self._blind(battle)
            answers, found, had = self._situation()
            drawn = draw(found.ready, had, self._rng)
            if drawn is None:
                return None
            battle_id = self._ballots.add_battle(
                self.labeler,
                prompt_id=drawn.prompt_id,
                left=(drawn.left, answers[drawn.prompt_id, drawn.left]),
                right=(drawn.right, answers[drawn.prompt_id, drawn.right]),
            )
        return self._blind(self._own(battle_id))

    def vote(self, battle_id: str, outcome: Outcome, *, elapsed_ms: int, before_end: bool = False) -> None:
        """Cast a vote. It stands until it is taken back with `undo`.

        Args:
            battle_id: A battle of this labeler.
            outcome: Which answer is better.
            elapsed_ms: From the first token shown to the key press.
            before_end: Whether an answer was still being written.

        Raises:
            FtarenaError: The battle is somebody else's or unknown; `AlreadyDecidedError`: it is decided.
        """
        if outcome not in OUTCOMES:
            raise FtarenaError(f"{outcome!r} is no vote", f"one of {', '.join(OUTCOMES)}")
        with self._store.transaction():
            self._undecided(battle_id)
            self._ballots.add_event(
                battle_id,
                self.labeler,
                "vote",
                outcome=outcome,
                elapsed_ms=max(elapsed_ms, 0),
                before_end=before_end,
                names_shown=self.names_shown,
            )

    def skip(self, battle_id: str, reason: str = "") -> None:
        """Leave a battle undecided; it does not come back unless the skip is taken back with `undo`.

        Raises:
            FtarenaError: The battle is somebody else's or unknown; `AlreadyDecidedError`: it is decided.
        """
        with self._store.transaction():
            self._undecided(battle_id)
            self._ballots.add_event(battle_id, self.labeler, "skip", text=reason or None)

    def comment(self, battle_id: str, text: str) -> None:
        """Note something about a battle, before or after the vote. An empty comment is none.

        Raises:
            FtarenaError: The battle is somebody else's or unknown.
        """
        self._own(battle_id)
        if text.strip():
            self._ballots.add_event(battle_id, self.labeler, "comment", text=text)

    def undo(self) -> BlindBattle | None:
        """Take back this labeler's last vote or skip that stands, and return its battle, open again.

        Returns:
            `None` where there is nothing to take back.
        """
        with self._store.transaction():
            last = self._ballots.last_standing(self.labeler)
            if last is None:
                return None
            self._ballots.add_event(last.battle_id, self.labeler, "undo", target_id=last.event_id)
        return self._blind(self._own(last.battle_id))

    def names_seen(self, battle_id: str) -> bool:
        """Return whether this labeler has been told a battle's names by a vote that they took back.

        A new vote on it is then kept, but is not blind: it is neither scored nor made into a preference pair.
        """
        return self._ballots.names_seen(battle_id, self.labeler)

    def reveal(self, battle_id: str) -> Reveal:
        """Return who was who.

        Raises:
            FtarenaError: No vote of this labeler stands on it.
        """
        battle = self._own(battle_id)
        ballot = self._ballots.standing(battle_id, self.labeler)
        if ballot is None or ballot.outcome is None:
            raise FtarenaError("the names are shown after the vote only", "vote first")
        left, right = (
            self._store.answer(answer or "") for answer in (battle.left_answer_id, battle.right_answer_id)
        )
        return Reveal(
            left=battle.left,
            right=battle.right,
            outcome=ballot.outcome,
            left_tokens=left.n_tokens if left else None,
            right_tokens=right.n_tokens if right else None,
        )

    def progress(self) -> Progress:
        """Return how far this labeler is."""
        contestants = [row.id for row in self.contestants()]
        prompts = set(self._store.prompt_ids(self._sources))
        _, found, _ = self._situation()
        ours = [
            drawn
            for drawn in self._ballots.drawn(self.labeler)
            if drawn.left_id in contestants and drawn.right_id in contestants and drawn.prompt_id in prompts
        ]
        closed = {
            Combination.of(drawn.prompt_id, drawn.left_id, drawn.right_id): drawn.standing
            for drawn in ours
            if drawn.standing is not None
        }
        states = list(closed.values())
        pairs = len(contestants) * (len(contestants) - 1) // 2
        return Progress(
            labeler=self.labeler,
            voted=states.count("vote"),
            planned=pairs * len(prompts) - len(found.identical),
            ready=sum(combination not in closed for combination in found.ready),
            identical=len(found.identical),
            skipped=states.count("skip"),
        )

    def record_chat_battle(
        self, turns: Sequence[Message], left: ChatAnswer, right: ChatAnswer
    ) -> BlindBattle:
        """Make a battle of a blind chat exchange, as it was shown; then `vote` on it like on any other.

        Args:
            turns: The conversation up to and with the last user turn. Where the two sides have grown apart
                (`history`), the user's own turns of it are what is kept.
            left: The answer on the left. Who is on the left must have been drawn by chance.
            right: The answer on the right.

        Raises:
            FtarenaError: A contestant is not in the store, or both are the same.
        """
        histories = [tuple(turns) if side.history is None else side.history for side in (left, right)]
        apart = histories[0] != histories[1]
        common = [turn for turn in turns if turn.role == "user"] if apart else histories[0]
        with self._store.transaction():
            [prompt_id] = self._store.add_prompts(
                [([(turn.role, turn.content) for turn in common], None)], "chat-apart" if apart else "chat"
            )
            sides = [self._keep(prompt_id, side) for side in (left, right)]
            if sides[0][0] == sides[1][0]:
                raise FtarenaError(f"{left.contestant!r} cannot meet itself", "choose another one for a side")
            battle_id = self._ballots.add_battle(
                self.labeler, prompt_id=prompt_id, left=sides[0], right=sides[1], origin="chat"
            )
        return self._blind(self._own(battle_id))

    def _keep(self, prompt_id: str, side: ChatAnswer) -> tuple[str, str]:
        row = self._store.contestant(side.contestant)
        if row is None:
            raise FtarenaError(f"there is no contestant {side.contestant!r}", "add it before the vote")
        # Never number 0: that is the one which arena battles are made of, and this one has been read.
        sample = max(self._store.next_sample(row.id, prompt_id), 1)
        answer_id = self._store.add_answer(
            row.id,
            prompt_id,
            side.text,
            sample=sample,
            finish_reason=side.finish_reason,
            n_tokens=side.n_tokens,
        )
        return row.id, answer_id

    def _situation(self) -> tuple[dict[tuple[str, str], str], Pool, list[Combination]]:
        """Return the answers by (prompt, contestant), what could be drawn, and what this labeler has had."""
        first = self._store.first_answers()
        prompts = self._store.prompt_ids(self._sources)
        contestants = [row.id for row in self.contestants()]
        found = pool(contestants, prompts, {key: looks for key, (_, looks) in first.items()})
        had = [
            Combination.of(drawn.prompt_id, drawn.left_id, drawn.right_id)
            for drawn in self._ballots.drawn(self.labeler)
        ]
        return {key: answer_id for key, (answer_id, _) in first.items()}, found, had

    def _own(self, battle_id: str) -> BattleRow:
        battle = self._ballots.battle(battle_id)
        if battle is None or battle.labeler != self.labeler or battle.left_answer_id is None:
            raise FtarenaError(f"{self.labeler} has no battle {battle_id}", "vote on the one that is shown")
        return battle

    def _undecided(self, battle_id: str) -> None:
        self._own(battle_id)
        if self._ballots.standing(battle_id, self.labeler) is not None:
            raise AlreadyDecidedError("this battle is decided already", "take it back first with u")

    def _blind(self, battle: BattleRow) -> BlindBattle:
        prompt = self._store.prompt(battle.prompt_id or "")
        left = self._store.answer(battle.left_answer_id or "")
        right = self._store.answer(battle.right_answer_id or "")
        if prompt is None or left is None or right is None:
            raise RuntimeError(f"battle {battle.id} lacks its prompt or an answer, which the schema forbids")
        return BlindBattle(
            id=battle.id,
            messages=tuple(Message.model_validate(turn._asdict()) for turn in prompt.turns),
            left=left.text,
            right=right.text,
            number=self._ballots.number(battle.id, self.labeler),
        )
