"""Changes of the network that several kinds of phases share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from lit_prune.runs.checkpoints import BASE, read_checkpoint
from lit_prune.sparsity.install import fix_masks, install_saved, masked_layers
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.pairs import rank_pairs
from lit_prune.sparsity.targets import layers_in, targets_of
from lit_prune.tuning.adapter import install_saved_adapters
from lit_prune.tuning.fold import fold_tuned

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

_ENCODER = "encoder."


def restore_network(run: "Paradigm", state: Mapping[str, Tensor]) -> None:
    """Put masks, pairs and adapters where a state dict has them, in place."""
    install_saved(run, state)
    install_saved_adapters(run, state)
    cover(run, {})


def settle(root: nn.Module) -> None:
    """Fold tuned entries and updates into their tensors, and fix masks as they are now; in place.

    Raises:
        UserError: masks differ by task.
    """
    fold_tuned(root)
    layers = masked_layers(root).values()
    if any(isinstance(layer, LowRankLinear) or not isinstance(layer.mask, FixedMask) for layer in layers):
        fix_masks(root)


def unfreeze(run: "Paradigm") -> None:
    """Train all parameters but those that the encoder was built with frozen."""
    for name, value in run.named_parameters():
        value.requires_grad_(name not in run.frozen_names)


def cover(run: "Paradigm", matched: Mapping[str, Sequence[str]]) -> None:
    """Set a run's targets to those of a phase, and to those of earlier phases whose masks or pairs are still there."""
    own = set(layers_in(matched))
    targets = {target: list(names) for target, names in matched.items()}
    pruned = list(masked_layers(run)) or list(rank_pairs(run))
    for name, target in targets_of([name for name in pruned if not own & {name, f"{name}.narrow"}]).items():
        targets.setdefault(target, []).append(name)
    run.matched = targets


def rewind(run: "Paradigm") -> None:
    """Load the encoder's weights that the run began with; masks and heads stay."""
    state = read_checkpoint(run.folder / "checkpoints" / BASE)["state_dict"]
    before = {name.removeprefix(_ENCODER): value for name, value in state.items() if name.startswith(_ENCODER)}
    run.encoder.load_state_dict(before, strict=False)


def head_names(run: "Paradigm") -> list[str]:
    """Return the names of the heads' trained parameters."""
    return [name for name, value in run.named_parameters() if name.startswith("heads.") and value.requires_grad]
