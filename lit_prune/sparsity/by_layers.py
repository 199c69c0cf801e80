"""`LayerEngine`: masks by masked layers in the place of plain ones, the attachment with the least memory."""

from collections.abc import Callable

from torch import Tensor, nn

from lit_prune.sparsity.engine import Engine
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.layers import MaskedLayer
from lit_prune.sparsity.masks import Mask


class LayerEngine(Engine):
    """Masks over layers that compute with them: `nn.Linear` becomes `MaskedLinear`, or `LowRankLinear`.

    For networks that call their layers, as the package's own encoders do; see `TensorEngine` for those that read the
    weights themselves. The arguments are those of `Engine`, with targets as `targets.match` returns them.
    """

    @property
    def layers(self) -> dict[str, MaskedLayer]:
        """The masked layers, by name."""
        every = masked_layers(self._root)
        return {name: every[name] for name in self.layer_names if name in every}

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the layers."""
        return {name: self._root.get_parameter(f"{name}.weight") for name in self.layer_names}

    def put(self, make_mask: Callable[[str, Tensor], Mask]) -> None:
        """Put masked layers in the place of the targets.

        Raises:
            UserError: a target is no linear layer.
        """
        install(self._root, self.layer_names, make_mask, self.structure)

    def replace(self, name: str, value: Tensor) -> None:
        """Set the values of a masked weight, also of its pruned entries."""
        self.layers[name].masked.copy_(value)

    def finalize(self) -> nn.Module:
        """Put plain layers back that compute the same, in place, and return the network: pruned entries are 0."""
        root = self._root
        for name, layer in self.layers.items():
            plain = layer.to_linear()
            plain.weight.data.copy_(layer.masked_weight())
            root.set_submodule(name, plain)
        self.root = None
        return root
