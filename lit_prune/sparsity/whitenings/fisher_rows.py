"""`FisherRows`: rows weighted by the Fisher information of their entries (FWSVD, Hsu et al. 2022, arXiv 2207.00112)."""

from collections.abc import Mapping

from torch import Tensor, nn

from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.svd import Factors, row_scales
from lit_prune.sparsity.whitenings.whitening import BatchWhitening, gather, zeros


class FisherRows(BatchWhitening):
    """A norm that weights each row by the empirical Fisher information, summed over its entries: L is its root.

    The gradient of a batch, or of a process's part of it, is one sample. The arguments are those of `BatchWhitening`.
    """

    def factors(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> dict[str, Factors]:
        """Return the left factor of each layer, a diagonal."""
        totals = zeros(layers, "out_features")

        def add(name: str, inputs: Tensor, gradients: Tensor | None) -> None:
            assert gradients is not None
            totals[name] += (gradients.mT @ inputs).square().sum(1)

        gather(layers, losses, self.num_batches, add)
        return {name: Factors(left=row_scales(sum_processes(total), self.damp)) for name, total in totals.items()}
