"""How much two answers to a prompt differ, by how likely each model finds its own and the other's."""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from ftarena.arena.sampling.pool import Pair
from ftarena.store import Store

# With answers a of A and b of B: log p_A(a), log p_B(a), log p_A(b), log p_B(b), each a token.
_CROSS = """
SELECT a.prompt_id, (aa.logprob - ab.logprob) / aa.n_tokens + (bb.logprob - ba.logprob) / bb.n_tokens
FROM answers a
JOIN answers b ON b.prompt_id = a.prompt_id AND b.contestant_id = ? AND b.sample = 0
JOIN answer_logprobs aa ON aa.answer_id = a.id AND aa.contestant_id = a.contestant_id
JOIN answer_logprobs ab ON ab.answer_id = a.id AND ab.contestant_id = b.contestant_id
JOIN answer_logprobs bb ON bb.answer_id = b.id AND bb.contestant_id = b.contestant_id
JOIN answer_logprobs ba ON ba.answer_id = b.id AND ba.contestant_id = a.contestant_id
WHERE a.contestant_id = ? AND a.sample = 0
"""

_known: "WeakKeyDictionary[Store, dict[Pair, tuple[int, Mapping[str, float]]]]" = WeakKeyDictionary()


def differing(store: Store, pair: Pair) -> Mapping[str, float]:
    """Return by prompt how far the answers of two contestants are apart, where all four numbers are known.

    With answers a of A and b of B, in nats per token: [log p_A(a) − log p_B(a)] + [log p_B(b) − log
    p_A(b)], a sample of the two models' Jeffreys divergence on this prompt, and never below 0. It is the
    same whoever is called A.

    Args:
        store: The arena.
        pair: Ids of the contestants.
    """
    [(measured,)] = store.rows("SELECT count(*) FROM answer_logprobs WHERE contestant_id IN (?, ?)", pair)
    cache = _known.setdefault(store, {})
    found = cache.get(pair)
    # Measuring goes on while people vote; 2 % more change no draw worth reading 10,000 rows again.
    if found is None or measured - found[0] > found[0] // 50:
        rows = store.rows(_CROSS, (pair[1], pair[0]))
        found = cache[pair] = measured, {prompt_id: max(apart, 0.0) for prompt_id, apart in rows}
    return found[1]
