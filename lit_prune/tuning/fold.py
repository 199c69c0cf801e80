"""The plain network that a tuned one computes as, from its state dict alone."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lit_prune.tuning.changes import gate
from lit_prune.tuning.entries import with_values
from lit_prune.tuning.linear import plain_linear
from lit_prune.tuning.names import parts_in, without_parts


def fold(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of the network without parametrizations and LoRA, what they make of a tensor in its place.

    Args:
        state: Of a network that is tuned; the originals are in it under their own names, or their plain ones.
    """
    folded = without_parts(state)
    for name, parts in parts_in(state).items():
        folded[name] = _folded(folded[name], parts)
    return folded


def merge_lora(original: Tensor, parts: Mapping[str, Tensor]) -> Tensor:
    """Return W + alpha / rank * B A.

    Args:
        original: W (out_features, in_features).
        parts: `A` (rank, in_features), `B` (out_features, rank) and, unless it is the rank, `alpha`.
    """
    update = parts["B"] @ parts["A"]
    return original + (update * (parts["alpha"] / len(parts["A"])) if "alpha" in parts else update)


def _folded(original: Tensor, parts: Mapping[str, Tensor]) -> Tensor:
    if "index" in parts:
        return with_values(original, parts["index"], parts["values"])
    if "A" in parts:
        return merge_lora(original, parts)
    if "stays" in parts:
        return original + parts["delta"] * parts["stays"]
    if "alpha" in parts:
        return original + gate(parts["alpha"]) * parts["delta"]
    return original + parts["delta"]


@torch.no_grad()
def fold_tuned(root: nn.Module) -> None:
    """Put plain tensors and layers in place of parametrizations and LoRA's updates, in place, that compute the same.

    Adapters stay, as they are layers of their own.
    """
    for module in [each for each in root.modules() if parametrize.is_parametrized(each)]:
        for name, parametrizations in list(module.parametrizations.items()):  # type: ignore[union-attr, operator]
            parametrizations.eval()
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)
        plain_linear(module)
        if "bias" in module._parameters:  # as in a plain layer last: optimizers number parameters by their order
            module._parameters["bias"] = module._parameters.pop("bias")
    for name, module in [each for each in root.named_modules() if hasattr(each[1], "lora_A")]:
        parts = parts_in({f"{name}.{own}": value for own, value in module.state_dict().items()})
        layer = module.get_submodule("base_layer")
        weight = layer.get_parameter("weight")
        weight.copy_(merge_lora(weight, parts[f"{name}.weight"]))
        root.set_submodule(name, layer)
