"""From votes and a likelihood to strengths: the steps that all models of paired comparisons share.

A model says how likely the outcomes of a cell are. Everything else is here: what is done where the likelihood
has no highest point, and how wide the intervals are.

Intervals. Votes of one prompt (or one labeler) are not independent, so the variance of a difference is that
of the cluster sandwich H⁻¹ G H⁻¹ (see `sandwich`), G scaled by C/(C − 1) for C clusters, with Student's t for
C − 1 degrees of freedom. Two repairs keep it from being too sure of itself:

- it is never smaller than the sandwich that takes votes as independent (with a handful of prompts, G may
  vanish by accident: it is exactly zero for one prompt);
- to G comes the information of one average vote, H/n, so that ten ties and nothing else do not prove
  equality.

For `both`, the two-way form V_prompt + V_labeler − V_prompt∩labeler of Cameron, Gelbach and Miller (2011)
joins in.

Separation. If all points between two groups of contestants went one way, the likelihood grows for ever as
they move apart. Then a ridge of 1 holds the gaps between such groups (and nothing inside them), it is named
in the result, and contestants that never lost or never won get a bound on one side. The variance there is at
least that of the ridged model: at such a point residuals are small and the sandwich far too sure. With this
ridge a clean sweep becomes significant from six wins on, which is where the exact sign test puts it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.board import Board
from ftarena.scoring.coding import BOTH_BAD, CodedVotes, Floats, Ints
from ftarena.scoring.contrasts import Contrasts
from ftarena.scoring.newton import Likelihood, Solution, inverse, maximise
from ftarena.scoring.quantiles import normal_critical, student_critical
from ftarena.scoring.sandwich import cluster_meat, vote_meat
from ftarena.scoring.strengths import Clustering, Estimate, Strengths, one_sided_bound, term

GAPS = "gaps between contestants that no lost point bounds"
"""How the ridge on separated groups is named in a result."""


@dataclass(frozen=True)
class Model:
    """A fitted likelihood, as far as intervals need it."""

    rows: Contrasts
    """The cells' rows of X."""

    solution: Solution
    residual: Floats
    """(n_cells, 3) float64, derivative of the log-likelihood of a vote of weight 1 by its logit: left, right,
    tie."""

    apart: Floats
    """(n_cells, 3, n_apart) float64, derivatives by the parameters outside X."""

    ridge: Floats
    """(width, width) float64, the ridge that was used."""

    ridge_names: tuple[str, ...]
    term_names: tuple[str, ...]
    """Names of the parameters after the contestants."""

    held: Floats
    """(n_terms,) float64, 1 for a parameter after the contestants that only a ridge keeps finite, else 0."""


def climb(
    likelihood: Likelihood,
    extent: Callable[[Floats], float],
    start: Floats,
    fixed: Floats,
    ridge: Floats,
    fallback: Floats,
) -> tuple[Solution, bool]:
    """Maximise, and once more with a further ridge if there is no highest point.

    Args:
        likelihood: See `newton.maximise`.
        extent: Likewise.
        start: (width,) float64.
        fixed: (width, n_fixed) float64.
        ridge: (width, width) float64 for the first try.
        fallback: (width, width) float64, the ridge for the second.

    Returns:
        The solution, and whether the fallback was needed.
    """
    solution = maximise(likelihood, extent, start, ridge, fixed)
    if solution.converged:
        return solution, False
    return maximise(likelihood, extent, start, fallback, fixed), True


def finish(
    seen: Board, coded: CodedVotes, model: Model, group: Sequence[int], cluster: Clustering, alpha: float
) -> Strengths:
    """Turn a fitted model into strengths with intervals.

    Args:
        seen: The board.
        coded: Votes as columns.
        model: The fit.
        group: Groups between which all points went one way; every part one group where the fit is finite.
        cluster: What counts as one cluster.
        alpha: One minus the coverage.

    Returns:
        The strengths.

    Raises:
        FtarenaError: Intervals by labeler are asked for and there is one labeler.
    """
    if cluster != "prompt" and len(coded.labelers) < 2:
        raise FtarenaError(
            f"intervals clustered by {cluster} need at least two labelers",
            "With one labeler, cluster by prompt.",
        )
    size, width = seen.size, len(model.solution.beta)
    informative = coded.outcome != BOTH_BAD
    part_of_vote = np.array(seen.part)[coded.left[informative]]
    codes = _cluster_codes(coded, informative, cluster)
    counted = [_clusters_by_part(part_of_vote, code, max(seen.part) + 1) for code in codes]
    clusters = np.min(counted[: 2 if cluster == "both" else 1], axis=0)
    n_votes = np.bincount(part_of_vote, minlength=max(seen.part) + 1)

    fixed = seen.fixed(width - size)
    bread = inverse(model.solution.information + model.ridge, fixed)
    sandwiches = [
        bread @ meat @ bread for meat in _meats(seen, model, coded, informative, codes, counted, n_votes)
    ]
    if cluster == "both":
        prompt, labeler, cut, alone = sandwiches
        sandwiches = [prompt, labeler, prompt + labeler - cut, alone]
    if model.ridge_names:  # zero but where a ridge is at work
        sandwiches.append(_model_covariance(seen, model, bread, group, clusters, alpha))

    theta = model.solution.beta[:size]
    never_lost, never_won = _one_sided(seen)
    total_clusters = min(_different(code) for code in codes[: 2 if cluster == "both" else 1])
    terms: dict[str, Estimate] = {
        name: term(
            float(model.solution.beta[size + place]),
            max(float(sandwich[size + place, size + place]) for sandwich in sandwiches),
            alpha,
            total_clusters,
        )
        for place, name in enumerate(model.term_names)
    }
    return Strengths(
        names=seen.names,
        theta=theta,
        covariances=tuple(sandwich[:size, :size] for sandwich in sandwiches),
        part=tuple(seen.part),
        clusters=tuple(int(count) for count in clusters),
        met=tuple(seen.met.tolist()),
        bounds=_bounds(seen, coded, theta, never_lost, never_won, alpha),
        never_lost=never_lost,
        never_won=never_won,
        alpha=alpha,
        cluster=cluster,
        ridge=model.ridge_names,
        terms=terms,
    )


