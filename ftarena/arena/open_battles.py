"""What one labeler could be given now, kept between two questions about it.

With five contestants and 5,000 prompts there are 50,000 combinations; finding them anew for each battle took
0.15 s. They change only when an answer, a prompt or a contestant comes or goes, which the largest row numbers
tell.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ftarena.arena.sampling import Combination, Openings, Pool, pool
from ftarena.arena.settings import ArenaSettings
from ftarena.store import ContestantRow, LabelerKind, Store
from ftarena.store.ballots import Drawn
from ftarena.store.ids import iso

# Nothing is deleted, so that a count or the largest row number differs whenever something was added.
_VERSION = """
SELECT (SELECT coalesce(max(rowid), 0) FROM answers),
       (SELECT count(*) FROM prompts WHERE source <> 'import')
"""


RESTS = 10
"""An answer whose author a labeler was told is not shown again within so many of their battles, where there
are others."""

MOMENT = 3
"""Within so many it is never scored: the name is still on their mind."""


class OpenBattles:
    """The combinations that are open to one labeler.

    Args:
        store: The arena.
        labeler: For whom.
        kind: What the labeler is; judges share nothing with people.
        contestants: Returns who takes part now.
        sources: Sources of prompts to draw from; `None` is all but chats and imports.
    """

    def __init__(
        self,
        store: Store,
        labeler: str,
        kind: LabelerKind,
        contestants: Callable[[], list[ContestantRow]],
        sources: Collection[str] | None,
    ) -> None:
        self._store = store
        self._labeler = labeler
        self._kind = kind
        self._takes_part = contestants
        self._sources = sources
        self._version: tuple[object, ...] = ()
        self._looks: dict[tuple[str, str], str] = {}
        self.contestants: list[str] = []
        """Ids of who takes part."""

        self.prompts: frozenset[str] = frozenset()
        self.answers: Mapping[tuple[str, str], str] = {}
        """Answer ids by (prompt, contestant)."""

        self.pool = Pool((), frozenset())
        self.ready: frozenset[Combination] = frozenset()
        """What both have answered, and differently."""

        self.drawn: list[Drawn] = []
        """What this labeler has been given, repeats not among it, oldest first."""

        self.had: list[Combination] = []
        """The same as combinations."""

        self.resting: dict[Combination, int] = {}
        """What shows an answer whose author this labeler was told within their last `RESTS` battles, and how
        many battles ago that was."""

        self.taken: set[Combination] = set()
        """What as many others have as are wanted."""

    def look(self, settings: ArenaSettings) -> None:
        """Look again at what there is and who has what.

        Args:
            settings: How votes are collected now.
        """
        store = self._store
        ids = [row.id for row in self._takes_part()]
        [numbers] = store.rows(_VERSION)
        version = (*numbers, *ids)
        if version != self._version:
            first = store.first_answers()
            prompts = store.prompt_ids(self._sources)
            self.contestants, self.prompts = ids, frozenset(prompts)
            self.answers = {key: answer_id for key, (answer_id, _) in first.items()}
            self._looks = {key: looks for key, (_, looks) in first.items()}
            self.pool = pool(ids, prompts, self._looks)
            self.ready = frozenset(self.pool.ready)
            self._version = version
        self.drawn = [one for one in store.ballots.drawn(self._labeler) if one.repeat_of is None]
        self.had = [Combination.of(one.prompt_id, one.left_id, one.right_id) for one in self.drawn]
        self.taken = self._taken(settings)
        self.resting = {} if self._kind == "judge" else self._resting()

    @property
    def lacking(self) -> bool:
        """Whether answers are missing, so that more battles will come."""
        pairs = len(self.contestants) * (len(self.contestants) - 1) // 2
        return pairs * len(self.prompts) > len(self.ready) + len(self.pool.identical)

    def _resting(self) -> dict[Combination, int]:
        found: dict[Combination, int] = {}
        for ago, prompt_id, *told in self._store.ballots.told(self._labeler, RESTS):
            looks = {self._looks.get((prompt_id, one)) for one in told} - {None}
            # Who wrote the same as another was told along with them.
            known = [one for one in self.contestants if self._looks.get((prompt_id, one)) in looks]
            for one in known:
                for other in self.contestants:
                    key = Combination.of(prompt_id, one, other)
                    if key in self.ready:
                        found.setdefault(key, ago)  # the latest counts
        return found

    def rested(self, but: Collection[Combination] = ()) -> Sequence[Combination]:
        """Return what may be given now without showing an answer whose author was told a moment ago.

        Where all that is open shows one that was told lately, that will do if it is no moment ago.

        Args:
            but: What is left out besides.
        """
        found = self.open({*but, *self.resting})
        if found or not self.resting:
            return found
        return self.open({*but, *(key for key, ago in self.resting.items() if ago <= MOMENT)})

    def told_a_moment_ago(self, combination: Combination) -> bool:
        """Return whether a labeler still has in mind who wrote one of two answers."""
        return 0 < self.resting.get(combination, 0) <= MOMENT

    def _taken(self, settings: ArenaSettings) -> set[Combination]:
        if settings.overlap is None or self._kind == "judge":
            return set()
        since = datetime.now(UTC) - timedelta(minutes=settings.lease_minutes)
        held: dict[Combination, int] = {}
        for one in self._store.ballots.held_by_others(self._labeler, iso(since)):
            key = Combination.of(one.prompt_id, one.left_id, one.right_id)
            held[key] = held.get(key, 0) + one.labelers
        return {key for key, labelers in held.items() if labelers >= settings.overlap}

    def open(self, but: Collection[Combination] = ()) -> Sequence[Combination]:
        """Return what may be given now, in the order of the pool; a sampler reads one pair of it.

        Args:
            but: What is left out besides.
        """
        return Openings(self.pool, self.taken.union(self.had), but)
