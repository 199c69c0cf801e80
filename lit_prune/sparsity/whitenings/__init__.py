"""Norms in which a matrix is approximated by one of lower rank: by its inputs, by the loss, or by what is pruned."""

from lit_prune.sparsity.whitenings.activations import Activations
from lit_prune.sparsity.whitenings.fisher_rows import FisherRows
from lit_prune.sparsity.whitenings.kept_rows import KeptRows
from lit_prune.sparsity.whitenings.kronecker import Kronecker
from lit_prune.sparsity.whitenings.whitening import BatchWhitening, Whitening

__all__ = ["Activations", "BatchWhitening", "FisherRows", "KeptRows", "Kronecker", "Whitening"]
