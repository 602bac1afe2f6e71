"""Strengths of three or more contestants from votes on pairs (Bradley and Terry 1952).

P(left beats right) = σ(θ_left − θ_right + γ), a tie counts half a win for both, both bad counts nothing. γ is
optional: how many logits the left side is worth by being on the left. Without it, this is the model of
LMArena's leaderboard before style control, except that LMArena counts both bad as a tie.

The fit takes votes counted by cell and Newton's method: about five solves of a system as large as the board,
milliseconds for a hundred contestants whatever the number of votes. Intervals by cluster touch every vote
once: 0.1 to 0.2 s for a million.
"""

from collections.abc import Mapping

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.board import Board, board, one_way_groups
from ftarena.scoring.coding import LEFT, RIGHT, TIE, Cells, CodedVotes, Floats, group
from ftarena.scoring.contrasts import Contrasts
from ftarena.scoring.fitting import GAPS, Model, climb, finish
from ftarena.scoring.newton import Likelihood, inverse
from ftarena.scoring.strengths import Clustering, Strengths

SIDE = "the side, because one side won every vote that could tell"
"""How the ridge on γ is named in a result."""


def fit_bradley_terry(
    coded: CodedVotes,
    *,
    side: bool = False,
    cluster: Clustering = "prompt",
    alpha: float = 0.05,
    cells: Cells | None = None,
) -> Strengths:
    """Fit strengths by maximum likelihood.

    Args:
        coded: Votes as columns, at least one.
        side: Fit γ, the advantage of being on the left, as well.
        cluster: What the intervals take as one cluster.
        alpha: One minus the coverage of the intervals.
        cells: The same votes, counted, where the caller has them already.

    Returns:
        The strengths; with `side`, `terms["side"]` is γ.

    Raises:
        FtarenaError: There are no votes; γ is asked for where the battles cannot tell it from strength; or
            intervals by labeler with one labeler.
    """
    seen = board(coded, group(coded) if cells is None else cells)
    if side and not side_is_identified(seen):
        raise FtarenaError(
            "the side bias cannot be told from strength: no contestant was shown on both sides",
            "Draw the sides by lot, or fit without the side.",
        )
    count = len(seen.cells.left)
    if side:
        return fit_with_terms(coded, seen, np.ones((count, 1)), {"side": 0.0}, cluster=cluster, alpha=alpha)
    return fit_with_terms(coded, seen, np.zeros((count, 0)), {}, cluster=cluster, alpha=alpha)


def fit_with_terms(
    coded: CodedVotes,
    seen: Board,
    extra: Floats,
    terms: Mapping[str, float],
    *,
    cluster: Clustering,
    alpha: float,
) -> Strengths:
    """Fit strengths together with terms that are common to all contestants.

    Args:
        coded: Votes as columns, at least one.
        seen: Their board.
        extra: (n_cells, n_terms) float64, the terms' values, left minus right.
        terms: Name of every term, and the ridge R on its coefficient (½ R β² is subtracted from the
            log-likelihood).
        cluster: What the intervals take as one cluster.
        alpha: One minus the coverage of the intervals.

    Returns:
        The strengths, with the coefficients in `terms`.

    Raises:
        FtarenaError: Intervals by labeler with one labeler.
    """
    counts = seen.cells.weights
    rows = Contrasts(seen.size, seen.cells.left, seen.cells.right, extra)
    points = counts[:, LEFT] + counts[:, TIE] / 2
    total = counts[:, LEFT] + counts[:, RIGHT] + counts[:, TIE]

    groups = one_way_groups(seen, seen.points)
    gaps = seen.gap_ridge(groups, len(terms))
    on_terms = np.concatenate([np.zeros(seen.size), list(terms.values())])
    held = np.concatenate([np.zeros(seen.size), [float(penalty == 0) for penalty in terms.values()]])
    solution, needed = climb(
        _likelihood(rows, points, total),
        rows.extent,
        np.zeros(rows.width),
        seen.fixed(len(terms)),
        gaps + np.diag(on_terms),
        gaps + np.diag(on_terms + held),
    )
    chance = _sigmoid(rows.predict(solution.beta))
    model = Model(
        rows=rows,
        solution=solution,
        residual=np.column_stack([1 - chance, -chance, 0.5 - chance]),
        apart=np.zeros((len(counts), 3, 0)),
        ridge=gaps + np.diag(on_terms + held * needed),
        ridge_names=(
            *((GAPS,) if gaps.any() else ()),
            *((SIDE,) if needed and "side" in terms else ()),
            *(f"{name} ({penalty:g}/2 of its square)" for name, penalty in terms.items() if penalty),
        ),
        term_names=tuple(terms),
        held=held[seen.size :] * needed,
    )
    return finish(seen, coded, model, groups, cluster, alpha)


def side_is_identified(seen: Board) -> bool:
    """Whether the battles can tell the advantage of a side from strength.

    They cannot if strengths exist whose differences are the same, left minus right, in every cell (base
    always on the left, say).

    Args:
        seen: The board.

    Returns:
        True if γ has a meaning.
    """
    cells = seen.cells
    if len(cells.left) == 0:
        return False
    rows = Contrasts(seen.size, cells.left, cells.right, np.zeros((len(cells.left), 0)))
    ones = np.ones(len(cells.left))
    pull = rows.transposed(ones)
    strength = inverse(rows.information(ones), seen.fixed(0)) @ pull
    return len(ones) - float(pull @ strength) > 1e-9 * len(ones)


def _likelihood(rows: Contrasts, points: Floats, total: Floats) -> Likelihood:
    def at(beta: Floats) -> tuple[float, Floats, Floats]:
        logit = rows.predict(beta)
        chance = _sigmoid(logit)
        value = float(points @ logit - total @ np.logaddexp(0.0, logit))
        return (
            value,
            rows.transposed(points - total * chance),
            rows.information(total * chance * (1 - chance)),
        )

    return at


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(logit / 2)))
