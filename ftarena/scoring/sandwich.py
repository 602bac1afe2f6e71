"""How much the votes of one prompt, or of one labeler, say together: the middle of the sandwich H⁻¹ G H⁻¹.

G = Σ_c s_c s_cᵀ sums over clusters c, and s_c over the scores of the votes in it (Liang and Zeger 1986; White
1980 where every vote is its own cluster). On 8,931 real votes the standard error that takes votes as
independent was 18.6 rating points, and the one that takes prompts as clusters 30.5.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ftarena.scoring.coding import Floats, Ints
from ftarena.scoring.contrasts import Contrasts

BLOCK: Final = 2_000_000
"""Numbers in one dense block of cluster scores: 16 MB."""

FEW: Final = 12
"""Votes up to which a cluster is summed pair of votes by pair of votes: k votes cost k(k − 1)/2 small steps,
where a row of cluster scores costs as many as there are contestants."""


def cluster_meat(
    rows: Contrasts, residual: Floats, apart: Floats, kind: Ints, cluster: Ints, weight: Floats | None = None
) -> Floats:
    """Sum the outer products of the clusters' scores.

    Votes of one cell and outcome are of one kind. The score of a vote is its weight times `residual` times
    its kind's row of X, followed by `apart` for parameters that are not part of X (the logarithm of
    Davidson's ν).

    A million votes on 317,000 prompts are 1.6 million pairs of votes on the same prompt, but 32 million
    numbers as a table of prompts by contestants: so small clusters are summed by pairs (0.1 s), and only
    large ones by that table.

    Args:
        rows: A row of X for every kind of vote.
        residual: (n_kinds,) float64.
        apart: (n_kinds, n_apart) float64.
        kind: (n_votes,) int64, the kind of every vote.
        cluster: (n_votes,) int64, codes from 0.
        weight: (n_votes,) float64; None where all weigh 1.

    Returns:
        G, (width + n_apart, width + n_apart) float64.
    """
    votes = np.bincount(cluster)[cluster]
    small = votes <= FEW
    total = vote_meat(
        rows,
        residual,
        apart,
        np.bincount(kind[small], None if weight is None else weight[small] ** 2, len(residual)).astype(
            np.float64
        ),
    )
    code, scores = _sorted(rows, residual, apart, kind, cluster, weight, small & (votes > 1))
    total += _meat_of_pairs(*scores, code)
    code, scores = _sorted(rows, residual, apart, kind, cluster, weight, ~small)
    place = np.cumsum(np.diff(code, prepend=code[:1]) > 0)
    n_clusters = int(place[-1]) + 1 if len(place) else 0
    per_block = max(1, BLOCK // max(len(total), 1))
    for first in range(0, n_clusters, per_block):
        last = min(first + per_block, n_clusters)
        part = slice(*np.searchsorted(place, [first, last]))
        score = _scores(*_take(*scores, part), place[part] - first, last - first)
        total += score.T @ score
    return total


def vote_meat(rows: Contrasts, residual: Floats, apart: Floats, counts: Floats) -> Floats:
    """The same sum with every vote a cluster of its own, from votes that were counted.

    Args:
        rows: A row of X for every kind of vote (a cell and an outcome).
        residual: (n_kinds,) float64.
        apart: (n_kinds, n_apart) float64.
        counts: (n_kinds,) float64, votes of the kind; with weights, the sum of their squares.

    Returns:
        G, (width + n_apart, width + n_apart) float64.
    """
    root = np.sqrt(counts)
    return _meat_of_single_votes(rows, residual * root, apart * root[:, None])


def _sorted(
    rows: Contrasts,
    residual: Floats,
    apart: Floats,
    kind: Ints,
    cluster: Ints,
    weight: Floats | None,
    which: npt.NDArray[np.bool_],
) -> tuple[Ints, tuple[Contrasts, Floats, Floats]]:
    """Some of the votes by cluster: their clusters, and the parts of their scores."""
    bits = len(residual).bit_length()
    if weight is None:
        # Sorting numbers that hold both is three times as fast as an argsort and what it would pick.
        mixed = np.sort((cluster[which] << bits) | kind[which])
        return mixed >> bits, _take(rows, residual, apart, mixed & ((1 << bits) - 1))
    places = np.flatnonzero(which)
    places = places[np.argsort(cluster[places], kind="stable")]
    taken, own, own_apart = _take(rows, residual, apart, kind[places])
    return cluster[places], (taken, own * weight[places], own_apart * weight[places][:, None])


def _take(
    rows: Contrasts, residual: Floats, apart: Floats, which: Ints | slice
) -> tuple[Contrasts, Floats, Floats]:
    taken = Contrasts(rows.size, rows.left[which], rows.right[which], rows.extra[which])
    return taken, residual[which], apart[which]


def _meat_of_pairs(rows: Contrasts, residual: Floats, apart: Floats, code: Ints) -> Floats:
    """Sum the products of the scores of different votes of the same cluster; `code` is ascending."""
    size, width = rows.size, rows.width + apart.shape[1]
    met = np.zeros(size * size)
    earlier = np.arange(len(code))
    for apart_by in range(1, FEW):
        earlier = earlier[earlier + apart_by < len(code)]
        earlier = earlier[code[earlier] == code[earlier + apart_by]]
        if len(earlier) == 0:
            break
        later = earlier + apart_by
        product = residual[earlier] * residual[later]
        left, right = rows.left[earlier] * size, rows.right[earlier] * size
        other_left, other_right = rows.left[later], rows.right[later]
        met += np.bincount(left + other_left, product, size * size)
        met += np.bincount(right + other_right, product, size * size)
        met -= np.bincount(left + other_right, product, size * size)
        met -= np.bincount(right + other_left, product, size * size)
    total = np.zeros((width, width))
    total[:size, :size] = met.reshape(size, size) + met.reshape(size, size).T
    common = np.concatenate([rows.extra * residual[:, None], apart], axis=1)
    if common.shape[1] and len(code):
        start = np.flatnonzero(np.diff(code, prepend=code[0] - 1))
        length = np.diff(np.append(start, len(code)))
        # Of a vote's fellows: what the cluster sums to without it.
        fellows = np.add.reduceat(common, start).repeat(length, axis=0) - common
        for place, column in enumerate(fellows.T):
            gained = np.bincount(rows.left, residual * column, size)
            gained -= np.bincount(rows.right, residual * column, size)
            total[:size, size + place] = total[size + place, :size] = gained
        total[size:, size:] = common.T @ fellows
    return total


def _meat_of_single_votes(rows: Contrasts, residual: Floats, apart: Floats) -> Floats:
    width = rows.width
    total = np.zeros((width + apart.shape[1],) * 2)
    total[:width, :width] = rows.information(residual**2)
    for place in range(apart.shape[1]):
        column = rows.transposed(residual * apart[:, place])
        total[:width, width + place] = column
        total[width + place, :width] = column
    total[width:, width:] = apart.T @ apart
    return total


def _scores(rows: Contrasts, residual: Floats, apart: Floats, place: Ints, n_clusters: int) -> Floats:
    """(n_clusters, width + n_apart) float64: the clusters' summed scores."""
    size = rows.size
    flat = np.bincount(place * size + rows.left, residual, n_clusters * size)
    flat -= np.bincount(place * size + rows.right, residual, n_clusters * size)
    common = np.concatenate([rows.extra * residual[:, None], apart], axis=1)
    columns = [np.bincount(place, column, n_clusters) for column in common.T]
    return np.column_stack([flat.reshape(n_clusters, size), *columns])
