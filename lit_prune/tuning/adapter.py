"""Bottleneck adapters in each Transformer layer (Houlsby et al. 2019; Pfeiffer et al. 2021)."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.targets import find, layers_in, match
from lit_prune.tuning.method import Method

_DOWN = re.compile(r"(?P<layer>.+)\.adapter\.down\.weight")
_STD = 0.02  # initial standard deviation of the down-projection, as in BERT

# Modules after the feed-forward residual: a layer's last LayerNorm, or the layer itself if that comes first in it.
_ENDS = {
    "distilbert": "encoder.backbone.transformer.layer.*.output_layer_norm",
    "albert": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.full_layer_layer_norm",
    "modernbert": "encoder.backbone.layers.*",
    "eurobert": "encoder.backbone.layers.*",
    "nomic_bert": "encoder.backbone.layers.*.post_mlp_layernorm",
    "t5": "encoder.backbone.encoder.block.*.layer.1",
}
_END = "encoder.backbone.encoder.layer.*.output.LayerNorm"


class Bottleneck(nn.Module):
    """A bottleneck of two projections, up(relu(down(x))), whose output is added to x and is initially 0.

    Args:
        features: Width of x.
        width: Width of the bottleneck.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(features, width)
        self.up = nn.Linear(width, features)
        nn.init.normal_(self.down.weight, std=_STD)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, x: Tensor) -> Tensor:
        """Return the term to add to x (..., features)."""
        added: Tensor = self.up(self.down(x).relu())
        return added


class Adapter(Method):
    """Bottleneck adapters in each Transformer layer; the encoder itself is frozen.

    Adapters are initially the identity: the up-projection is 0.

    Args:
        reduction: Width of the encoder divided by the width of the adapters.
        position: `pfeiffer` (Pfeiffer et al. 2021, AdapterHub's default; Fu et al. 2023): one adapter at the end of
            each layer, LN(A(LN(x + residual)) + x + residual), with x the feed-forward output and LN the layer's last
            LayerNorm. Layers of ModernBERT end without a LayerNorm: h + A(h). `houlsby` (Houlsby et al. 2019): two
            adapters per layer, x + A(x) of the attention output and of the feed-forward output, before dropout and
            residual.
    """

    def __init__(self, reduction: int = 16, position: Literal["pfeiffer", "houlsby"] = "pfeiffer") -> None:
        super().__init__()
        if reduction < 1:
            raise UserError(f"reduction must be at least 1, got {reduction}: it divides the encoder's width")
        self.reduction = reduction
        self.position = position

    def names(self, root: nn.Module) -> list[str]:
        """Return the names of the modules that adapters follow."""
        model_type = str(root.get_submodule("encoder").model_type)
        outputs = layers_in(match(root, model_type, ["attention_output", "output"]))
        return outputs if self.position == "houlsby" else list(find(root, _ENDS.get(model_type, _END)))

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Freeze the encoder and insert the adapters; those that are there already are trained further."""
        encoder = root.get_submodule("encoder").requires_grad_(False)
        features = int(encoder.hidden_size)  # type: ignore[arg-type]
        for name in self.names(root):
            if not hasattr(layer := root.get_submodule(name), "adapter"):
                add_adapter(layer, features, max(1, features // self.reduction))

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Freeze the encoder and insert adapters at the positions in the state, which differ in version 0.1.0."""
        root.get_submodule("encoder").requires_grad_(False)
        install_saved_adapters(root, state)


def add_adapter(layer: nn.Module, features: int, width: int) -> None:
    """Insert a bottleneck adapter after a module, in place.

    Args:
        layer: A LayerNorm, whose input gets the adapter's output added and is normalised again, or any other module,
            whose output gets the adapter's output added.
        features: Width of the module's output.
        width: Width of the adapter.
    """
    device = next(layer.parameters()).device
    layer.adapter = Bottleneck(features, width).to(device)
    layer.register_forward_hook(_adapt_norm if _is_norm(layer) else _adapt)


def install_saved_adapters(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Insert adapters at the positions in a state dict, in place, so that the state dict can be loaded."""
    for name, value in state.items():
        if (found := _DOWN.fullmatch(name)) and not hasattr(layer := root.get_submodule(found["layer"]), "adapter"):
            width, features = value.shape
            add_adapter(layer, features, width)


def has_adapters(root: nn.Module) -> bool:
    """True if a model has adapters."""
    return any(isinstance(module, Bottleneck) for module in root.modules())


def _is_norm(layer: nn.Module) -> bool:
    weight = getattr(layer, "weight", None)
    return isinstance(weight, Tensor) and weight.ndim == 1


def _adapt(layer: nn.Module, _: Any, output: Tensor) -> Tensor:
    added: Tensor = layer.adapter(output)  # type: ignore[operator]
    return output + added


def _adapt_norm(norm: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    added: Tensor = norm.adapter(output)  # type: ignore[operator]
    adapted: Tensor = norm.forward(inputs[0] + added)  # calling the module would run this hook again
    return adapted
