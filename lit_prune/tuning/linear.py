"""Linear layers whose tuned entries get their gradient without that of the whole weight (Fu et al. 2023).

The gradient of entry (i, j) is the product of column i of the output's gradient and column j of the input, so some
entries are a sampled product of two dense matrices.
"""

import warnings
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# Largest share of a weight whose entries are sampled. On one thread (AVX-512, 1,024 rows, 384 x 384 to 3072 x 768) the
# sampled product takes .05 to .08 of the time of the whole one at .5%, .14 to .28 at 5% and .26 to .49 at 10%; on two
# threads of busy cores .20 to .97 at .5%, .56 to 1.19 at 5% and .97 to 1.84 at 10%.
LARGEST_SHARE = 0.05


class TunedLinear(nn.Linear):
    """An `nn.Linear` with `TunedEntries` on its weight that samples their gradient; see `sample_gradients`."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the layer's output (..., out_features) of an input (..., in_features); honours autocast."""
        device = input.device.type
        if torch.compiler.is_compiling() or not torch.is_grad_enabled() or not is_supported(device):
            return super().forward(input)
        tuned: Any = self.parametrizations["weight"]  # type: ignore[index]
        weight, entries = tuned.original, tuned[0]
        entries.write(weight)
        if torch.is_autocast_enabled(device):
            input = input.to(torch.get_autocast_dtype(device))
        # By rows: of more dimensions `F.linear` returns a view, which a Function may not change in place.
        rows = input.reshape(-1, self.in_features)
        output: Tensor = _Sampled.apply(  # type: ignore[no-untyped-call]
            F.linear(rows, weight, self.bias), rows.detach(), entries.index, entries.values
        )
        return output.view(*input.shape[:-1], self.out_features)


class _Sampled(torch.autograd.Function):
    """The identity on a layer's output, which passes the gradients of tuned entries to their values."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, rows: Tensor, index: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(rows, index)
        ctx.values = values.shape, values.dtype
        ctx.mark_dirty(output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, Tensor]:
        rows, index = ctx.saved_tensors
        shape, dtype = ctx.values
        return grad_output, None, None, sampled_product(grad_output, rows, index).to(dtype).view(shape)


def sampled_product(left: Tensor, right: Tensor, index: Tensor) -> Tensor:
    """Return some entries of left^T right (entries,), in float32 or, of float64, in float64.

    Args:
        left: (rows, m).
        right: (rows, n).
        index: Indices of the entries in the flattened product (entries,) int64, ascending.
    """
    dtype = torch.promote_types(left.dtype, torch.float32)  # no sampled product is defined for half precision
    (m, n), device = (left.shape[1], right.shape[1]), index.device
    starts = torch.searchsorted(index, torch.arange(m + 1, device=device) * n)
    zeros = torch.zeros(len(index), dtype=dtype, device=device)
    entries = torch.sparse_csr_tensor(starts, index % n, zeros, (m, n), check_invariants=False)
    product: Tensor = torch.sparse.sampled_addmm(entries, left.to(dtype).t(), right.to(dtype), beta=0.0)
    return product.values()


@cache
def is_supported(device: str) -> bool:
    """Return True if torch has a sampled product on a type of device: on CPUs it needs MKL."""
    ones = torch.ones(1, 1, device=device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sparse tensors are in beta, which is no news to a user
            sampled_product(ones, ones, torch.zeros(1, dtype=torch.int64, device=device))
    except RuntimeError:
        return False
    return True


def sample_gradients(module: nn.Module, tensor_name: str, index: Tensor) -> None:
    """Make a linear layer sample the gradient of tuned entries, in place, if they are few enough for that to pay.

    Call it before the entries are parametrized. Other modules and tensors are left as they are.

    Args:
        module: The module that contains the tensor.
        tensor_name: Name of the tensor in the module.
        index: Indices of the tuned entries; see `TunedEntries`. If they are not ascending, nothing changes.
    """
    if type(module) is not nn.Linear or tensor_name != "weight" or len(index) > LARGEST_SHARE * module.weight.numel():
        return
    if bool((index.diff() > 0).all()):
        module.__class__ = TunedLinear


def plain_linear(module: nn.Module) -> None:
    """Undo `sample_gradients`, in place, after the parametrization is removed."""
    if type(module) is TunedLinear:
        module.__class__ = nn.Linear  # type: ignore[assignment]