def _cluster_codes(coded: CodedVotes, informative: np.ndarray, cluster: Clustering) -> list[Ints]:
    prompt, labeler = coded.prompt[informative], coded.labeler[informative]
    if cluster == "prompt":
        return [prompt]
    if cluster == "labeler":
        return [labeler]
    both = np.unique(prompt * len(coded.labelers) + labeler, return_inverse=True)[1]
    return [prompt, labeler, both.reshape(-1)]


def _clusters_by_part(part_of_vote: Ints, code: Ints, n_parts: int) -> Ints:
    """(n_parts,) int64: how many different clusters the votes of every part belong to."""
    if len(code) == 0:
        return np.zeros(n_parts, dtype=np.int64)
    if n_parts == 1:
        return np.array([_different(code)])
    width = int(code.max()) + 1
    return np.bincount(np.unique(part_of_vote * width + code) // width, minlength=n_parts)


def _different(code: Ints) -> int:
    """How many different codes there are."""
    return int(np.count_nonzero(np.bincount(code)))


def _meats(
    seen: Board,
    model: Model,
    coded: CodedVotes,
    informative: np.ndarray,
    codes: list[Ints],
    counted: list[Ints],
    n_votes: Ints,
) -> Iterable[Floats]:
    """The middles of the sandwiches: one for every clustering, then the one that takes votes as
    independent."""
    rows, cells = model.rows, seen.cells
    n_terms = len(model.solution.beta) - seen.size
    part = np.array(seen.part)

    def spread(by_part: Floats, overall: float) -> Floats:
        """(width, width): a factor for every block of G; terms common to all parts get the overall one."""
        root = np.sqrt(np.concatenate([by_part[part], np.full(n_terms, overall)]))
        return np.outer(root, root)

    # Σw²/Σw: with all weights doubled, G is four times as large and H twice.
    scale = cells.squares[:, :BOTH_BAD].sum() / max(float(cells.weights[:, :BOTH_BAD].sum()), 1e-300)
    one_vote = scale * spread(1 / np.maximum(n_votes, 1), 1 / max(int(n_votes.sum()), 1))
    one_vote *= model.solution.information
    kinds = Contrasts(seen.size, rows.left.repeat(3), rows.right.repeat(3), rows.extra.repeat(3, axis=0))
    residual, apart = model.residual.reshape(-1), model.apart.reshape(len(kinds.left), model.apart.shape[2])
    kind = cells.of_vote[informative] * 3 + coded.outcome[informative]
    weight = None if coded.weight is None else coded.weight[informative]
    for code, by_part in zip(codes, counted, strict=True):
        meat = cluster_meat(kinds, residual, apart, kind, code, weight)
        overall = max(2, _different(code))
        few = np.maximum(by_part, 2)
        yield meat * spread(few / (few - 1), overall / (overall - 1)) + one_vote
    yield vote_meat(kinds, residual, apart, cells.squares[:, :BOTH_BAD].reshape(-1)) + one_vote


def _model_covariance(
    seen: Board, model: Model, bread: Floats, group: Sequence[int], clusters: Ints, alpha: float
) -> Floats:
    """(width, width): the ridged model's own covariance where a ridge is at work, zero elsewhere.

    It is not estimated from residuals, so it deserves the normal critical value; intervals multiply by
    Student's, and the factor here takes that back.
    """
    held = _separated_parts(seen.part, group)
    by_part = np.zeros(len(clusters))
    for part in held:
        if clusters[part] > 1:
            by_part[part] = normal_critical(alpha) / student_critical(alpha, int(clusters[part]) - 1)
    factor = np.concatenate([by_part[np.array(seen.part)], model.held])
    return np.asarray(bread * np.outer(factor, factor))


def _separated_parts(part: Sequence[int], group: Sequence[int]) -> set[int]:
    groups: dict[int, set[int]] = {}
    for whole, own in zip(part, group, strict=True):
        groups.setdefault(whole, set()).add(own)
    return {whole for whole, found in groups.items() if len(found) > 1}


def _one_sided(seen: Board) -> tuple[frozenset[int], frozenset[int]]:
    met = seen.met > 0
    lost_nothing = met & (seen.points.sum(axis=0) == 0)
    won_nothing = met & (seen.points.sum(axis=1) == 0)
    return frozenset(np.flatnonzero(lost_nothing).tolist()), frozenset(np.flatnonzero(won_nothing).tolist())


def _bounds(
    seen: Board,
    coded: CodedVotes,
    theta: Floats,
    never_lost: frozenset[int],
    never_won: frozenset[int],
    alpha: float,
) -> dict[int, float]:
    found: dict[int, float] = {}
    for contestant in sorted(never_lost | never_won):
        sign = 1.0 if contestant in never_lost else -1.0
        points = seen.points[contestant] if sign > 0 else seen.points[:, contestant]
        opponents = np.flatnonzero(points)
        own = ((coded.left == contestant) | (coded.right == contestant)) & (coded.outcome != BOTH_BAD)
        # Ten votes on one prompt are one unit: the prompts, shared out by votes.
        share = len(np.unique(coded.prompt[own])) / float(points.sum())
        bound = one_sided_bound(
            (sign * theta[opponents]).tolist(), (points[opponents] * share).tolist(), alpha
        )
        found[contestant] = sign * bound
    return found
