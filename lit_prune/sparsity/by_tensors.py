"""`TensorEngine`: masks on the tensors of any network, whose modules, forward passes and hooks stay as they are.

Between the steps of an optimizer a masked parameter holds what is kept, and zeros: whatever reads it, a fused kernel or
a parent module, computes with the pruned network. What is pruned and may return lies beside, and is there while an
optimizer steps, so that training is that of masked layers (`LayerEngine`).
"""

import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from lit_prune.errors import UserError
from lit_prune.sparsity.engine import Engine
from lit_prune.sparsity.masks import FixedMask, Mask


class MaskedTensor:
    """A parameter under a mask.

    Args:
        parameter: It holds what is kept, and zeros, unless it is revealed.
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
        value = self.parameter.detach()
        return value if self.hidden is None else value + self.hidden

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
        """Add a gradient to that of the scores, and return what the parameter gets of it."""
        for scores in self.scores:
            own = (gradient * self.masked).to(scores.dtype)
            scores.grad = own if scores.grad is None else scores.grad.add_(own)
        return gradient.masked_fill(~self.mask.keep, 0)


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
        self.after_step: Callable[[Optimizer], None] = lambda optimizer: None
        self._handles: list[Any] = []

    def attach(self, root: nn.Module) -> None:
        """Put masks on the targets; they keep everything until the first `update`.

        Raises:
            UserError: a parameter is sharded.
        """
        for name in self.layer_names:
            module = name.rpartition(".")[0]
            parameter = root.get_parameter(name)
            if hasattr(parameter, "device_mesh"):
                raise UserError(f"{name} must be a whole tensor to be masked, got a shard (FSDP2): train with DDP")
            self.tensors[name] = MaskedTensor(parameter, root.get_submodule(module))
        super().attach(root)
        for each in self.tensors.values():
            if each.parameter.requires_grad:
                hook = partial(self._receive, each)
                self._handles.append(each.parameter.register_hook(hook))  # type: ignore[no-untyped-call]
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
        for each in self.layers.values():
            each.follow()
        flipped = super().update(progress)
        self.hide()
        return flipped

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
        hidden = {f"{name}.hidden": each.hidden for name, each in self.layers.items() if each.hidden is not None}
        return {**super().state_dict(), **hidden, "num_steps": self.num_steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned, in a network that has its weights already."""
        super().load_state_dict(state)
        self.num_steps = state["num_steps"]
        for name, each in self.layers.items():
            hidden = state.get(f"{name}.hidden")
            each.hidden = None if hidden is None else hidden.to(each.parameter.device, each.parameter.dtype)

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
        self._handles, self.root, self.tensors = [], None, {}
        return root

    # ---- steps -----------------------------------------------------------------------------------------------------

    def _receive(self, masked: MaskedTensor, gradient: Tensor) -> Tensor:
        if not hasattr(masked, "mask"):
            return gradient
        masked.follow()
        return masked.receive(gradient)

    def _of(self, optimizer: Optimizer) -> list[MaskedTensor]:
        """Return the tensors of which an optimizer trains the values or the scores."""
        trained = ids_trained_by(optimizer)
        return [
            each
            for each in self.layers.values()
            if id(each.parameter) in trained or any(id(scores) in trained for scores in each.scores)
        ]

    def before_step_of(self, optimizer: Optimizer, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Reveal what an optimizer trains; after its closure, if it is given one, which computes the gradients.

        Returns:
            The arguments of its `step`.
        """
        own = self._of(optimizer)
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            _reveal(own)
        if closure is None or not own:
            return args, kwargs

        def revealing() -> Any:
            _hide(own)  # an optimizer may call its closure again
            loss = closure()
            _reveal(own)
            return loss

        return ((args[0], revealing, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": revealing})

    def after_step_of(self, optimizer: Optimizer) -> None:
        """Count an optimizer's step, and hide what it has trained."""
        own, trained = self._of(optimizer), ids_trained_by(optimizer)
        if any(id(each.parameter) in trained for each in own):
            self.num_steps += 1
            self.after_step(optimizer)
        _hide(own)


# All optimizers of the process call the same two hooks. They are never removed: an engine may be dropped while torch
# goes through its hooks, which must not change then.
_attached: weakref.WeakSet[TensorEngine] = weakref.WeakSet()


@cache
def _follow_optimizers() -> None:
    register_optimizer_step_pre_hook(_before_step)
    register_optimizer_step_post_hook(_after_step)


def _before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> tuple[Any, Any]:
    for engine in tuple(_attached):
        args, kwargs = engine.before_step_of(optimizer, args, kwargs)
    return args, kwargs


def _after_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    for engine in tuple(_attached):
        engine.after_step_of(optimizer)


def ids_trained_by(optimizer: Optimizer) -> set[int]:
    """Return the ids of the parameters that an optimizer trains."""
    return {id(each) for group in optimizer.param_groups for each in group["params"]}


def _hide(tensors: Iterable[MaskedTensor]) -> None:
    """Hide those of the tensors that are revealed."""
    for each in tensors:
        if each.hidden is None:
            each.hide()


def _reveal(tensors: Iterable[MaskedTensor]) -> None:
    """Reveal tensors, and make the gradients of their scores those of all processes."""
    for each in tensors:
        each.reveal()
        if dist.is_available() and dist.is_initialized():
            for scores in each.scores:
                if scores.grad is not None:
                    dist.all_reduce(scores.grad)
                    scores.grad /= dist.get_world_size()
