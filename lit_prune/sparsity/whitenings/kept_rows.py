"""`KeptRows`: rows weighted by how much of them an earlier pruning kept (after LPAF, Ren & Zhu 2023, arXiv 2306.14152).

The paper's sparsity-aware SVD takes the sparsity of a pruned matrix into account. Its weights are not at hand; here the
weight of a row is the number of its entries that are not 0.
"""

import warnings
from collections.abc import Mapping

import torch
from torch import nn

from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.svd import Factors, row_scales
from lit_prune.sparsity.whitenings.whitening import Whitening


class KeptRows(Whitening):
    """A norm that weights each row of a pruned matrix by the number of its kept entries: L is its root.

    Args:
        damp: Added to the numbers, whose mean is 1; the larger, the closer to the plain decomposition.

    Raises:
        UserError: `damp` is not positive.
    """

    @torch.no_grad()
    def factors(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> dict[str, Factors]:
        """Return the left factor of each layer, a diagonal; it reads no batch."""
        found, num_pruned = {}, 0
        for name, layer in layers.items():
            weight = layer.weight if isinstance(layer, nn.Linear) else layer.masked_weight()  # type: ignore[operator]
            kept = weight.count_nonzero(1)
            num_pruned += weight.numel() - int(kept.sum())
            found[name] = Factors(left=row_scales(kept, self.damp))
        if not num_pruned:
            warnings.warn("KeptRows has no effect: no entry is pruned; prune entries in a phase before", stacklevel=2)
        return found
