"""Training sets that lack a part, drawn at random: how much does a model depend on it? (Fu et al. 2023, Table 2)."""

from dataclasses import dataclass

import numpy as np

from lit_prune.errors import UserError
from lit_prune.limits import check_seed


@dataclass(frozen=True)
class Perturbation:
    """Rows left out of each training set.

    Attributes:
        share: The share of its examples, between 0 and 1.
        seed: Seed of the draw.
    """

    share: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise UserError(
                f"data.perturbation.share must be above 0 and below 1, got {self.share}: set a share of the rows"
            )

        check_seed("data.perturbation.seed", self.seed)

    def kept(self, units: np.ndarray) -> np.ndarray:
        """Return the numbers of the rows that stay (rows,), ascending.

        Args:
            units: For each row, which example it is of, counted from 0 (rows,): an example is left out whole.

        Raises:
            UserError: no example is left.
        """
        num_units = int(units.max()) + 1
        num_out = max(1, round(self.share * num_units))
        if num_out >= num_units:
            raise UserError(
                f"data.perturbation.share must leave examples, got {self.share} of {num_units}: set a smaller one"
            )
        out = np.random.default_rng(self.seed).permutation(num_units)[:num_out]
        return np.flatnonzero(~np.isin(units, out))
