"""`Ticket`: train a subnetwork of the model that the run began with (SRNets, Liu et al. 2022, section 4.3, Fig. 4)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from lit_prune.heads import Head
from lit_prune.losses import Loss
from lit_prune.phases.masking import Masking
from lit_prune.phases.network import cover, rewind, settle, unfreeze
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.sparsity.controls import Control
from lit_prune.sparsity.criteria import Criterion, Magnitude
from lit_prune.sparsity.found import check_fit, find_masks
from lit_prune.sparsity.install import current_masks, install, masked_layers
from lit_prune.sparsity.mask_kinds import Fixed, MaskKind
from lit_prune.sparsity.masks import FixedMask, Refreshed, flipped
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Constant

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Ticket(Masking):
    """Train the weights that a mask leaves of the model that the run began with, under fresh heads.

    The mask is that of the phases before (rounds of pruning), that of another run or a file (`start_from`), or one
    pruning of the weights (`sparsity` alone).

    Args:
        training: Length, optimizer and learning rates.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
        start_from: A run whose masks are the ticket's, or a file of masks.
        sparsity: Which of a run's masks to take. If None, its result. Without `start_from`: that of the one pruning.
        control: Another mask to take in place of the found one, to compare with.
        criterion: The importance of a weight in the one pruning. If None, its magnitude.
        scope: Whether its sparsity holds in each matrix (`local`) or over all of them (`global`).
        targets: Names of the matrices to prune. If None, all of the encoder's family except embeddings and classifier.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
    """

    def __init__(
        self,
        training: Training,
        loss: Loss | None = None,
        start_from: str | None = None,
        sparsity: float | None = None,
        control: Control | None = None,
        criterion: Criterion | None = None,
        scope: Scope = "local",
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
    ) -> None:
        criterion, schedule = criterion or Magnitude(), Constant(sparsity or 0.0)
        super().__init__(training, loss, criterion, schedule, scope, targets, patterns, without=("classifier",))
        self.start_from = start_from
        self.sparsity = sparsity
        self.control = control
        self.found: dict[str, Tensor] = {}

    @property
    def finds_mask(self) -> bool:
        """True if the mask comes from a file or from one pruning, and not from the phases before."""
        return self.start_from is not None or self.sparsity is not None

    def check(self, name: str, before: Mapping[str, Phase]) -> None:
        """Check the arguments, by themselves and against those of other phases.

        Raises:
            UserError: a pruned weight would have to return, or factors of a matrix would have to be rewound.
        """
        super().check(name, before)
        self._check_rewindable(name, before)
        if self.sparsity is not None and self.start_from is None:
            self._check_not_below(name, before)

    def mask_kind(self, run: "Paradigm") -> MaskKind:
        """Return masks that stay as they are."""
        return Fixed()

    def prepare(self, run: "Paradigm") -> None:
        """Match the targets, and read the masks of another run."""
        super().prepare(run)
        if self.start_from is not None:
            found = find_masks(self.start_from, self.sparsity)
            check_fit(found, dict(run.named_parameters()), self.start_from)
            names = self.pruner.layer_names  # not the classifier: it is a fresh one
            self.found = {name: found[f"{name}.weight"] for name in names if f"{name}.weight" in found}

    def begin(self, run: "Paradigm") -> None:
        """Reset the heads, put the masks there, and take the weights that the run began with."""
        settle(run)
        unfreeze(run)
        self._prepare_again(run)
        before = current_masks(run)
        for head in run.heads.values():
            assert isinstance(head, Head)
            head.reset()
        if self.sparsity is not None and not self.found:
            self.pruner.attach(run)
            self.pruner.update(1.0)
        keeps = {name: keep.to(run.device) for name, keep in self.found.items()} or {
            name: layer.mask.keep for name, layer in masked_layers(run).items()
        }
        if self.control is not None:
            keeps = {name: self.control(keep) for name, keep in keeps.items()}
        install(run, keeps, lambda name, _: FixedMask(keeps[name]))
        rewind(run)
        cover(run, self.matched)
        after = current_masks(run)
        before = before or {name: keep.new_ones(keep.shape) for name, keep in after.items()}
        run.refreshed = Refreshed(run.trainer.global_step, flipped(before, after))

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Put the masks back."""
        super().restore(run, state)
        self._prepare_again(run)
        self._attach(run)
