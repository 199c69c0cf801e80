"""Linear layers under a mask, trained straight through it (SRNets, Liu et al. 2022; Bengio et al. 2013).

Element by element (`MaskedLinear`), or by rank (`LowRankLinear`; Xia & Shin 2021, section 2).
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lit_prune.sparsity.masks import FixedMask, Mask, ReversibleMask, apply_mask
from lit_prune.sparsity.svd import Factors, weighted_svd


class MaskedLinear(nn.Linear):
    """`nn.Linear` that computes with `weight * mask.keep`.

    Under a learned or reversible mask `weight` itself stays dense. What a fixed mask prunes is 0 in it, from when the
    mask is put there or weights are loaded; training keeps it so, as it gives these entries no gradient. So no product
    is computed.
    """

    MASKED: ClassVar[str] = "weight"
    mask: Mask

    @classmethod
    def from_linear(cls, linear: nn.Linear, make_mask: Callable[[Tensor], Mask]) -> Self:
        """Return a masked layer around the parameters of `linear`, the same objects, so that its state-dict keys stay.

        Args:
            linear: The layer to mask; it is not changed.
            make_mask: Weight -> its mask, of its shape and on its device.
        """
        mask = make_mask(linear.weight)
        assert mask.keep.shape == linear.weight.shape, (mask.keep.shape, linear.weight.shape)
        own = linear.weight.data_ptr()
        assert all(part.scores.data_ptr() != own for part in mask.submasks.values()), "the scores are the weight itself"
        layer = cls(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        layer.weight, layer.bias, layer.mask = linear.weight, linear.bias, mask
        layer.register_load_state_dict_post_hook(_zero_pruned)  # type: ignore[no-untyped-call]
        _zero_pruned(layer)
        return layer.train(linear.training)

    def forward(self, input: Tensor) -> Tensor:
        """Return the layer's output (..., out_features) of an input (..., in_features); honours autocast."""
        dtype = self.weight.dtype
        if torch.is_autocast_enabled(input.device.type):
            dtype = torch.get_autocast_dtype(input.device.type)
            input = input.to(dtype)
        # By rows: of more dimensions `F.linear` returns a view, and a view that a Function returns may not be changed
        # in place, as DeBERTa does.
        rows = input.reshape(-1, self.in_features)
        is_product = isinstance(self.mask, FixedMask)
        output: Tensor = _StraightThrough.apply(  # type: ignore[no-untyped-call]
            rows, self.weight, self.bias, dtype, is_product, *self.mask.operands
        )
        return output.view(*input.shape[:-1], self.out_features)

    @property
    def masked(self) -> Tensor:
        """The weight (out_features, in_features), which the mask is of."""
        return self.weight

    def masked_weight(self) -> Tensor:
        """Return the matrix (out_features, in_features) that the layer computes with."""
        return self.weight.detach().masked_fill(~self.mask.keep, 0)

    def to_linear(self) -> nn.Linear:
        """A plain layer around the same parameters: what the mask prunes takes part again, unless it is fixed."""
        linear = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        linear.weight, linear.bias = self.weight, self.bias
        return linear.train(self.training)


