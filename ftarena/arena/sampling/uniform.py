"""Any battle is as likely as any other: the plain reference that the other samplers are measured against."""

import random

from ftarena.arena.sampling.outlook import Choice, Outlook


def uniform(outlook: Outlook, rng: random.Random) -> Choice | None:
    """Draw one of the open combinations, all with the same chance."""
    openings = outlook.openings
    return Choice(rng.choice(openings)) if openings.pairs else None
