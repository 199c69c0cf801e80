"""Put masks into a network in place, find them again, take them out, and fold them into a dense state dict."""

from collections.abc import Callable, Iterable

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.masks import Mask


def install(root: nn.Module, names: Iterable[str], make_mask: Callable[[str, nn.Linear], Mask]) -> None:
    """Replace layers by masked ones around the same parameters; a layer that is masked already gets a new mask.

    Args:
        root: The network, changed in place.
        names: Names of its `nn.Linear` layers.
        make_mask: Makes the mask of a layer, from its name and the layer.

    Raises:
        UserError: A named module is no `nn.Linear`.
    """
    for name in names:
        linear = root.get_submodule(name)
        if not isinstance(linear, nn.Linear):
            raise UserError(f"{name} is a {type(linear).__name__}: only nn.Linear can be masked")
        root.set_submodule(name, MaskedLinear.from_linear(linear, make_mask(name, linear)))


def uninstall(root: nn.Module) -> None:
    """Put plain layers around the same parameters back, in place: what learned masks pruned takes part again."""
    for name, masked in masked_layers(root).items():
        linear = nn.Linear(masked.in_features, masked.out_features, bias=masked.bias is not None, device="meta")
        linear.weight, linear.bias = masked.weight, masked.bias
        root.set_submodule(name, linear.train(masked.training))


def masked_layers(root: nn.Module) -> dict[str, MaskedLinear]:
    """The masked layers of a network by name, in module order."""
    return {name: module for name, module in root.named_modules() if isinstance(module, MaskedLinear)}


def dense_state_dict(root: nn.Module) -> dict[str, Tensor]:
    """The state dict that the network would have without masks: pruned weights are 0, `mask.*` keys are gone."""
    state: dict[str, Tensor] = root.state_dict()
    for name, layer in masked_layers(root).items():
        for key in layer.mask.state_dict():
            del state[f"{name}.mask.{key}"]
        state[f"{name}.weight"] = layer.weight.detach().masked_fill(~layer.mask.keep, 0)
    return state
