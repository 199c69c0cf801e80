"""LoRA: what is added to a matrix has a low rank (Hu et al. 2022), through peft."""

from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.install import masked_layers
from lit_prune.tuning.method import Losses, Method, Sum
from lit_prune.tuning.names import owner_of


class Lora(Method):
    """To each matrix the product of two narrow ones is added, which is 0 at first; the scale is 1 (alpha = rank).

    Needs the extra `peft`.

    Args:
        rank: The width of the narrow matrices.
        dropout: Of what goes into them.
        targets: Name patterns of the weights of linear layers, None: those of all that the encoder has.
    """

    def __init__(self, rank: int = 4, dropout: float = 0.0, targets: list[str] | None = None) -> None:
        super().__init__(targets)
        if rank < 1:
            raise UserError(f"rank is {rank}, needed is a number from 1 on")
        if not 0 <= dropout < 1:
            raise UserError(f"dropout is {dropout}, needed is a probability from 0 to below 1")
        self.rank = rank
        self.dropout = dropout

    def names(self, root: nn.Module) -> list[str]:
        """The weights of linear layers among the targets."""
        return [name for name in super().names(root) if _is_linear(root, name)]

    def check(self, root: nn.Module) -> None:
        """Whether peft is there, a target is a linear layer, and nothing is pruned, which adding would undo."""
        if masked_layers(root):
            raise UserError(
                "Lora would fill a pruned encoder's zeros when it is exported: use ChosenEntries or Adapter, which "
                "keep them"
            )
        if not self.names(root):
            raise UserError(f"targets={self.targets} names no weight of a linear layer")
        need_peft("Lora")

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Put the narrow matrices beside the layers."""
        from peft import LoraConfig, inject_adapter_in_model

        encoder = root.get_submodule("encoder")
        layers = [name.removeprefix("encoder.").removesuffix(".weight") for name in self.names(root)]
        config = LoraConfig(r=self.rank, lora_alpha=self.rank, lora_dropout=self.dropout, target_modules=layers)
        inject_adapter_in_model(config, encoder)


def need_peft(what: str) -> None:
    """Refuse, with a UserError, what needs peft where that is not installed."""
    try:
        import peft  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(f"{what} needs peft: pip install peft, or the extra peft of this package") from error


def _is_linear(root: nn.Module, name: str) -> bool:
    owner, own = owner_of(root, name)
    return own == "weight" and isinstance(owner, nn.Linear)
