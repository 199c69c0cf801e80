"""What gradients before the first step say of entries (Fu et al. 2023, section on SAM; Fisher: Sung et al. 2021)."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion

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

    def take(
        self, parameters: Mapping[str, Tensor], losses: Iterable[Tensor], sum_processes: Callable[[Tensor], Tensor]
    ) -> None:
        """Have in each parameter's `grad` the sum over batches, of the gradients or of what is made of each.

        Args:
            parameters: The parameters by name, float32.
            losses: A batch's loss each, of what this process has of the batch.
            sum_processes: Adds a tensor up over all processes.
        """
        make, _ = _KINDS[self.of]
        is_linear = self.of == "sum"  # so that one sum over processes does
        tensors = list(parameters.values())
        totals = [torch.zeros_like(value) for value in tensors]
        for loss in losses:
            # Where a task does not use a tensor its gradient is 0, on every process.
            gradients = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
            for total, gradient in zip(totals, gradients, strict=True):
                total += make(gradient if is_linear else sum_processes(gradient))
        for value, total in zip(tensors, totals, strict=True):
            value.grad = sum_processes(total) if is_linear else total

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Scores from `weight.grad`, as `take` left it there.

        Raises:
            UserError: It has none.
        """
        if weight.grad is None:
            raise UserError("GradientCriterion needs gradients, which lit_prune.paradigms.SparseFinetuning alone takes")
        _, finish = _KINDS[self.of]
        return finish(weight.grad.detach().float())
