"""Put masks into a network in place, find them again, take them out, and fold them into a dense state dict."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, Mask, TaskMasks
from lit_prune.sparsity.pairs import RankPair, install_saved_pairs, rank_pairs
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
        names: Names of its `nn.Linear` layers, or of its pairs where the structure takes these.
        make_mask: Makes the mask of a layer, from its name and the tensor that is masked: its weight, or what the
            structure has of it.
        structure: The unit that is pruned. If None, single entries.

    Raises:
        UserError: A named module is no `nn.Linear`.
    """
    structure = structure or Element()
    for name in names:
        linear = root.get_submodule(name)
        if not isinstance(linear, nn.Linear | RankPair):
            raise UserError(f"{name} must be an nn.Linear to be masked, got {type(linear).__name__}: leave it out")
        root.set_submodule(name, structure(linear, partial(make_mask, name)))


def install_saved(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put masks and pairs where a state dict has them, and factors in the place of matrices that it has by their ranks.

    `root.load_state_dict(state)` then fits. What is not learned is fixed.

    Args:
        root: The network, changed in place.
        state: Of a network that had masks; of several tasks, of some or all.
    """
    install_saved_pairs(root, state)
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
    """Fix each mask as it is now, in place; matrices that are pruned by rank become pairs of what they kept.

    Raises:
        UserError: masks differ by task.
    """
    by_task = masks_by_task(root)
    if len(by_task) > 1:
        raise UserError(
            f"masks must be the same for all tasks, got others for {', '.join(by_task)}: take one of the tasks, as "
            "data.only does"
        )
    for name, layer in masked_layers(root).items():
        if isinstance(layer, LowRankLinear):
            root.set_submodule(name, RankPair.of(layer))
        else:
            install(root, [name], lambda _, __, keep=layer.mask.keep: FixedMask(keep))  # type: ignore[misc]


def uninstall(root: nn.Module) -> None:
    """Put plain layers back, in place: what learned and reversible masks pruned takes part again."""
    for layers in (masked_layers, rank_pairs):
        for name, layer in layers(root).items():
            root.set_submodule(name, layer.to_linear())


def fold_masks(root: nn.Module) -> None:
    """Put plain layers in the place of the masked ones, in place, that compute the same: what is pruned is 0."""
    state = dense_state_dict(root)
    uninstall(root)
    root.load_state_dict(state)


def masked_layers(root: nn.Module) -> dict[str, MaskedLayer]:
    """Return the masked layers of a network by name, in module order."""
    return {name: module for name, module in root.named_modules() if isinstance(module, MaskedLinear | LowRankLinear)}


def learned_masks(root: nn.Module) -> dict[str, LearnedMask]:
    """Return the masks that have scores, by the name of their layer; where they differ by task, by `<layer>/<task>`."""
    return {
        f"{name}/{part}" if part else name: mask
        for name, layer in masked_layers(root).items()
        for part, mask in layer.mask.submasks.items()
    }


def current_masks(root: nn.Module) -> dict[str, Tensor]:
    """Return the mask of each masked tensor, by its name; of the task in use where masks differ by task."""
    return {f"{name}.{layer.MASKED}": layer.mask.keep for name, layer in masked_layers(root).items()}


def masks_by_task(root: nn.Module) -> dict[str, dict[str, Tensor]]:
    """Return the mask of each masked tensor, by name; by task, under an empty name if all tasks share them."""
    kept: dict[str, dict[str, Tensor]] = {}
    for name, layer in masked_layers(root).items():
        for task, keep in layer.mask.by_task.items():
            kept.setdefault(task, {})[f"{name}.{layer.MASKED}"] = keep
    return kept


def use_task(root: nn.Module, task: str) -> None:
    """Use the masks of a task, where masks differ by task."""
    for layer in masked_layers(root).values():
        if isinstance(layer.mask, TaskMasks):
            layer.mask.task = task


def dense_state_dict(root: nn.Module) -> dict[str, Tensor]:
    """The state dict that the network would have without masks and pairs: pruned weights are 0, `mask.*` keys gone."""
    state = {name: value for name, value in root.state_dict().items() if ".mask." not in name}
    for name, layer in masked_layers(root).items():
        for own in LowRankLinear.RANKS if isinstance(layer, LowRankLinear) else ("weight",):
            del state[f"{name}.{own}"]
        state[f"{name}.weight"] = layer.masked_weight()
    for name, pair in rank_pairs(root).items():
        del state[f"{name}.narrow.weight"], state[f"{name}.wide.weight"]
        state[f"{name}.weight"] = pair.masked_weight()
        if pair.wide.bias is not None:
            state[f"{name}.bias"] = state.pop(f"{name}.wide.bias")
    return state


def unmasked_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a pruned network as if nothing was pruned: whole matrices, without masks, factors and pairs."""
    whole = {name: value for name, value in state.items() if ".mask." not in name}
    for name in [name for name in whole if name.endswith(".sigma")]:
        layer = name.removesuffix(".sigma")
        ut, sigma, vh = (whole.pop(f"{layer}.{factor}") for factor in LowRankLinear.RANKS)
        whole[f"{layer}.weight"] = (ut.t() * sigma) @ vh
    for name in [name for name in whole if name.endswith(".narrow.weight")]:
        layer = name.removesuffix(".narrow.weight")
        whole[f"{layer}.weight"] = whole.pop(f"{layer}.wide.weight") @ whole.pop(name)
        if f"{layer}.wide.bias" in whole:
            whole[f"{layer}.bias"] = whole.pop(f"{layer}.wide.bias")
    return whole
