"""The design of every paired-comparison model: what is on the left minus what is on the right.

A row of the design matrix X has +1 at the contestant on the left, −1 at the one on the right, and then the
values of a few common terms (the side, the length of the answers). X is never built: everything the models
need from it is a handful of `bincount`s.
"""

from dataclasses import dataclass

import numpy as np

from ftarena.scoring.coding import Floats, Ints


@dataclass(frozen=True)
class Contrasts:
    """The rows of X, one a cell or one a vote."""

    size: int
    """Number of contestants."""

    left: Ints
    """(n_rows,) int64."""

    right: Ints
    """(n_rows,) int64."""

    extra: Floats
    """(n_rows, n_extra) float64, values of the common terms."""

    @property
    def width(self) -> int:
        """Number of parameters: contestants, then common terms."""
        return self.size + int(self.extra.shape[1])

    def predict(self, beta: Floats) -> Floats:
        """X β.

        Args:
            beta: (width,) float64.

        Returns:
            (n_rows,) float64.
        """
        strength = beta[: self.size]
        return strength[self.left] - strength[self.right] + self.extra @ beta[self.size :]

    def extent(self, beta: Floats) -> float:
        """The largest |X β|.

        Args:
            beta: (width,) float64.

        Returns:
            Logits; 0 without rows.
        """
        return float(np.abs(self.predict(beta)).max(initial=0.0))

    def transposed(self, values: Floats) -> Floats:
        """Xᵀ v.

        Args:
            values: (n_rows,) float64.

        Returns:
            (width,) float64.
        """
        gained = np.bincount(self.left, values, self.size) - np.bincount(self.right, values, self.size)
        return np.concatenate([gained, self.extra.T @ values])

    def information(self, weights: Floats) -> Floats:
        """Xᵀ diag(w) X.

        Args:
            weights: (n_rows,) float64.

        Returns:
            (width, width) float64, symmetric.
        """
        size = self.size
        met = np.bincount(self.left * size + self.right, weights, size * size).reshape(size, size)
        met = met + met.T
        total = np.zeros((self.width, self.width))
        total[:size, :size] = np.diag(met.sum(axis=1)) - met
        for place in range(self.extra.shape[1]):
            column = self.transposed(weights * self.extra[:, place])
            total[size + place] = column
            total[:, size + place] = column
        return total
