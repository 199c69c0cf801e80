"""What gradients before the first step say of entries (Fu et al. 2023, section on SAM; Fisher: Sung et al. 2021)."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.tuning.method import Losses, Sum

_KINDS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "sum": (lambda gradient: gradient, torch.abs),
    "square": (torch.square, lambda total: total),
    "absolute": (torch.abs, lambda total: total),
}


class GradientCriterion(Criterion):
    """How large the gradient of an entry is, over some batches before anything is trained.

    The second-order approximation model (SAM) tunes the entries of the largest g^2, g the gradient of the training
    loss: where |g| of the `sum` is largest. Its ablations are the empirical Fisher information, the sum of squares of
    the batches' gradients (`square`), and that of their absolute values.

    Args:
        num_batches: Batches whose gradients are taken.
        of: `sum`, `square` or `absolute`.
    """

    def __init__(self, num_batches: int = 100, of: str = "sum") -> None:
        if num_batches < 1:
            raise UserError(f"num_batches is {num_batches}, needed is 1 or more")
        if of not in _KINDS:
            raise UserError(f"of is {of!r}, needed is one of {', '.join(_KINDS)}")
        self.num_batches = num_batches
        self.of = of

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Refuse: a weight alone has no scores.

        Raises:
            UserError: always.
        """
        raise UserError(f"{type(self).__name__} needs gradients, which lit_prune.tuning.ChosenEntries alone takes")

    def scores(self, parameters: Mapping[str, Tensor], losses: Losses, sum_processes: Sum) -> dict[str, Tensor]:
        """Scores (float32) of all entries; higher means that an entry is rather tuned.

        Args:
            parameters: The parameters by name, float32.
            losses: So many batches -> the loss of each, of what this process has of the batch.
            sum_processes: Adds a tensor up over all processes.
        """
        make, finish = _KINDS[self.of]
        is_linear = self.of == "sum"  # so that one sum over processes does
        tensors = list(parameters.values())
        totals = [torch.zeros_like(value) for value in tensors]
        for loss in losses(self.num_batches):
            # Where a task does not use a tensor its gradient is 0, on every process.
            gradients = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
            for total, gradient in zip(totals, gradients, strict=True):
                total += make(gradient if is_linear else sum_processes(gradient))
        totals = [sum_processes(total) if is_linear else total for total in totals]
        return {name: finish(total) for name, total in zip(parameters, totals, strict=True)}


class CurvatureCriterion(GradientCriterion):
    """g^2 / |h|, h the diagonal of the loss' Hessian (Fu et al. 2023, Theorem 3, of which SAM takes g alone).

    h is Hutchinson's estimate, the mean of v * (H v) over vectors v of random signs. It takes backward passes through
    backward passes, which the attention of `_attn_implementation: eager` has, and no masked layer.

    Args:
        num_batches: Batches whose gradients are taken.
        num_probes: Random vectors for each batch.
        seed: Seed of the random signs, which are the same on every process.
    """

    SMALLEST: ClassVar[float] = 1e-12  # what |h| is at least

    def __init__(self, num_batches: int = 100, num_probes: int = 10, seed: int = 0) -> None:
        super().__init__(num_batches)
        if num_probes < 1:
            raise UserError(f"num_probes is {num_probes}, needed is 1 or more")
        self.num_probes = num_probes
        self.seed = seed

    def scores(self, parameters: Mapping[str, Tensor], losses: Losses, sum_processes: Sum) -> dict[str, Tensor]:
        """See `GradientCriterion.scores`."""
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
