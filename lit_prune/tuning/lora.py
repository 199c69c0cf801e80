"""LoRA: low-rank updates of matrices (Hu et al. 2022), by peft."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.pairs import split_pairs
from lit_prune.sparsity.targets import TARGETS, layers_in, match
from lit_prune.tuning.method import Method
from lit_prune.tuning.names import owner_of, parts_in


class Lora(Method):
    """Low-rank updates of matrices, W x + alpha / rank * B A x, with B initially 0.

    Requires the extra `peft`. The two factors of a matrix that is pruned by rank have separate updates, so that merging
    does not increase its rank.

    Args:
        rank: Rank of the update.
        alpha: peft's `lora_alpha`, the scale of the update times the rank. None for the rank, a scale of 1.
        dropout: Dropout on the input of A.
        targets: Name patterns of weights of linear layers. None for the matrices of the Transformer layers (query, key,
            value, attention output, intermediate, output), or all linear layers for families without a table in
            `sparsity.targets`.
    """

    def __init__(
        self, rank: int = 4, alpha: float | None = None, dropout: float = 0.0, targets: list[str] | None = None
    ) -> None:
        super().__init__(targets)
        if rank < 1:
            raise UserError(f"rank must be at least 1, got {rank}: peft's default is 8")
        if alpha is not None and not 0 < alpha < math.inf:
            raise UserError(f"alpha must be positive, got {alpha}: leave it out for a scale of 1")
        if not 0 <= dropout < 1:
            raise UserError(f"dropout must be at least 0 and below 1, got {dropout}: it is a probability")
        self.rank = rank
        self.alpha = float(rank if alpha is None else alpha)
        self.dropout = dropout

    def names(self, root: nn.Module) -> list[str]:
        """Return the names of the weights of linear layers among the targets."""
        linear = [name for name in super().names(root) if _is_linear(root, name)]
        model_type = getattr(root.get_submodule("encoder"), "model_type", "")
        if self.targets is not None or model_type not in TARGETS:
            return linear
        matrices = layers_in(split_pairs(root, match(root, model_type, without=("pooler", "classifier"))))
        return [name for name in linear if name.removesuffix(".weight") in matrices]

    def check(self, root: nn.Module) -> None:
        """Check that peft is installed, that targets are linear layers, and that merging keeps pruned entries at 0.

        Raises:
            UserError: peft is not installed, no target is a linear layer, or a layer is masked.
        """
        if masked_layers(root):
            raise UserError(
                "start_from must be dense or pruned by rank for Lora, got a model pruned by element, whose zeros a "
                "merged update would fill: use ChosenEntries or Adapter, which keep them"
            )
        if not self.names(root):
            raise UserError(f"targets must name a weight of a linear layer, got {self.targets}: see lit_prune.tuning")
        require_peft("Lora")

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Install the updates and freeze the rest of the encoder."""
        layers = [name.removesuffix(".weight") for name in self.names(root)]
        self._inject(root, layers, has_alpha=self.alpha != self.rank)

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Install the updates in a state dict; version 0.1.0 had other default targets, and no alpha."""
        factors = {name: parts for name, parts in parts_in(state).items() if "A" in parts}
        has_alpha = any("alpha" in parts for parts in factors.values())
        self._inject(root, [name.removesuffix(".weight") for name in factors], has_alpha)

    def _inject(self, root: nn.Module, layers: Iterable[str], has_alpha: bool) -> None:
        """Install peft's LoRA in layers; alpha is in the state dict unless the scale is 1."""
        from peft import LoraConfig, inject_adapter_in_model

        names = [name.removeprefix("encoder.") for name in layers]
        alpha = self.alpha if has_alpha else self.rank
        config = LoraConfig(r=self.rank, lora_alpha=alpha, lora_dropout=self.dropout, target_modules=names)
        encoder = root.get_submodule("encoder")
        inject_adapter_in_model(config, encoder)
        if has_alpha:
            for name in names:
                factor = encoder.get_submodule(f"{name}.lora_A.default")
                factor.register_buffer("alpha", torch.tensor(alpha, device=next(factor.parameters()).device))


def require_peft(feature: str) -> None:
    """Check that peft is installed.

    Raises:
        UserError: peft is not installed.
    """
    try:
        import peft  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"peft must be installed for {feature}, got none: pip install peft, or the extra peft of this package"
        ) from error


def _is_linear(root: nn.Module, name: str) -> bool:
    owner, tensor_name = owner_of(root, name)
    return tensor_name == "weight" and isinstance(owner, nn.Linear)
