"""`Activations`: the error of a layer's outputs (SVD-LLM, Wang et al. 2024, arXiv 2403.07378, section 3.1)."""

from collections.abc import Mapping

from torch import Tensor, nn

from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.svd import Factors, root
from lit_prune.sparsity.whitenings.whitening import BatchWhitening, gather, zeros


class Activations(BatchWhitening):
    """The norm of the outputs' error on training batches: R is the Cholesky factor of the inputs' second moments.

    A padding token counts as any other. The arguments are those of `BatchWhitening`.
    """

    def factors(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> dict[str, Factors]:
        """Return the right factor of each layer."""
        grams = zeros(layers, "in_features", "in_features")

        def add(name: str, inputs: Tensor, _: Tensor | None) -> None:
            grams[name].addmm_(inputs.mT, inputs)

        gather(layers, losses, self.num_batches, add, needs_gradients=False)
        return {name: Factors(right=root(sum_processes(gram), self.damp)) for name, gram in grams.items()}
