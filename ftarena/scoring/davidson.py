"""The same with ties as an outcome of their own (Davidson 1970).

P(left) = π_left/Z, P(right) = π_right/Z, P(tie) = ν·√(π_left·π_right)/Z with π = exp(θ) and Z their sum. ν
says how ready people are to call a tie: between equals the share of ties is ν/(2 + ν). Both bad counts
nothing, as everywhere.

With a logit d = θ_left − θ_right (+ γ) the outcomes are a softmax of d/2, −d/2 and δ = log ν: an exponential
family, so the likelihood is concave and Newton's method is safe.
"""

from math import exp

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.board import board, one_way_groups
from ftarena.scoring.bradley_terry import SIDE, side_is_identified
from ftarena.scoring.coding import LEFT, RIGHT, TIE, Cells, CodedVotes, Floats, group
from ftarena.scoring.contrasts import Contrasts
from ftarena.scoring.fitting import GAPS, Model, climb, finish
from ftarena.scoring.newton import Likelihood
from ftarena.scoring.strengths import Clustering, Estimate, Strengths

TIES = "the readiness to call a tie, because nothing but ties was voted"
"""How the ridge on log ν is named in a result."""


def fit_davidson(
    coded: CodedVotes,
    *,
    side: bool = False,
    cluster: Clustering = "prompt",
    alpha: float = 0.05,
    cells: Cells | None = None,
) -> Strengths:
    """Fit strengths and the readiness to call a tie by maximum likelihood.

    Args:
        coded: Votes as columns, at least one.
        side: Fit γ, the advantage of being on the left, as well.
        cluster: What the intervals take as one cluster.
        alpha: One minus the coverage of the intervals.
        cells: The same votes, counted, where the caller has them already.

    Returns:
        The strengths; `terms["ties"]` is log ν, absent where there is no tie (ν = 0).

    Raises:
        FtarenaError: As `fit_bradley_terry`.
    """
    seen = board(coded, group(coded) if cells is None else cells)
    if side and not side_is_identified(seen):
        raise FtarenaError(
            "the side bias cannot be told from strength: no contestant was shown on both sides",
            "Draw the sides by lot, or fit without the side.",
        )
    counts = seen.cells.weights
    rows = Contrasts(seen.size, seen.cells.left, seen.cells.right, np.ones((len(counts), int(side))))
    ties = bool(counts[:, TIE].any())
    decisive = bool(seen.wins.any())
    n_terms = int(side) + int(ties)

    # Finite for certain if wins alone go both ways everywhere; not finite for certain if points do not.
    groups = one_way_groups(seen, seen.wins)
    by_points = one_way_groups(seen, seen.points)
    gaps = seen.gap_ridge(groups, n_terms)
    only_ties = np.zeros_like(gaps)
    if ties and not decisive:
        only_ties[-1, -1] = 1.0
    ridge = only_ties + (gaps if seen.gap_ridge(by_points, n_terms).any() else 0.0)
    fallback = only_ties + gaps
    if side:
        fallback[seen.size, seen.size] += 1.0
    solution, needed = climb(
        _likelihood(rows, counts, ties),
        lambda beta: max(rows.extent(beta[: rows.width]), abs(float(beta[-1])) if ties else 0.0),
        np.zeros(seen.size + n_terms),
        seen.fixed(n_terms),
        ridge,
        fallback,
    )
    used = fallback if needed else ridge
    names = tuple(
        name
        for name, present in (
            (GAPS, bool(used[: seen.size, : seen.size].any())),
            (SIDE, needed and side),
            (TIES, bool(only_ties.any())),
        )
        if present
    )
    left, right, tie = _chances(rows, solution.beta, ties)
    by_logit = (left - right) / 2
    by_tie = np.stack([-tie, -tie, 1 - tie], axis=1)[:, :, None]
    model = Model(
        rows=rows,
        solution=solution,
        residual=np.column_stack([0.5 - by_logit, -0.5 - by_logit, -by_logit]),
        apart=by_tie if ties else by_tie[:, :, :0],
        ridge=used,
        ridge_names=names,
        term_names=("side",) * side + ("ties",) * ties,
        held=np.array([float(needed)] * side + [float(not decisive)] * ties),
    )
    return finish(seen, coded, model, groups if GAPS in names else seen.part, cluster, alpha)


def tie_readiness(strengths: Strengths) -> Estimate:
    """ν of a Davidson fit.

    Args:
        strengths: What `fit_davidson` returned.

    Returns:
        ν with its interval; between equals the share of ties is ν/(2 + ν).
    """
    if "ties" not in strengths.terms:
        return Estimate(0.0, None, None)
    value, low, high = strengths.terms["ties"]
    return Estimate(exp(value), None if low is None else exp(low), None if high is None else exp(high))


def _chances(rows: Contrasts, beta: Floats, ties: bool) -> tuple[Floats, Floats, Floats]:
    logit = rows.predict(beta[: rows.width])
    tie = np.full_like(logit, beta[-1] if ties else -np.inf)
    highest = np.maximum(np.abs(logit) / 2, tie)
    parts = np.exp(np.stack([logit / 2, -logit / 2, tie]) - highest)
    left, right, tied = parts / parts.sum(axis=0)
    return left, right, tied


def _likelihood(rows: Contrasts, counts: Floats, ties: bool) -> Likelihood:
    won, lost, tied = counts[:, LEFT], counts[:, RIGHT], counts[:, TIE]
    total = won + lost + tied

    def at(beta: Floats) -> tuple[float, Floats, Floats]:
        left, right, tie = _chances(rows, beta, ties)
        logit = rows.predict(beta[: rows.width])
        normaliser = np.logaddexp(logit / 2, -logit / 2)
        value = float((won - lost) @ logit / 2 + (tied.sum() * beta[-1] if ties else 0.0))
        if ties:
            normaliser = np.logaddexp(normaliser, beta[-1])
        value -= float(total @ normaliser)
        lead = left - right
        gradient = rows.transposed((won - lost - total * lead) / 2)
        information = rows.information(total * (left + right - lead**2) / 4)
        if not ties:
            return value, gradient, information
        column = rows.transposed(-total * lead * tie / 2)
        own = float(total @ (tie * (1 - tie)))
        bordered = np.block([[information, column[:, None]], [column[None, :], np.array([[own]])]])
        return value, np.append(gradient, float(tied.sum() - total @ tie)), bordered

    return at
