"""Blind battles for one labeler: draw, show, vote, take back, and only then who was who.

What goes to a screen before the vote is a `BlindBattle`, which holds a prompt and two texts and nothing else:
no name, no length, no speed. A battle is committed before it is returned: what was shown is never in doubt,
and whoever is interrupted finds the same battle again, with the same sides.
"""

import random
from collections.abc import Collection, Sequence

from ftarena.arena.blindness.telling import telling
from ftarena.arena.contestants import who_takes_part
from ftarena.arena.open_battles import OpenBattles
from ftarena.arena.questions.differing import differing
from ftarena.arena.records import TOLD, AlreadyDecidedError, BlindBattle, ChatAnswer, Progress, Reveal, Told
from ftarena.arena.sampling import SAMPLERS, Combination, Outlook, sides
from ftarena.arena.settings import read_settings
from ftarena.arena.tallies import tallies
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message
from ftarena.store import OUTCOMES, BattleRow, ContestantRow, LabelerKind, NamesShown, Outcome, Store

__all__ = ["AlreadyDecidedError", "Arena", "BlindBattle", "ChatAnswer", "Progress", "Reveal", "Told"]

_REPEAT_AFTER = 5
"""A battle is shown again, with its sides swapped, after this many others at the earliest."""

_LEAKS_AT_ONCE = 20
"""How many battles that give themselves away are put aside while one is drawn; then one of them is given."""

