"""How much two answers to a prompt differ, by how likely each model finds its own and the other's."""

from collections.abc import Mapping
from itertools import combinations

from ftarena.arena.sampling.pool import Combination
from ftarena.store import Store

_CROSS = """
SELECT a.prompt_id, a.contestant_id, p.contestant_id, p.logprob / p.n_tokens
FROM answer_logprobs p JOIN answers a ON a.id = p.answer_id AND a.sample = 0
"""


def differing(store: Store) -> Mapping[Combination, float]:
    """Return for each combination whose four log-probabilities are known how far the answers are apart.

    With answers a of A and b of B, in nats per token: [log p_A(a) − log p_B(a)] + [log p_B(b) − log
    p_A(b)], a sample of the two models' Jeffreys divergence on this prompt, and never below 0.
    """
    found: dict[str, dict[tuple[str, str], float]] = {}
    for prompt_id, author, reader, nats in store.rows(_CROSS):
        found.setdefault(prompt_id, {})[author, reader] = nats
    apart = {}
    for prompt_id, cross in found.items():
        authors = sorted({author for author, reader in cross if author == reader})
        for one, other in combinations(authors, 2):
            if (one, other) in cross and (other, one) in cross:
                gap = cross[one, one] - cross[one, other] + cross[other, other] - cross[other, one]
                apart[Combination(prompt_id, one, other)] = max(gap, 0.0)
    return apart
