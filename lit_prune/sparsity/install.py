"""Put masks into a network in place, find them again, take them out, and fold them into a dense state dict."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, Mask, TaskMasks
from lit_prune.sparsity.structures import Element, Structure

_SAVED = re.compile(r"(?P<layer>.+)\.mask\.(?:(?P<part>shared|own\.[^.]+)\.)?(?P<kind>scores|keep)")


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


def install_saved(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put masks where a state dict has them, and factors in the place of matrices that it has by their ranks.

    `root.load_state_dict(state)` then fits. What is not learned is fixed.

    Args:
        root: The network, changed in place.
        state: Of a network that had masks; of several tasks, of some or all.
    """
    masks: dict[str, dict[str, LearnedMask | FixedMask]] = {}  # layer -> part -> mask
    for name, value in state.items():
        if found := _SAVED.fullmatch(name):
            mask = LearnedMask(value) if found["kind"] == "scores" else FixedMask(value)
            masks.setdefault(found["layer"], {})[found["part"] or ""] = mask
    for layer, parts in masks.items():
        own = {part.removeprefix("own."): mask for part, mask in parts.items() if part.startswith("own.")}
        shared = parts.get("shared")
        assert shared is None or isinstance(shared, LearnedMask)
        whole = TaskMasks(own, shared) if own else parts[""]
        if f"{layer}.sigma" in state:
            ut, sigma, vh = (state[f"{layer}.{factor}"].float() for factor in LowRankLinear.RANKS)
            by_rank = LowRankLinear(ut, sigma, vh, root.get_submodule(layer).bias)  # type: ignore[arg-type]
            by_rank.mask = whole
            root.set_submodule(layer, by_rank)
        else:
            install(root, [layer], lambda _, weight, mask=whole: mask)  # type: ignore[misc]


def fix_masks(root: nn.Module) -> None:
    """Have each mask stay what it is now, in place.

    Raises:
        UserError: masks differ by task.
    """
    by_task = masks_by_task(root)
    if len(by_task) > 1:
        raise UserError(f"masks differ by task ({', '.join(by_task)}): take one of the tasks, as data.only does")
    (keeps,) = by_task.values()
    names = [name.rpartition(".")[0] for name in keeps]
    install(root, names, lambda name, _: FixedMask(keeps[f"{name}.weight"]))


def uninstall(root: nn.Module) -> None:
    """Put plain layers back, in place: what learned and reversible masks pruned takes part again."""
    for name, masked in masked_layers(root).items():
        root.set_submodule(name, masked.to_linear())


def fold_masks(root: nn.Module) -> None:
    """Put plain layers in the place of the masked ones, in place, that compute the same: what is pruned is 0."""
    state = dense_state_dict(root)
    uninstall(root)
    root.load_state_dict(state)


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
