"""Strengths of three or more contestants from votes on pairs (Bradley and Terry 1952).

P(left beats right) = σ(θ_left − θ_right + γ), a tie counts half a win for both, both bad counts nothing. γ is
optional: how many logits the left side is worth by being on the left. Without it, differences of ratings are
those that LMArena's leaderboard shows for the same votes (before its style control).

The fit takes votes counted by cell and Newton's method: about five solves of a system as large as the board,
some milliseconds for a hundred contestants whatever the number of votes.
"""

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
    counts = seen.cells.counts
    extra = np.ones((len(counts), 1)) if side else np.zeros((len(counts), 0))
    rows = Contrasts(seen.size, seen.cells.left, seen.cells.right, extra)
    points = counts[:, LEFT] + counts[:, TIE] / 2
    total = counts[:, LEFT] + counts[:, RIGHT] + counts[:, TIE]

    groups = one_way_groups(seen, seen.points)
    ridge = seen.gap_ridge(groups, int(side))
    with_side = ridge.copy()
    if side:
        with_side[-1, -1] += 1.0
    solution, needed = climb(
        _likelihood(rows, points, total),
        np.zeros(rows.width),
        seen.fixed(int(side)),
        ridge,
        lambda: with_side,
    )
    chance = _sigmoid(rows.predict(solution.beta))
    names = ((GAPS,) if ridge.any() else ()) + ((SIDE,) if needed else ())
    model = Model(
        rows=rows,
        solution=solution,
        residual=np.column_stack([1 - chance, -chance, 0.5 - chance]),
        apart=np.zeros((len(counts), 3, 0)),
        ridge=with_side if needed else ridge,
        ridge_names=names,
        term_names=("side",) if side else (),
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
