"""`Whitening`: the base class of norms in which a matrix is approximated by one of lower rank."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.svd import Factors

Add = Callable[[str, Tensor, Tensor | None], None]  # layer, inputs (rows, in), gradients of outputs (rows, out)


class Whitening(ABC):
    """The norm in which the ranks of a matrix are chosen, from statistics gathered before they are pruned.

    Args:
        damp: Added to the statistics, whose mean is 1; the larger, the closer to the plain decomposition.

    Raises:
        UserError: `damp` is not positive.
    """

    def __init__(self, damp: float = 1e-3) -> None:
        _check_positive("damp", damp)
        self.damp = damp

    @abstractmethod
    def factors(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> dict[str, Factors]:
        """Return the whitening of each layer, equal on all processes.

        Args:
            layers: Linear layers, or pairs of two, by name.
            losses: Yields the losses of a number of batches, on this process's part of each batch.
            sum_processes: Sums a tensor over all processes.
        """


class BatchWhitening(Whitening):
    """A whitening whose statistics are of training batches.

    Args:
        num_batches: Number of batches.
        damp: Added to the statistics, whose mean is 1; the larger, the closer to the plain decomposition.

    Raises:
        UserError: an argument is not positive.
    """

    def __init__(self, num_batches: int = 32, damp: float = 1e-3) -> None:
        super().__init__(damp)
        _check_positive("num_batches", num_batches)
        self.num_batches = num_batches


def _check_positive(setting: str, value: float) -> None:
    if not value > 0:
        raise UserError(f"{setting} must be positive, got {value}: leave it out for the default")


def gather(
    layers: Mapping[str, nn.Module], losses: Losses, num_batches: int, add: Add, needs_gradients: bool = True
) -> None:
    """Pass the inputs of layers, and the gradients of their outputs, to a function; batch by batch.

    Args:
        layers: The layers by name.
        losses: See `Whitening.factors`.
        num_batches: Number of batches.
        add: Called for each call of a layer, with float64 tensors.
        needs_gradients: False to pass None for the gradients, and compute none.
    """
    calls: list[tuple[str, Tensor, Tensor]] = []

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda _, inputs, output: calls.append((name, inputs[0].detach(), output))

    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    try:
        with torch.compiler.set_stance("force_eager"):  # compiled layers skip hooks that are new
            for loss in losses(num_batches):
                gradients: list[Tensor | None] = [None] * len(calls)
                if needs_gradients:
                    outputs = [output for _, _, output in calls]
                    gradients = [*torch.autograd.grad(loss, outputs, allow_unused=True, materialize_grads=True)]
                for (name, inputs, _), gradient in zip(calls, gradients, strict=True):
                    add(name, _rows(inputs), None if gradient is None else _rows(gradient))
                calls.clear()
    finally:
        for handle in handles:
            handle.remove()


def _rows(tensor: Tensor) -> Tensor:
    return tensor.reshape(-1, tensor.shape[-1]).double()


def zeros(layers: Mapping[str, nn.Module], *sizes: str) -> dict[str, Tensor]:
    """Return zeros (float64) for each layer, on its device; `sizes` names the attributes with their dimensions."""
    return {
        name: torch.zeros(
            *(getattr(layer, size) for size in sizes), dtype=torch.float64, device=next(layer.parameters()).device
        )
        for name, layer in layers.items()
    }
