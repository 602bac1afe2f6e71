"""Which battle comes next. No database, no clock: everything a sampler may look at is an `Outlook`.

`uniform` draws any combination that is open, `balanced` evens out pairs and prompts, `informative` spends
votes where a verdict is least certain. Which side an answer stands on is drawn elsewhere, for each battle
anew.

Nothing here knows who is called what: exchange two contestants, and their chances are exchanged.
"""

from ftarena.arena.sampling.balanced import balanced
from ftarena.arena.sampling.informative import informative
from ftarena.arena.sampling.outlook import Choice, Outlook, Sampler, Tally
from ftarena.arena.sampling.pool import Combination, Openings, Pair, Pool, pool, sides
from ftarena.arena.sampling.uniform import uniform

SAMPLERS: dict[str, Sampler] = {"uniform": uniform, "balanced": balanced, "informative": informative}
"""Every sampler by its name in the settings."""

__all__ = [
    "SAMPLERS",
    "Choice",
    "Combination",
    "Openings",
    "Outlook",
    "Pair",
    "Pool",
    "Sampler",
    "Tally",
    "balanced",
    "informative",
    "pool",
    "sides",
    "uniform",
]
