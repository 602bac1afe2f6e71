"""How much the votes of one prompt, or of one labeler, say together: the middle of the sandwich H⁻¹ G H⁻¹.

G = Σ_c s_c s_cᵀ sums over clusters c, and s_c over the scores of the votes in it (Liang and Zeger 1986; White
1980 where every vote is its own cluster). On 8,931 real votes the standard error that takes votes as
independent was 18.6 rating points, and the one that takes prompts as clusters 30.5.
"""

from typing import Final

import numpy as np

from ftarena.scoring.coding import Floats, Ints
from ftarena.scoring.contrasts import Contrasts

BLOCK: Final = 2_000_000
"""Numbers in one dense block of cluster scores: 16 MB."""


def cluster_meat(rows: Contrasts, residual: Floats, apart: Floats, cluster: Ints) -> Floats:
    """Sum the outer products of the clusters' scores.

    The score of a vote is `residual` times its row of X, followed by `apart` for parameters that are not part
    of X (the logarithm of Davidson's ν).

    Args:
        rows: The votes' rows of X.
        residual: (n_votes,) float64.
        apart: (n_votes, n_apart) float64.
        cluster: (n_votes,) int64, codes from 0.

    Returns:
        G, (width + n_apart, width + n_apart) float64.
    """
    lonely = np.bincount(cluster)[cluster] == 1
    total = _meat_of_single_votes(_take(rows, lonely), residual[lonely], apart[lonely])
    together = np.flatnonzero(~lonely)
    if len(together) == 0:
        return total
    together = together[np.argsort(cluster[together])]
    rows, residual, apart = _take(rows, together), residual[together], apart[together]
    code = cluster[together]
    place = np.concatenate([[0], np.cumsum(code[1:] != code[:-1])])
    n_clusters = int(place[-1]) + 1
    per_block = max(1, BLOCK // max(len(total), 1))
    for first in range(0, n_clusters, per_block):
        last = min(first + per_block, n_clusters)
        part = slice(*np.searchsorted(place, [first, last]))
        score = _scores(_take(rows, part), residual[part], apart[part], place[part] - first, last - first)
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


def _take(rows: Contrasts, which: Ints | np.ndarray[tuple[int], np.dtype[np.bool_]] | slice) -> Contrasts:
    return Contrasts(rows.size, rows.left[which], rows.right[which], rows.extra[which])


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
