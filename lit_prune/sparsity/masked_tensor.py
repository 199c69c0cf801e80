"""`MaskedTensor`: a parameter of any network under a mask."""

from collections.abc import Iterable
from typing import ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lit_prune.sparsity.masks import FixedMask, Mask


class MaskedTensor:
    """A parameter under a mask.

    Args:
        parameter: The parameter; pruned entries are 0 in it unless it is revealed.
        module: The module that it belongs to.
    """

    MASKED: ClassVar[str] = ""  # the name is that of the tensor

    def __init__(self, parameter: nn.Parameter, module: nn.Module) -> None:
        self.parameter = parameter
        self.module = module
        self.mask: Mask
        self.hidden: Tensor | None = None  # the values of pruned entries, zeros elsewhere; None: revealed

    @property
    def masked(self) -> Tensor:
        """The parameter, pruned entries with the values that they return with."""
        return self.parameter if self.hidden is None else self.parameter.detach() + self.hidden

    @property
    def scores(self) -> list[nn.Parameter]:
        """The scores of a learned mask; none of another."""
        return [mask.scores for mask in self.mask.submasks.values()]

    def follow(self) -> None:
        """Move what belongs to the parameter to its device."""
        self.mask.to(self.parameter.device)
        if self.hidden is not None:
            self.hidden = self.hidden.to(self.parameter.device, self.parameter.dtype)

    @torch.no_grad()
    def hide(self) -> None:
        """Set pruned entries to 0; their values lie beside, unless the mask is fixed."""
        keep = self.mask.keep
        if isinstance(self.mask, FixedMask):
            self.hidden = torch.zeros_like(self.parameter) if self.hidden is None else self.hidden.zero_()
        else:
            whole = self.masked
            self.hidden = whole.masked_fill(keep, 0)
            self.parameter.copy_(whole)
        self.parameter.masked_fill_(~keep, 0)

    @torch.no_grad()
    def reveal(self) -> None:
        """Set pruned entries to the values that they return with."""
        if self.hidden is not None:
            self.parameter.add_(self.hidden)
            self.hidden = None

    @torch.no_grad()
    def receive(self, gradient: Tensor) -> Tensor:
        """Add a gradient to that of the scores, and return what the parameter gets of it; all of it if revealed."""
        if self.hidden is None:
            return gradient
        self.follow()
        for scores in self.scores:
            own = (gradient * self.masked).to(scores.dtype)
            scores.grad = own if scores.grad is None else scores.grad.add_(own)
        return gradient.masked_fill(~self.mask.keep, 0)


def hide(tensors: Iterable[MaskedTensor]) -> None:
    """Hide those of the tensors that are revealed."""
    for each in tensors:
        if each.hidden is None:
            each.hide()


def reveal(tensors: Iterable[MaskedTensor]) -> None:
    """Reveal tensors, and make the gradients of their scores those of all processes."""
    for each in tensors:
        each.reveal()
        if dist.is_available() and dist.is_initialized():
            for scores in each.scores:
                if scores.grad is not None:
                    dist.all_reduce(scores.grad)
                    scores.grad /= dist.get_world_size()