_MIRRORED: dict[Outcome | None, Outcome] = {
    "left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad",
}  # fmt: skip


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
            `None` is what the arena's settings say.
        kind: What the labeler is: a person, or a judge.

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
        names_shown: NamesShown | None = None,
        kind: LabelerKind = "human",
    ) -> None:
        if not labeler.strip():
            raise FtarenaError("a labeler needs a name", "give one with --labeler NAME")
        self.labeler = labeler
        self.settings = read_settings(store)
        self._names_shown = names_shown
        self._kind: LabelerKind = kind
        self._store = store
        self._ballots = store.ballots
        self._names = None if contestants is None else tuple(dict.fromkeys(contestants))
        self._sources = {prompts} if isinstance(prompts, str) else prompts
        self._rng = rng or random.SystemRandom()
        self._giveaways: dict[tuple[str, str], str | None] = {}
        self._leaked: set[Combination] = set()
        self._open = OpenBattles(store, labeler, kind, self.contestants, self._sources)
        if (known := store.ballots.labelers().get(labeler, kind)) != kind:
            raise FtarenaError(
                f"{labeler!r} is a {'judge' if known == 'judge' else 'person'} in this arena",
                "votes of people and of judges are never mixed: take another name",
            )
        self.contestants()

    @property
    def names_shown(self) -> NamesShown:
        """When this labeler is told the names: as the arena's settings say, or as it was asked for here."""
        return self._names_shown or self.settings.names

    @names_shown.setter
    def names_shown(self, names: NamesShown) -> None:
        self._names_shown = names

    def follow_settings(self) -> None:
        """Read anew how votes are collected; `next` does so by itself."""
        self.settings = read_settings(self._store)

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
            self.follow_settings()
            allowed = {row.name for row in self.contestants()}
            self._open.look(self.settings)
            for battle in self._ballots.open_battles(self.labeler):
                if battle.left in allowed and battle.right in allowed and not self._given_away(battle):
                    return self._blind(battle)
            left_over = self._open.rested(self._leaked)
            if not left_over and self._open.lacking and len(self._open.open(self._leaked)):
                return None  # an answer told a moment ago waits until others have been made
            battle_id = (self._repeat() if left_over else None) or self._draw(left_over)
            return None if battle_id is None else self._blind(self._own(battle_id))

    def _given_away(self, battle: BattleRow) -> bool:
        """Return whether others have decided an open battle since its lease ran out."""
        if battle.repeat_of is not None:
            return False
        ids = {row.name: row.id for row in self.contestants()}
        combination = Combination.of(battle.prompt_id or "", ids[battle.left], ids[battle.right])
        return combination in self._open.taken

    def _draw(self, left_over: Sequence[Combination]) -> str | None:
        """Commit a new battle and return its id; one in which an answer gives itself away only at the end.

        Args:
            left_over: What may be drawn and is not known to give itself away.
        """
        put_aside = 0
        while left_over and put_aside < _LEAKS_AT_ONCE:
            choice = SAMPLERS[self.settings.sampler](
                Outlook(
                    open=left_over,
                    had=self._open.had,
                    tallies=lambda: tallies(self._store),
                    differing=lambda pair: differing(self._store, pair),
                ),
                self._rng,
            )
            if choice is None:
                break
            if self._leak(choice.combination) is None:
                return self._commit(choice.combination, choice.boost)
            self._leaked.add(choice.combination)
            put_aside += 1
            left_over = self._open.rested(self._leaked)
        told = self._open.open(self._leaked)
        if told and not self._open.lacking:
            longest = max(self._open.resting.get(one, 0) for one in told)
            return self._commit(
                self._rng.choice([one for one in told if self._open.resting.get(one, 0) == longest])
            )
        leaked = [combination for combination in self._open.open() if combination in self._leaked]
        return self._commit(self._rng.choice(leaked)) if leaked else None

    def _commit(self, drawn: Combination, boost: float = 1.0) -> str:
        left, right = sides(drawn, self._rng)
        return self._ballots.add_battle(
            self.labeler,
            prompt_id=drawn.prompt_id,
            left=(left, self._open.answers[drawn.prompt_id, left]),
            right=(right, self._open.answers[drawn.prompt_id, right]),
            kind=self._kind,
            leaked=self._leak(drawn) or (TOLD if self._open.told_a_moment_ago(drawn) else None),
            boost=boost,
        )

    def _leak(self, drawn: Combination) -> str | None:
        for one in drawn.pair:
            key = drawn.prompt_id, one
            if key not in self._giveaways:
                self._giveaways[key] = telling(self._store, self._open.answers[key])
            if (found := self._giveaways[key]) is not None:
                return found
        return None

    def _repeat(self) -> str | None:
        """Commit, once in a while, a battle that this labeler decided before, with the sides swapped."""
        if self._kind == "judge" or self._rng.random() >= self.settings.attention:
            return None
        drawn = self._ballots.drawn(self.labeler)
        repeated = {one.repeat_of for one in drawn}
        takes_part = set(self._open.contestants)
        decided = [
            one
            for one in drawn[:-_REPEAT_AFTER]
            if one.standing == "vote"
            and one.repeat_of is None
            and one.battle_id not in repeated
            and {one.left_id, one.right_id} <= takes_part
        ]
        if not decided:
            return None
        chosen = self._rng.choice(decided)
        first = self._own(chosen.battle_id)
        return self._ballots.add_battle(
            self.labeler,
            prompt_id=chosen.prompt_id,
            left=(chosen.right_id, first.right_answer_id or ""),
            right=(chosen.left_id, first.left_answer_id or ""),
            repeat_of=first.id,
            leaked=first.leaked,
        )

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

    def by_criterion(self, battle_id: str, criterion: str, outcome: Outcome) -> None:
        """Add to a vote that stands which answer is better by one criterion; the last word on it counts.

        Raises:
            FtarenaError: The battle is somebody else's or unknown, no vote stands on it, or the criterion
                is none of the arena's.
        """
        if outcome not in OUTCOMES:
            raise FtarenaError(f"{outcome!r} is no vote", f"one of {', '.join(OUTCOMES)}")
        if criterion not in self.settings.criteria:
            raise FtarenaError(
                f"{criterion!r} is no criterion here",
                f"one of {', '.join(self.settings.criteria)}"
                if self.settings.criteria
                else "set some: ftarena arena set criteria=helpful,correct",
            )
        self._ballots.add_detail(self._standing_vote(battle_id), criterion, outcome=outcome)

    def by_strength(self, battle_id: str, strength: int) -> None:
        """Add to a vote that stands how clear the preference is, 1 (barely) to 5 (by far).

        Raises:
            FtarenaError: The battle is somebody else's or unknown, no vote stands on it, or it is no such
                number.
        """
        if strength not in range(1, 6):
            raise FtarenaError(f"a preference cannot be {strength} clear", "1 (barely) to 5 (by far)")
        self._ballots.add_detail(self._standing_vote(battle_id), "strength", strength=strength)

    def _standing_vote(self, battle_id: str) -> str:
        self._own(battle_id)
        ballot = self._ballots.standing(battle_id, self.labeler)
        if ballot is None or ballot.kind != "vote":
            raise FtarenaError("there is no vote on this battle to add to", "vote first")
        return ballot.event_id

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

    def undo(self, *, untold: str | None = None) -> BlindBattle | None:
        """Take back this labeler's last vote or skip that stands, and return its battle, open again.

        Args:
            untold: A battle whose names were not told yet, although they will be after each vote: a new
            vote on
                it is as blind as the first.

        Returns:
            `None` where there is nothing to take back.
        """
        with self._store.transaction():
            last = self._ballots.last_standing(self.labeler)
            if last is None:
                return None
            self._ballots.add_event(
                last.battle_id,
                self.labeler,
                "undo",
                target_id=last.event_id,
                names_shown="never" if last.battle_id == untold else None,
            )
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
            left_s=left.elapsed_s if left else None,
            right_s=right.elapsed_s if right else None,
        )

    def told(self, battle_id: str) -> Told:
        """Return what a labeler may be told right after their vote, as `names_shown` has it.

        Raises:
            FtarenaError: No vote of this labeler stands on it.
        """
        reveal = self.reveal(battle_id)
        battle = self._own(battle_id)
        agreed = None
        if battle.repeat_of is not None and self.names_shown != "never":
            first = self._ballots.standing(battle.repeat_of, self.labeler)
            if first is not None and first.outcome is not None:
                agreed = _MIRRORED[first.outcome] == reveal.outcome
        return Told(
            reveal=reveal if self.names_shown == "after" else None,
            leaked=battle.leaked,
            agreed=agreed,
        )

    def progress(self) -> Progress:
        """Return how far this labeler is."""
        now = self._open
        now.look(self.settings)
        takes_part = set(now.contestants)
        closed = {
            combination: drawn.standing
            for combination, drawn in zip(now.had, now.drawn, strict=True)
            if drawn.standing is not None
            and drawn.prompt_id in now.prompts
            and takes_part.issuperset(combination.pair)
        }
        states = list(closed.values())
        # Where nothing may tell a repeat, a vote on one moves the number that is shown like any other.
        repeats = self._ballots.repeats(self.labeler) if self.names_shown == "never" else 0
        pairs = len(takes_part) * (len(takes_part) - 1) // 2
        taken = now.taken - closed.keys()
        return Progress(
            labeler=self.labeler,
            voted=states.count("vote") + repeats,
            planned=pairs * len(now.prompts) - len(now.pool.identical) - len(taken) + repeats,
            ready=len(now.ready) - len(now.ready & (taken | closed.keys())),
            identical=len(now.pool.identical),
            skipped=states.count("skip"),
            resting=sum(
                now.told_a_moment_ago(key) for key in now.resting if key not in closed and key not in taken
            ),
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
                self.labeler,
                prompt_id=prompt_id,
                left=sides[0],
                right=sides[1],
                origin="chat",
                leaked=telling(self._store, sides[0][1]) or telling(self._store, sides[1][1]),
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
