"""A linear layer under a mask, trained straight through it (SRNets, Liu et al. 2022; Bengio et al. 2013)."""

from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lit_prune.sparsity.masks import FixedMask, Mask, keep_only


class MaskedLinear(nn.Linear):
    """`nn.Linear` that computes with `weight * mask.keep`.

    Under a learned mask `weight` itself stays dense. What a fixed mask prunes is 0 in it, from when the mask is put
    there or weights are loaded; training keeps it so, as it gives these entries no gradient. So no product is computed.
    """

    mask: Mask

    @classmethod
    def from_linear(cls, linear: nn.Linear, mask: Mask) -> Self:
        """A masked layer around the parameters of `linear`, the same objects, so that its state-dict keys stay.

        Args:
            linear: The layer to mask; it is not changed.
            mask: Its mask, of the weight's shape and on its device.
        """
        assert mask.keep.shape == linear.weight.shape, (mask.keep.shape, linear.weight.shape)
        assert mask.operands[0].data_ptr() != linear.weight.data_ptr(), "the scores are the weight itself, not a copy"
        layer = cls(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        layer.weight, layer.bias, layer.mask = linear.weight, linear.bias, mask
        layer.register_load_state_dict_post_hook(_zero_pruned)  # type: ignore[no-untyped-call]
        _zero_pruned(layer)
        return layer.train(linear.training)

    def forward(self, input: Tensor) -> Tensor:
        """The layer's output (..., out_features) of an input (..., in_features); honours autocast."""
        dtype = self.weight.dtype
        if torch.is_autocast_enabled(input.device.type):
            dtype = torch.get_autocast_dtype(input.device.type)
            input = input.to(dtype)
        # By rows: of more dimensions `F.linear` returns a view, and a view that a Function returns may not be changed
        # in place, as DeBERTa does.
        output: Tensor = _StraightThrough.apply(  # type: ignore[no-untyped-call]
            input.reshape(-1, self.in_features), self.weight, self.bias, *self.mask.operands, dtype
        )
        return output.view(*input.shape[:-1], self.out_features)


@torch.no_grad()
def _zero_pruned(layer: MaskedLinear, *_: Any) -> None:
    if isinstance(layer.mask, FixedMask):
        layer.weight.masked_fill_(~layer.mask.keep, 0)


class _StraightThrough(torch.autograd.Function):
    """`F.linear(x, weight * keep, bias)` of rows, whose mask hands its gradient on to the scores as if it were they.

    Pruned entries get a score gradient too, so that they can come back. Neither the product nor a learned mask's `keep`
    is saved for backward: computing them again is a few passes over the weight, saving them a copy of every weight.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        values: Tensor,
        threshold: Tensor | None,
        dtype: torch.dtype,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, values, threshold)
        ctx.dtype = dtype
        return F.linear(x, _product(weight, values, threshold, dtype), None if bias is None else bias.to(dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, values, threshold = ctx.saved_tensors
        needs_x, needs_weight, needs_bias, needs_scores, _, _ = ctx.needs_input_grad
        grad_x = grad_weight = grad_bias = grad_scores = None
        if needs_weight or needs_scores:
            grad_product = (grad_output.T @ x).to(weight.dtype)
            if needs_scores:
                grad_scores = grad_product * weight if needs_weight else grad_product.mul_(weight)
            if needs_weight:
                grad_weight = keep_only(grad_product, values, threshold, out=grad_product)
        if needs_x:
            grad_x = grad_output @ _product(weight, values, threshold, ctx.dtype)
        if needs_bias:
            grad_bias = grad_output.sum(0).to(weight.dtype)
        return grad_x, grad_weight, grad_bias, grad_scores, None, None


def _product(weight: Tensor, values: Tensor, threshold: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The weight where it is kept, and zeros elsewhere: under a fixed mask the weight itself."""
    if threshold is None:
        return weight.to(dtype)
    return keep_only(weight, values, threshold, out=torch.empty_like(weight, dtype=dtype))
