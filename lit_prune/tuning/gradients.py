"""Criteria by gradients before the first step (Fu et al. 2023, section on SAM; Fisher: Sung et al. 2021)."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.criteria.criterion import Losses, Sum

_KINDS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "sum": (lambda gradient: gradient, torch.abs),
    "square": (torch.square, lambda total: total),
    "absolute": (torch.abs, lambda total: total),
}


class GradientCriterion(Criterion):
    """The size of gradients, accumulated over some batches before training.

    The second-order approximation model (SAM) tunes the entries with the largest g^2, with g the gradient of the
    training loss, or |g| of the `sum` over batches. Ablations are the empirical Fisher information, the sum of squared
    gradients of batches (`square`), and the sum of absolute values (`absolute`).

    Args:
        num_batches: Number of batches.
        of: `sum`, `square` or `absolute`.
    """

    def __init__(self, num_batches: int = 100, of: str = "sum") -> None:
        if num_batches < 1:
            raise UserError(f"num_batches must be positive, got {num_batches}: use 1 or more")
        if of not in _KINDS:
            raise UserError(f"unknown of={of!r}: choose from {', '.join(_KINDS)}")
        self.num_batches = num_batches
        self.of = of

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Raise an error, as scores need gradients.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"criterion must score weights alone, got {type(self).__name__}, which needs gradients: use it in "
            "lit_prune.tuning.ChosenEntries"
        )

    def scores(self, parameters: Mapping[str, Tensor], losses: Losses, sum_processes: Sum) -> dict[str, Tensor]:
        """Return the scores (float32) of all entries; entries with higher scores are tuned.

        Args:
            parameters: The parameters by name, float32.
            losses: Yields the losses of a number of batches, on this process's part of each batch.
            sum_processes: Sums a tensor over all processes.
        """
        make, finish = _KINDS[self.of]
        is_linear = self.of == "sum"  # then a single sum over processes is enough
        tensors = list(parameters.values())
        totals = [torch.zeros_like(value) for value in tensors]
        for loss in losses(self.num_batches):
            # A tensor that a task does not use must have a gradient, 0, on every process.
            gradients = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
            for total, gradient in zip(totals, gradients, strict=True):
                total += make(gradient if is_linear else sum_processes(gradient))
        totals = [sum_processes(total) if is_linear else total for total in totals]
        return {name: finish(total) for name, total in zip(parameters, totals, strict=True)}


class CurvatureCriterion(GradientCriterion):
    """g^2 / |h|, with h the diagonal of the loss's Hessian (Fu et al. 2023, Theorem 3; SAM uses g alone).

    h is Hutchinson's estimate, the mean of v * (H v) over vectors v of random signs. It needs double backward, which
    `_attn_implementation: eager` supports and masked layers do not.

    Args:
        num_batches: Number of batches.
        num_probes: Number of random vectors per batch.
        seed: Seed of the random signs, equal on every process.
    """

    SMALLEST: ClassVar[float] = 1e-12  # lower bound of |h|

    def __init__(self, num_batches: int = 100, num_probes: int = 10, seed: int = 0) -> None:
        super().__init__(num_batches)
        if num_probes < 1:
            raise UserError(f"num_probes must be positive, got {num_probes}: use 1 or more")
        self.num_probes = num_probes
        self.seed = seed

    def scores(self, parameters: Mapping[str, Tensor], losses: Losses, sum_processes: Sum) -> dict[str, Tensor]:
        """Return the scores; see `GradientCriterion.scores`."""
        generator = torch.Generator().manual_seed(self.seed)
        tensors = list(parameters.values())
        gradient, curvature = ([torch.zeros_like(value) for value in tensors] for _ in range(2))
        for loss in losses(self.num_batches):
            first = torch.autograd.grad(loss, tensors, create_graph=True, allow_unused=True, materialize_grads=True)
            for total, each in zip(gradient, first, strict=True):
                total += each.detach()
            used = [each for each in first if each.requires_grad]
            for _ in range(self.num_probes):
                signs = [torch.randint(2, each.shape, generator=generator).mul(2).sub(1).to(each) for each in first]
                along = [sign for sign, each in zip(signs, first, strict=True) if each.requires_grad]
                second = torch.autograd.grad(
                    used, tensors, along, retain_graph=True, allow_unused=True, materialize_grads=True
                )
                for total, sign, each in zip(curvature, signs, second, strict=True):
                    total += sign * each / self.num_probes
        return {
            name: sum_processes(g).square() / sum_processes(h).abs().clamp_min(self.SMALLEST)
            for name, g, h in zip(parameters, gradient, curvature, strict=True)
        }