class LowRankLinear(nn.Module):
    """A linear layer as its singular value decomposition, x V diag(sigma * mask.keep) U^T + b.

    The three factors are trained; nothing holds U and V orthogonal (Xia & Shin 2021). Under a learned mask every rank
    is computed, for the gradient of its score; else the kept ones alone. U and V are then there in blocks of ranks, of
    which those get a gradient, and a step of the optimizer, that have a kept one: the largest singular values lie side
    by side, so most blocks cost nothing. A state dict has both factors whole.

    Args:
        ut: Left singular vectors, as rows (ranks, out_features): so a rank is one piece of memory, quickly taken, and
            optimizers need no copy.
        sigma: Singular values (ranks,).
        vh: Right singular vectors (ranks, in_features).
        bias: (out_features,), or None.
        num_blocks: Of U and V.

    Attributes:
        mask: Of the ranks, (ranks,).
    """

    MASKED: ClassVar[str] = "sigma"
    BLOCKS: ClassVar[int] = 8  # of U and V under a reversible mask
    RANKS: ClassVar[tuple[str, ...]] = ("ut", "sigma", "vh")  # the factors, whose first dimension is of ranks
    mask: Mask

    def __init__(self, ut: Tensor, sigma: Tensor, vh: Tensor, bias: nn.Parameter | None, num_blocks: int = 1) -> None:
        super().__init__()
        self.out_features, self.in_features = ut.shape[1], vh.shape[1]
        self.ut_blocks, self.vh_blocks = (
            nn.ParameterList(block.clone(memory_format=torch.contiguous_format) for block in each.chunk(num_blocks))
            for each in (ut, vh)
        )
        self.sigma = nn.Parameter(sigma.contiguous())
        self.bias = bias
        self.register_state_dict_post_hook(_join_blocks)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_split_blocks)  # type: ignore[no-untyped-call]

    @classmethod
    def from_linear(
        cls,
        linear: nn.Linear,
        make_mask: Callable[[Tensor], Mask],
        num_ranks: int | None = None,
        factors: Factors | None = None,
    ) -> Self:
        """Return the decomposition of a layer under a mask.

        Args:
            linear: The layer; its bias is taken over, its weight is not.
            make_mask: Singular values, descending -> the mask of the ranks, on their device.
            num_ranks: The number of ranks. If None, min(out_features, in_features).
            factors: The whitening of the norm that a rank counts in. If None, the plain one.
        """
        ut, sigma, vh = (each[:num_ranks] for each in weighted_svd(linear.weight.detach(), factors))
        mask = make_mask(sigma)
        layer = cls(ut, sigma, vh, linear.bias, cls.BLOCKS if isinstance(mask, ReversibleMask) else 1)
        layer.mask = mask
        return layer.train(linear.training)

    @property
    def ut(self) -> Tensor:
        """U, its columns as rows (ranks, out_features)."""
        return _whole(self.ut_blocks)

    @property
    def vh(self) -> Tensor:
        """The rows of V^T (ranks, in_features)."""
        return _whole(self.vh_blocks)

    def forward(self, input: Tensor) -> Tensor:
        """Return the layer's output (..., out_features) of an input (..., in_features); honours autocast."""
        ut, sigma, vh = self._trained()
        inner = F.linear(input.reshape(-1, self.in_features), vh)
        inner = inner * sigma.to(inner.dtype)
        # Not F.linear, which would give the gradient of ut another layout than it has itself.
        output = inner @ ut if self.bias is None else torch.addmm(self.bias, inner, ut)
        return output.view(*input.shape[:-1], self.out_features)

    def _trained(self) -> tuple[Tensor, Tensor, Tensor]:
        """U^T, the masked singular values and V, as far as something of them gets a gradient."""
        if not self.mask.submasks:
            return self.masked_factors()
        sigma = _KeptValues.apply(  # type: ignore[no-untyped-call]
            self.sigma, *self.mask.operands
        )
        return self.ut, sigma, self.vh

    def masked_factors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the kept ranks of U^T (ranks, out_features), sigma (ranks,) and V^T (ranks, in_features)."""
        ranks = self.mask.keep.nonzero().flatten()
        if len(ranks) == len(self.sigma):
            return self.ut, self.sigma, self.vh
        size = len(self.ut_blocks[0])
        nums = torch.bincount(ranks // size, minlength=len(self.ut_blocks)).tolist()
        places = [each - number * size for number, each in enumerate(torch.split(ranks, nums))]
        used = [(number, own) for number, own in enumerate(places) if len(own)] or [(0, ranks)]
        ut, vh = (
            _whole([blocks[number].index_select(0, own) for number, own in used])
            for blocks in (self.ut_blocks, self.vh_blocks)
        )
        return ut, self.sigma.index_select(0, ranks), vh

    @property
    def masked(self) -> Tensor:
        """The singular values (ranks,), which the mask is of."""
        return self.sigma

    @torch.no_grad()
    def masked_weight(self) -> Tensor:
        """Return the matrix (out_features, in_features) that the layer computes with."""
        ut, sigma, vh = self.masked_factors()
        return (ut.t() * sigma) @ vh

    @torch.no_grad()
    def to_linear(self) -> nn.Linear:
        """Return a plain layer of the product of all ranks."""
        linear = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        linear.weight = nn.Parameter((self.ut.t() * self.sigma) @ self.vh)
        linear.bias = self.bias  # type: ignore[assignment]
        return linear.train(self.training)


def _whole(blocks: Sequence[Tensor] | nn.ParameterList) -> Tensor:
    return blocks[0] if len(blocks) == 1 else torch.cat([*blocks])


def _join_blocks(layer: nn.Module, state: dict[str, Tensor], prefix: str, metadata: Any) -> None:
    assert isinstance(layer, LowRankLinear)
    for factor, blocks in (("ut", layer.ut_blocks), ("vh", layer.vh_blocks)):
        own = [state.pop(f"{prefix}{factor}_blocks.{number}") for number in range(len(blocks))]
        state[f"{prefix}{factor}"] = _whole(own)


def _split_blocks(layer: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    assert isinstance(layer, LowRankLinear)
    for factor, blocks in (("ut", layer.ut_blocks), ("vh", layer.vh_blocks)):
        if (whole := state.pop(f"{prefix}{factor}", None)) is not None:
            for number, own in enumerate(torch.split(whole, len(blocks[0]))):
                state[f"{prefix}{factor}_blocks.{number}"] = own


MaskedLayer: TypeAlias = MaskedLinear | LowRankLinear


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
        dtype: torch.dtype,
        is_product: bool,
        values: Tensor,
        threshold: Tensor | None,
        *scores: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, values, threshold)
        ctx.how = dtype, is_product
        product = _product(weight, dtype, is_product, values, threshold)
        return F.linear(x, product, None if bias is None else bias.to(dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, values, threshold = ctx.saved_tensors
        needs_x, needs_weight, needs_bias, _, _, needs_values, _, *needs_others = ctx.needs_input_grad
        needs_scores = [needs_values, *needs_others]
        grad_x = grad_weight = grad_bias = grad_scores = None
        if needs_weight or any(needs_scores):
            grad_product = (grad_output.T @ x).to(weight.dtype)
            if any(needs_scores):
                grad_scores = grad_product * weight if needs_weight else grad_product.mul_(weight)
            if needs_weight:
                grad_weight = apply_mask(grad_product, values, threshold, out=grad_product)
        if needs_x:
            dtype, is_product = ctx.how
            grad_x = grad_output @ _product(weight, dtype, is_product, values, threshold)
        if needs_bias:
            grad_bias = grad_output.sum(0).to(weight.dtype)
        grad_values, *grads_others = (grad_scores if needed else None for needed in needs_scores)
        return grad_x, grad_weight, grad_bias, None, None, grad_values, None, *grads_others


def _product(weight: Tensor, dtype: torch.dtype, is_product: bool, values: Tensor, threshold: Tensor | None) -> Tensor:
    """Return the weight where it is kept, and zeros elsewhere: under a fixed mask the weight itself."""
    if is_product:
        return weight.to(dtype)
    return apply_mask(weight, values, threshold, out=torch.empty_like(weight, dtype=dtype))


class _KeptValues(torch.autograd.Function):
    """`sigma * keep`, whose mask hands its gradient on to the scores as if it were they."""

    @staticmethod
    def forward(ctx: Any, sigma: Tensor, values: Tensor, threshold: Tensor | None, *scores: Tensor) -> Tensor:
        ctx.save_for_backward(sigma, values, threshold)
        return apply_mask(sigma, values, threshold, out=torch.empty_like(sigma))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        sigma, values, threshold = ctx.saved_tensors
        grad_sigma = apply_mask(grad_output, values, threshold, out=torch.empty_like(grad_output))
        grad_scores = grad_output * sigma
        needed = ctx.needs_input_grad
        grad_values, *grads_others = (grad_scores if each else None for each in (needed[1], *needed[3:]))
        return grad_sigma if needed[0] else None, grad_values, None, *grads_others
