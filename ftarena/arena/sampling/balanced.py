"""Every pair and every prompt gets the same: the pair this labeler had least, then the prompt read least."""

import random
from collections import Counter

from ftarena.arena.sampling.outlook import Choice, Outlook
from ftarena.arena.sampling.pool import Combination


def balanced(outlook: Outlook, rng: random.Random) -> Choice | None:
    """Choose the pair that this labeler has had least, then the prompt that they have read least.

    Equals are drawn at random.
    """
    openings = outlook.openings
    if not openings.pairs:
        return None
    pairs_had = Counter(combination.pair for combination in outlook.had)
    prompts_had = Counter(combination.prompt_id for combination in outlook.had)
    fewest = min(pairs_had[pair] for pair in openings.pairs)
    pair = rng.choice([pair for pair in openings.pairs if pairs_had[pair] == fewest])
    prompts = openings.open(pair)
    fewest = min(prompts_had[prompt_id] for prompt_id in prompts)
    prompt_id = rng.choice([prompt_id for prompt_id in prompts if prompts_had[prompt_id] == fewest])
    return Choice(Combination(prompt_id, *pair))
