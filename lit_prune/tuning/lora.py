"""LoRA: a low-rank update beside each matrix (Hu et al. 2022), through peft."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.pairs import split_pairs
from lit_prune.sparsity.targets import TARGETS, layers_in, match
from lit_prune.tuning.method import Losses, Method, Sum
from lit_prune.tuning.names import owner_of, parts_in


class Lora(Method):
    """Train two narrow matrices beside each matrix, W x + alpha / rank * B A x; B is 0 at first.

    Needs the extra `peft`. Beside a matrix that is pruned by rank, each of its two kept factors has an update of its
    own: merged, the matrix has no more ranks than before.

    Args:
        rank: The width of the narrow matrices.
        alpha: Scale of the update, times the rank, as peft's `lora_alpha`. None: the rank, a scale of 1.
        dropout: Of the input of A.
        targets: Name patterns of weights of linear layers. None: the matrices of the Transformer layers (query, key,
            value, attention output, intermediate, output); of a family that `sparsity.targets` has no table for, those
            of all linear layers.
    """

    def __init__(
        self, rank: int = 4, alpha: float | None = None, dropout: float = 0.0, targets: list[str] | None = None
    ) -> None:
        super().__init__(targets)
        if rank < 1:
            raise UserError(f"rank must be at least 1, got {rank}: it is the width of LoRA's narrow matrices")
        if alpha is not None and not 0 < alpha < math.inf:
            raise UserError(f"alpha must be positive, got {alpha}: leave it out for a scale of 1")
        if not 0 <= dropout < 1:
            raise UserError(f"dropout must be at least 0 and below 1, got {dropout}: it is a probability")
        self.rank = rank
        self.alpha = float(rank if alpha is None else alpha)
        self.dropout = dropout

    def names(self, root: nn.Module) -> list[str]:
        """Return the weights of linear layers among the targets."""
        linear = [name for name in super().names(root) if _is_linear(root, name)]
        model_type = getattr(root.get_submodule("encoder"), "model_type", "")
        if self.targets is not None or model_type not in TARGETS:
            return linear
        matrices = layers_in(split_pairs(root, match(root, model_type, without=("pooler", "classifier"))))
        return [name for name in linear if name.removesuffix(".weight") in matrices]

    def check(self, root: nn.Module) -> None:
        """Check that peft is installed, that a target is a linear layer, and that merging fills no zeros.

        Raises:
            UserError: one of these is not so.
        """
        if masked_layers(root):
            raise UserError(
                "start_from must be dense or pruned by rank for Lora, got a model pruned by element, whose zeros a "
                "merged update would fill: use ChosenEntries or Adapter, which keep them"
            )
        if not self.names(root):
            raise UserError(f"targets must name a weight of a linear layer, got {self.targets}: see lit_prune.tuning")
        need_peft("Lora")

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Put the narrow matrices beside the layers."""
        layers = [name.removesuffix(".weight") for name in self.names(root)]
        self._inject(root, layers, has_alpha=self.alpha != self.rank)

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Put them where a state has them: 0.1.0 had other default targets, and no alpha."""
        factors = {name: parts for name, parts in parts_in(state).items() if "A" in parts}
        has_alpha = any("alpha" in parts for parts in factors.values())
        self._inject(root, [name.removesuffix(".weight") for name in factors], has_alpha)

    def _inject(self, root: nn.Module, layers: Iterable[str], has_alpha: bool) -> None:
        """Install peft's LoRA beside layers; alpha is in the state dict unless the scale is 1."""
        from peft import LoraConfig, inject_adapter_in_model

        names = [name.removeprefix("encoder.") for name in layers]
        alpha = self.alpha if has_alpha else self.rank
        config = LoraConfig(r=self.rank, lora_alpha=alpha, lora_dropout=self.dropout, target_modules=names)
        encoder = root.get_submodule("encoder")
        inject_adapter_in_model(config, encoder)
        if has_alpha:
            for name in names:
                narrow = encoder.get_submodule(f"{name}.lora_A.default")
                narrow.register_buffer("alpha", torch.tensor(alpha, device=next(narrow.parameters()).device))


def need_peft(what: str) -> None:
    """Raise a UserError if peft is not installed."""
    try:
        import peft  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(f"{what} needs peft: pip install peft, or the extra peft of this package") from error


def _is_linear(root: nn.Module, name: str) -> bool:
    owner, own = owner_of(root, name)
    return own == "weight" and isinstance(owner, nn.Linear)
