"""Put masks into a network in place, find them again, take them out, and fold them into a dense state dict."""

from collections.abc import Callable, Iterable
from functools import partial

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import LearnedMask, Mask, TaskMasks
from lit_prune.sparsity.structures import Element, Structure


def install(
    root: nn.Module,
    names: Iterable[str],
    make_mask: Callable[[str, Tensor], Mask],
    structure: Structure | None = None,
) -> None:
    """Replace layers by masked ones around the same parameters; a layer that is masked already gets a new mask.

    Args:
        root: The network, changed in place.
        names: Names of its `nn.Linear` layers.
        make_mask: Makes the mask of a layer, from its name and the tensor that is masked: its weight, or what the
            structure has of it.
        structure: What is kept or pruned as one, None: each element.

    Raises:
        UserError: A named module is no `nn.Linear`.
    """
    structure = structure or Element()
    for name in names:
        linear = root.get_submodule(name)
        if not isinstance(linear, nn.Linear):
            raise UserError(f"{name} is a {type(linear).__name__}: only nn.Linear can be masked")
        root.set_submodule(name, structure(linear, partial(make_mask, name)))


def uninstall(root: nn.Module) -> None:
    """Put plain layers back, in place: what learned and reversible masks pruned takes part again."""
    for name, masked in masked_layers(root).items():
        root.set_submodule(name, masked.to_linear())


def masked_layers(root: nn.Module) -> dict[str, MaskedLayer]:
    """The masked layers of a network by name, in module order."""
    return {name: module for name, module in root.named_modules() if isinstance(module, MaskedLinear | LowRankLinear)}


def learned_masks(root: nn.Module) -> dict[str, LearnedMask]:
    """The masks that have scores, by the name of their layer; where they differ by task, by `<layer>/<task>`."""
    return {
        f"{name}/{part}" if part else name: mask
        for name, layer in masked_layers(root).items()
        for part, mask in layer.mask.parts.items()
    }


def masks_by_task(root: nn.Module) -> dict[str, dict[str, Tensor]]:
    """What is kept of each masked tensor, by its name; by task, under an empty name where all tasks have the same."""
    kept: dict[str, dict[str, Tensor]] = {}
    for name, layer in masked_layers(root).items():
        for task, keep in layer.mask.keeps.items():
            kept.setdefault(task, {})[f"{name}.{layer.MASKED}"] = keep
    return kept


def use_task(root: nn.Module, task: str) -> None:
    """Have the masks of a task in use, where masks differ by task."""
    for layer in masked_layers(root).values():
        if isinstance(layer.mask, TaskMasks):
            layer.mask.task = task


def dense_state_dict(root: nn.Module) -> dict[str, Tensor]:
    """The state dict that the network would have without masks: pruned weights are 0, `mask.*` keys are gone."""
    state: dict[str, Tensor] = root.state_dict()
    for name, layer in masked_layers(root).items():
        own = [key for key in state if key.startswith(f"{name}.") and key != f"{name}.bias"]
        for key in own:
            del state[key]
        state[f"{name}.weight"] = layer.kept_weight()
    return state
