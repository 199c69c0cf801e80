"""`BlockFisher`: the optimal brain surgeon with blocks of the Fisher matrix (oBERT, Kurtic et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Criterion, Losses, Sum

_AT_ONCE = 4096  # blocks that are factorised together, which bounds the memory of the factors


class BlockFisher(Criterion):
    """The increase of the loss when an entry is pruned, in a second-order model of the loss (Kurtic et al. 2022).

    The empirical Fisher matrix F of the gradients of some batches stands for the Hessian, within blocks of consecutive
    entries of the row-major weight. The score of an entry is w^2 / (2 [F^-1]_ii). When the mask is set, the kept
    entries of a block move to the minimum of the second-order model under that mask: the exact solution for all pruned
    entries of the block together, where a sum of updates for single entries would neglect their interaction.

    Gradients are of the network as it is before an update of the masks. The blocks of a group of layers are in memory
    at a time, `block_size` float64 numbers an entry; a group takes one pass over the batches for the scores and, if
    there are several groups, another for the correction.

    It needs fixed masks: `Round`, `IterativePruning` (a batch is a training batch, 16 examples in the paper), or
    `prune` with `losses`.

    Args:
        num_gradients: Number of batches; the gradient of each is one sample of the Fisher matrix.
        block_size: Number of entries of a block.
        damp: Added to the diagonal of the Fisher matrix.
        memory: Bound on the blocks in memory, in GB; a layer that exceeds it is a group by itself.

    Raises:
        UserError: a setting is not positive.
    """

    needs_losses: ClassVar[bool] = True

    def __init__(
        self, num_gradients: int = 1024, block_size: int = 50, damp: float = 1e-7, memory: float = 4.0
    ) -> None:
        settings = {"num_gradients": num_gradients, "block_size": block_size, "damp": damp, "memory": memory}
        for setting, value in settings.items():
            if not value > 0:
                raise UserError(f"{setting} must be positive, got {value}: leave it out for the default")
        self.num_gradients = num_gradients
        self.block_size = block_size
        self.damp = damp
        self.memory = memory
        self._groups: list[list[str]] = []
        self._weights: Mapping[str, Tensor] = {}
        self._fishers: dict[str, Tensor] = {}

    def use(self, weights: Mapping[str, Tensor], losses: Losses, sum_processes: Sum) -> None:
        """Set where gradients come from, and group the layers so that the blocks of a group fit in memory."""
        self._weights, self._losses, self._sum = weights, losses, sum_processes
        self._fishers = {}
        self._groups = []
        left = 0.0
        for name, weight in weights.items():
            size = weight.numel() * self.block_size * 8 / 1e9
            if not self._groups or size > left:
                self._groups.append([])
                left = self.memory
            self._groups[-1].append(name)
            left -= size

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Raise an error, as scores need gradients.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "criterion must score weights alone, got BlockFisher, which needs gradients: use it in Round, or in prune"
        )

    def score(self, name: str, weight: Tensor, sparsity: float) -> Tensor:
        """Return w^2 / (2 [F^-1]_ii) for every entry."""
        return saliency(weight.detach(), self._fisher(name)).float()

    def correct(self, name: str, weight: Tensor, keep: Tensor) -> Tensor:
        """Return the weight whose kept entries make up for the pruned ones, which are 0."""
        corrected = compensated(weight.detach(), keep, self._fisher(name))
        del self._fishers[name]  # the next update needs the gradients of other weights
        return corrected.to(weight.dtype)

    def _fisher(self, name: str) -> Tensor:
        if name not in self._fishers:
            group = next((group for group in self._groups if name in group), None)
            if group is None:
                raise UserError(f"losses must be set for BlockFisher to score {name}, got none: pass losses to prune")
            self._fishers.clear()
            self._fishers = self._gather(group)
        return self._fishers[name]

    def _gather(self, group: list[str]) -> dict[str, Tensor]:
        """Return the damped Fisher blocks of some layers."""
        tensors = [self._weights[name] for name in group]
        size = self.block_size
        fishers = [torch.diag_embed(torch.full_like(in_blocks(each, size), self.damp)) for each in tensors]
        for loss in self._losses(self.num_gradients):
            # A tensor that a task does not use must have a gradient, 0, on every process.
            gradients = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
            for fisher, gradient in zip(fishers, gradients, strict=True):
                blocks = in_blocks(self._sum(gradient), size)
                fisher.baddbmm_(blocks[:, :, None], blocks[:, None, :], alpha=1 / self.num_gradients)
        return dict(zip(group, fishers, strict=True))


def in_blocks(tensor: Tensor, size: int) -> Tensor:
    """Return a tensor as rows of consecutive entries (num_blocks, size), float64; the last row ends with zeros."""
    flat = tensor.detach().flatten().double()
    return torch.nn.functional.pad(flat, (0, -flat.numel() % size)).view(-1, size)


def saliency(weight: Tensor, fisher: Tensor) -> Tensor:
    """Return w^2 / (2 [F^-1]_ii) for every entry (float64), of the weight's shape.

    Args:
        weight: Any shape.
        fisher: Damped blocks (num_blocks, size, size), float64.
    """
    diagonals = [
        torch.cholesky_inverse(torch.linalg.cholesky(part)).diagonal(dim1=1, dim2=2)
        for part in torch.split(fisher, _AT_ONCE)
    ]
    scores = in_blocks(weight, fisher.shape[-1]).square() / (2 * torch.cat(diagonals))
    return scores.flatten()[: weight.numel()].view(weight.shape)


def compensated(weight: Tensor, keep: Tensor, fisher: Tensor) -> Tensor:
    """Return the weight that minimises the second-order model of the loss under a mask (float64); pruned entries are 0.

    In each block the change d of the kept entries K, with the pruned ones P, solves F_KK d = F_KP w_P.

    Args:
        weight: Any shape.
        keep: bool, of its shape; True for kept.
        fisher: Damped blocks (num_blocks, size, size), float64.
    """
    size = fisher.shape[-1]
    results = []
    operands = (in_blocks(weight, size), in_blocks(keep, size), fisher)
    for values, kept, blocks in zip(*(torch.split(each, _AT_ONCE) for each in operands), strict=True):
        lost = blocks @ (values * (1 - kept))[:, :, None] * kept[:, :, None]
        system = blocks * kept[:, :, None] * kept[:, None, :] + torch.diag_embed(1 - kept)
        change = torch.cholesky_solve(lost, torch.linalg.cholesky(system))[:, :, 0]
        results.append((values + change) * kept)
    return torch.cat(results).flatten()[: weight.numel()].view(weight.shape)
