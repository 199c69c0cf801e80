"""Adapters: a narrow network after the feed-forward part of each layer (Houlsby et al. 2019; Pfeiffer et al. 2021)."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.targets import layers_in, match
from lit_prune.tuning.method import Losses, Method, Sum

_DOWN = re.compile(r"(?P<layer>.+)\.adapter\.down\.weight")
_STD = 0.02  # of the weights at first, as BERT's


class Bottleneck(nn.Module):
    """x -> up(relu(down(x))), which is added to x.

    Args:
        features: The width of x.
        width: The width between the two layers.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(features, width)
        self.up = nn.Linear(width, features)
        for layer in (self.down, self.up):
            nn.init.normal_(layer.weight, std=_STD)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """What is added to x (..., features)."""
        added: Tensor = self.up(self.down(x).relu())
        return added


class Adapter(Method):
    """Narrow networks of their own are trained after each feed-forward part; the encoder itself stays as it is.

    Args:
        reduction: How many times narrower than the encoder they are.
    """

    def __init__(self, reduction: int = 16) -> None:
        super().__init__()
        if reduction < 1:
            raise UserError(f"reduction is {reduction}, needed is a number from 1 on")
        self.reduction = reduction

    def names(self, root: nn.Module) -> list[str]:
        """The layers that end the feed-forward parts."""
        encoder = root.get_submodule("encoder")
        return layers_in(match(root, str(encoder.model_type), ["output"]))

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Put them after their layers."""
        root.get_submodule("encoder").requires_grad_(False)
        for name in self.names(root):
            layer = root.get_submodule(name)
            add_adapter(layer, max(1, int(layer.out_features) // self.reduction))  # type: ignore[arg-type]


def add_adapter(layer: nn.Module, width: int) -> None:
    """Have what a linear layer says go through a narrow network of this width besides; in place."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    layer.adapter = Bottleneck(weight.shape[0], width).to(weight.device)
    layer.register_forward_hook(_adapt)


def install_saved_adapters(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put adapters where a state dict has them, in place: `root.load_state_dict(state)` then fits."""
    for name, value in state.items():
        if found := _DOWN.fullmatch(name):
            add_adapter(root.get_submodule(found["layer"]), value.shape[0])


def has_adapters(root: nn.Module) -> bool:
    """Whether a network has adapters."""
    return any(isinstance(module, Bottleneck) for module in root.modules())


def _adapt(layer: nn.Module, _: Any, output: Tensor) -> Tensor:
    added: Tensor = layer.adapter(output)  # type: ignore[operator]
    return output + added
