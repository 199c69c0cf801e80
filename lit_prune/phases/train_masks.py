"""`TrainMasks`: train masks over frozen weights (Liu et al. 2022, sections 4.2 and 4.4)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from lit_prune.losses import Loss
from lit_prune.phases.network import settle
from lit_prune.phases.pruning import Pruning, check_refresh
from lit_prune.phases.training import Training
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.install import learned_masks
from lit_prune.sparsity.mask_kinds import Learned, MaskKind
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class TrainMasks(Pruning):
    """Train the scores of masks, and nothing else.

    After another phase with learned masks over the same matrices, training continues from that phase's scores.

    Args:
        training: Length, optimizer and learning rates.
        initial_scores: Initialisation of the scores: `Magnitude` (soft) or `HardMagnitude`.
        schedule: Sparsity over the phase.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        refresh_every: Optimizer steps between two updates of the thresholds; before every evaluation there is one
            more, so that the evaluated model has exactly the scheduled sparsity.
        targets: Names of the matrices to mask. If None, all of the encoder's family except embeddings, as in SRNets.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
    """

    freezes_base = True

    def __init__(
        self,
        training: Training,
        initial_scores: Criterion,
        schedule: Schedule,
        loss: Loss | None = None,
        scope: Scope = "local",
        refresh_every: int = 50,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
    ) -> None:
        self.initial_scores = initial_scores
        super().__init__(training, loss, initial_scores, schedule, scope, targets, patterns)
        self.refresh_every = check_refresh(refresh_every)

    def mask_kind(self, run: "Paradigm") -> MaskKind:
        """Return learned masks, whatever the criterion."""
        return Learned()

    def trained_names(self, run: "Paradigm") -> list[str]:
        """Return the names of the scores."""
        return self.pruner.score_names()

    def begin(self, run: "Paradigm") -> None:
        """Freeze everything, then put masks over the targets."""
        scores = {name: mask.scores.detach() for name, mask in learned_masks(run).items()}
        if continues := scores.keys() == set(self.pruner.layer_names):
            scores = {name: each.clone() for name, each in scores.items()}
        else:
            settle(run)
        run.requires_grad_(False)
        self._prepare_again(run)
        self._attach(run)
        for name, mask in learned_masks(run).items() if continues else ():
            mask.scores.data.copy_(scores[name])
        self._update(run)

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Put masks over the targets, and freeze everything else."""
        super().restore(run, state)
        run.requires_grad_(False)
        for scores in self.pruner.score_parameters().values():
            scores.requires_grad_(True)
