"""Votes go where a verdict is nearest, and to prompts whose answers differ.

The pair is drawn by `chances`, the prompt by `kinds`. Prompts that nobody has read come first, because a
verdict counts a prompt once; one draw in ten is from all that is open, so that labelers meet each other and
their agreement can be measured also where everybody votes on everything. The boost of a draw makes good for
the preference among prompts; that among pairs needs none, for each pair is judged by its own votes.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from ftarena.arena.sampling.chances import pair_chances
from ftarena.arena.sampling.kinds import KINDS, decisive_shares, kind_boosts, kind_chances, kinds_of
from ftarena.arena.sampling.outlook import UNREAD, Choice, Outlook
from ftarena.arena.sampling.pool import Combination

MET: Final = 0.1
"""Share of draws from all that is open, read by others or not."""


def informative(outlook: Outlook, rng: random.Random) -> Choice | None:
    """Choose the pair that needs a vote most, then a prompt that tells most; never surely one."""
    openings = outlook.openings
    pairs = openings.pairs
    if not pairs:
        return None
    tallies = outlook.tallies()
    [pair] = rng.choices(pairs, pair_chances(pairs, tallies))
    read = tallies.get(pair, UNREAD).read
    kinds = kinds_of(openings.ready(pair), outlook.differing(pair))
    everything = openings.open(pair)
    unread = [prompt_id for prompt_id in everything if prompt_id not in read] or everything
    sizes, left, any_left = (_sizes(kinds, some) for some in (kinds, unread, everything))
    known = [prompt_id for prompt_id in read if prompt_id in kinds]
    decisive = _sizes(kinds, (prompt_id for prompt_id in known if read[prompt_id]))
    shares = decisive_shares(_sizes(kinds, known), decisive)
    chances = kind_chances(sizes, left, shares)
    if rng.random() < MET:
        prompt_id = rng.choice(everything)
    else:
        [wanted] = rng.choices(range(KINDS), chances)
        prompt_id = rng.choice([one for one in unread if kinds[one] == wanted])
    mixed = [
        MET * some / len(everything) + (1 - MET) * chance
        for some, chance in zip(any_left, chances, strict=True)
    ]
    boosts = kind_boosts(sizes, left, shares, mixed)
    return Choice(Combination(prompt_id, *pair), boosts[kinds[prompt_id]])


def _sizes(kinds: Mapping[str, int], prompts: Iterable[str]) -> list[int]:
    """Return how many prompts are of each kind."""
    counts = Counter(kinds[prompt_id] for prompt_id in prompts)
    return [counts[kind] for kind in range(KINDS)]
