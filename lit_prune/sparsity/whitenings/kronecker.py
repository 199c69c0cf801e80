"""`Kronecker`: the second-order model of the loss with a Kronecker-factored Fisher matrix (arXiv 2505.17974)."""

from collections.abc import Mapping

from torch import Tensor, nn

from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.svd import Factors, root
from lit_prune.sparsity.whitenings.whitening import BatchWhitening, gather, zeros


class Kronecker(BatchWhitening):
    """The norm whose square is tr(A D G D^T), of a Fisher matrix that is the Kronecker product of A and G.

    G is the second moment of a layer's inputs, A that of the gradients of its outputs (Martens & Grosse 2015). GFWSVD
    fits both to the Fisher matrix instead; its use of the two factors is the same. The arguments are those of
    `BatchWhitening`.
    """

    def factors(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> dict[str, Factors]:
        """Return both factors of each layer."""
        of_inputs = zeros(layers, "in_features", "in_features")
        of_gradients = zeros(layers, "out_features", "out_features")

        def add(name: str, inputs: Tensor, gradients: Tensor | None) -> None:
            assert gradients is not None
            of_inputs[name].addmm_(inputs.mT, inputs)
            of_gradients[name].addmm_(gradients.mT, gradients)

        gather(layers, losses, self.num_batches, add)
        return {
            name: Factors(
                root(sum_processes(of_gradients[name]), self.damp).mT, root(sum_processes(of_inputs[name]), self.damp)
            )
            for name in layers
        }
