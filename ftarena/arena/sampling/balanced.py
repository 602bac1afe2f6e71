"""Every pair and every prompt gets the same: the pair this labeler had least, then the prompt read least."""

import random
from collections import Counter

from ftarena.arena.sampling.outlook import Choice, Outlook


def balanced(outlook: Outlook, rng: random.Random) -> Choice | None:
    """Choose the pair that this labeler has had least, then the prompt that they have read least.

    Equals are drawn at random.
    """
    if not outlook.open:
        return None
    pairs_had = Counter(combination.pair for combination in outlook.had)
    prompts_had = Counter(combination.prompt_id for combination in outlook.had)
    fewest = min(pairs_had[combination.pair] for combination in outlook.open)
    pair = rng.choice(sorted({c.pair for c in outlook.open if pairs_had[c.pair] == fewest}))
    of_pair = [combination for combination in outlook.open if combination.pair == pair]
    fewest = min(prompts_had[combination.prompt_id] for combination in of_pair)
    return Choice(rng.choice([c for c in of_pair if prompts_had[c.prompt_id] == fewest]))
