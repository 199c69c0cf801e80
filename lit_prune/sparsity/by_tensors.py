"""`TensorEngine`: masks on the tensors of any network, whose modules, forward passes and hooks stay as they are.

Between the steps of an optimizer a masked parameter holds what is kept, and zeros: whatever reads it, a fused kernel or
a parent module, computes with the pruned network. What is pruned and may return lies beside, and is there while an
optimizer steps, so that training is that of masked layers (`LayerEngine`).
"""

import weakref
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import UninitializedParameter
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from lit_prune.errors import UserError
from lit_prune.sparsity.engine import Engine
from lit_prune.sparsity.masked_tensor import MaskedTensor, hide, reveal
from lit_prune.sparsity.masks import LearnedMask, Mask


class TensorEngine(Engine):
    """Masks on parameters, by hooks on their gradients and on the steps of whatever optimizers train them.

    The arguments are those of `Engine`, with the names of parameters as targets. A parameter that has several names is
    one.

    Attributes:
        num_steps: Optimizer steps taken by optimizers that train a masked parameter.
        after_step: Called after each of these steps with the optimizer, before the masks are applied again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tensors: dict[str, MaskedTensor] = {}
        self.num_steps = 0
        self.progress = 0.0  # of the last update
        self.after_step: Callable[[Optimizer], None] = lambda optimizer: None
        self._handles: list[Any] = []

    def attach(self, root: nn.Module) -> None:
        """Put masks on the targets; they keep everything until the first `update`.

        Raises:
            UserError: a parameter is sharded, has no values yet, or is pruned already.
        """
        taken = {id(each.parameter) for engine in tuple(_attached) for each in engine.tensors.values()}
        for name in self.layer_names:
            module = name.rpartition(".")[0]
            parameter = root.get_parameter(name)
            if hasattr(parameter, "device_mesh"):
                raise UserError(f"{name} must be a whole tensor to be masked, got a shard (FSDP2): train with DDP")
            if isinstance(parameter, UninitializedParameter) or parameter.is_meta:
                raise UserError(f"{name} must have values to be masked, got none: run the network, or load it, first")
            if id(parameter) in taken:
                raise UserError(f"{name} must be under one pruner, got a second: finalize the first")
            self.tensors[name] = MaskedTensor(parameter, root.get_submodule(module))
        super().attach(root)
        self.hide()
        for each in self.tensors.values():
            is_trained = each.parameter.requires_grad
            each.parameter.requires_grad_(True)  # a frozen one takes no hook, but may be trained later
            self._handles.append(each.parameter.register_hook(each.receive))  # type: ignore[no-untyped-call]
            each.parameter.requires_grad_(is_trained)
        _attached.add(self)
        _follow_optimizers()

    @property
    def layers(self) -> Mapping[str, MaskedTensor]:
        """The tensors that have a mask, by name."""
        return {name: each for name, each in self.tensors.items() if hasattr(each, "mask")}

    def weights(self) -> dict[str, Tensor]:
        """Return the targets' values, pruned entries with those that they return with."""
        return {name: each.masked for name, each in self.tensors.items()}

    def put(self, make_mask: Callable[[str, Tensor], Mask]) -> None:
        """Put masks on the targets."""
        for name, each in self.tensors.items():
            each.mask = make_mask(name, each.masked)

    def update(self, progress: float) -> float:
        """Bring the masks to the sparsity that the schedule has at `progress`, exactly, and apply them."""
        self._root  # noqa: B018 (an error after `finalize`)
        for each in self.layers.values():
            each.follow()
        flipped = super().update(progress)
        self.progress = progress
        self._share_masks()
        self.hide()
        return flipped

    def _share_masks(self) -> None:
        """Use the masks of the first process in all: a criterion may draw numbers, or observe examples, of its own."""
        if dist.is_available() and dist.is_initialized():
            for each in self.layers.values():
                if not isinstance(each.mask, LearnedMask):
                    dist.broadcast(each.mask.keep, 0)

    def hide(self) -> None:
        """Set pruned entries to 0."""
        for each in self.layers.values():
            each.hide()

    @torch.no_grad()
    def mask_again(self) -> None:
        """Set pruned entries to 0 in values that something else has put into the parameters, as an average of them."""
        for each in self.layers.values():
            each.parameter.masked_fill_(~each.mask.keep, 0)

    def replace(self, name: str, value: Tensor) -> None:
        """Set the values of a masked tensor, also of its pruned entries; `update` hides them."""
        self.tensors[name].hidden = None
        self.tensors[name].parameter.copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Return the masks' tensors, and the values that pruned entries return with, by the name of their tensor."""
        hidden = {f"{name}.hidden": each.hidden for name, each in self.layers.items()}
        return {**super().state_dict(), **hidden, "num_steps": self.num_steps, "progress": self.progress}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned, in a network that has its weights already."""
        super().load_state_dict(state)
        self.num_steps = state["num_steps"]
        self.progress = state.get("progress", 0.0)  # earlier versions saved none
        for name, each in self.layers.items():
            each.hidden = state[f"{name}.hidden"].to(each.parameter.device, each.parameter.dtype)

    def finalize(self) -> nn.Module:
        """Set pruned entries to 0 for good, let go of the network, and return it."""
        self.hide()
        return self._detach()

    def undo(self) -> nn.Module:
        """Set pruned entries to the values that they return with, let go of the network, and return it."""
        for each in self.tensors.values():
            each.reveal()
        return self._detach()

    def _detach(self) -> nn.Module:
        root = self._root
        _attached.discard(self)
        for handle in self._handles:
            handle.remove()
        self._handles, self.root = [], None
        for each in self.tensors.values():
            each.hidden = None
        return root

    # ---- steps -----------------------------------------------------------------------------------------------------

    def _of(self, optimizer: Optimizer) -> dict[str, MaskedTensor]:
        """Return the tensors of which an optimizer trains the values or the scores, by name."""
        trained = ids_trained_by(optimizer)
        return {
            name: each
            for name, each in self.layers.items()
            if any(id(parameter) in trained for parameter in (each.parameter, *each.scores))
        }

    def before_step_of(self, optimizer: Optimizer, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Reveal what an optimizer trains; after its closure, if it is given one, which computes the gradients.

        Returns:
            The arguments of its `step`.
        """
        own = self._of(optimizer)
        if not own:
            return args, kwargs
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            self._prepare_step(optimizer, own)
            return args, kwargs

        def preparing() -> Any:
            hide(own.values())  # an optimizer may call its closure again
            loss = closure()
            self._prepare_step(optimizer, own)
            return loss

        return ((args[0], preparing, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": preparing})

    def _prepare_step(self, optimizer: Optimizer, own: Mapping[str, MaskedTensor]) -> None:
        """Reveal tensors whose gradients are there, and let the criterion use these."""
        reveal(own.values())
        if self.criterion.observes or self.criterion.penalizes:
            _unscale(optimizer)
        if self.criterion.observes:
            self.criterion.observe({name: each for name, each in own.items() if each.parameter.grad is not None})
        if self.criterion.penalizes:
            self._add_penalty(optimizer, own)

    @torch.enable_grad()
    def _add_penalty(self, optimizer: Optimizer, own: Mapping[str, MaskedTensor]) -> None:
        """Add the gradient of the criterion's penalty to those of what an optimizer trains, as if a loss had it."""
        penalty = self.penalty(self.progress)
        if penalty is None or not penalty.requires_grad:
            return
        trained = ids_trained_by(optimizer)
        parameters = [each for masked in own.values() for each in (masked.parameter, *masked.scores)]
        parameters = [each for each in parameters if each.requires_grad and id(each) in trained]
        # Not by `backward`, whose gradients DDP would wait for.
        for each, gradient in zip(parameters, torch.autograd.grad(penalty, parameters, allow_unused=True), strict=True):
            if gradient is not None:
                each.grad = gradient if each.grad is None else each.grad.add_(gradient)

    def after_step_of(self, optimizer: Optimizer) -> None:
        """Count an optimizer's step, and hide what it has trained."""
        own, trained = self._of(optimizer), ids_trained_by(optimizer)
        if any(id(each.parameter) in trained for each in own.values()):
            self.num_steps += 1
            self.after_step(optimizer)
        hide(own.values())


# All optimizers of the process call the same two hooks. They are never removed: an engine may be dropped while torch
# goes through its hooks, which must not change then.
_attached: weakref.WeakSet[TensorEngine] = weakref.WeakSet()


@cache
def _follow_optimizers() -> None:
    register_optimizer_step_pre_hook(_before_step)
    register_optimizer_step_post_hook(_after_step)


def _before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> tuple[Any, Any]:
    for engine in tuple(_attached) if _is_real(optimizer) else ():
        args, kwargs = engine.before_step_of(optimizer, args, kwargs)
    return args, kwargs


def _after_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    for engine in tuple(_attached) if _is_real(optimizer) else ():
        engine.after_step_of(optimizer)


def _is_real(optimizer: Optimizer) -> bool:
    """False while a fused optimizer takes a step that changes nothing: its scaler found gradients that overflowed."""
    return not getattr(optimizer, "found_inf", False)


def _unscale(optimizer: Optimizer) -> None:
    """Unscale the gradients of a fused optimizer, which would do so as it uses them."""
    scale = getattr(optimizer, "grad_scale", None)
    if scale is not None:
        for each in (each for group in optimizer.param_groups for each in group["params"] if each.grad is not None):
            each.grad /= scale
        optimizer.grad_scale = None  # type: ignore[attr-defined]


def ids_trained_by(optimizer: Optimizer) -> set[int]:
    """Return the ids of the parameters that an optimizer trains."""
    return {id(each) for group in optimizer.param_groups for each in group["params"]}
