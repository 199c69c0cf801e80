"""`Round`: prune, then train the remaining weights (SRNets, Liu et al. 2022, section 4.2: IMP; Han et al. 2015)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from lit_prune.losses import Loss
from lit_prune.phases.batch_losses import batch_losses
from lit_prune.phases.masking import Masking
from lit_prune.phases.network import rewind, settle, unfreeze
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.sparsity.criteria import Criterion, Magnitude
from lit_prune.sparsity.mask_kinds import Fixed, MaskKind
from lit_prune.sparsity.masks import Refreshed
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Constant
from lit_prune.sparsity.targets import named_by

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Round(Masking):
    """Prune the least important weights, then train; a pruned weight stays pruned. The round's model is its last.

    Args:
        training: Length, optimizer and learning rates.
        sparsity: The fraction of the weights that is pruned from this round on.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
        criterion: The importance of a weight. If None, its magnitude.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        trained: Name patterns of the parameters that are trained, such as `heads.*`. If None, all.
        rewinds: Whether the encoder's weights, once the mask is found, return to those that the run began with
            (Frankle & Carbin 2019); heads keep theirs.
        targets: Names of the matrices to prune. If None, all of the encoder's family except embeddings and classifier.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
    """

    def __init__(
        self,
        training: Training,
        sparsity: float,
        loss: Loss | None = None,
        criterion: Criterion | None = None,
        scope: Scope = "local",
        trained: list[str] | None = None,
        rewinds: bool = False,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
    ) -> None:
        criterion, schedule = criterion or Magnitude(), Constant(sparsity)
        super().__init__(training, loss, criterion, schedule, scope, targets, patterns, without=("classifier",))
        self.sparsity = sparsity
        self.trained = trained
        self.rewinds = rewinds
        self.frozen: list[str] = []

    def check(self, name: str, before: Mapping[str, Phase]) -> None:
        """Check the arguments, by themselves and against those of other phases.

        Raises:
            UserError: a pruned weight would have to return, or factors of a matrix would have to be rewound.
        """
        super().check(name, before)
        self._check_not_below(name, before)
        if self.rewinds:
            self._check_rewindable(name, before)

    def mask_kind(self, run: "Paradigm") -> MaskKind:
        """Return masks that stay as they are."""
        return Fixed()

    def prepare(self, run: "Paradigm") -> None:
        """Match the targets, and the parameters that are trained."""
        super().prepare(run)
        names = [name for name, _ in run.named_parameters()]
        chosen = set(named_by(self.trained, names, "trained"))
        self.frozen = [name for name in names if name not in chosen]

    def trained_names(self, run: "Paradigm") -> list[str]:
        """Return the names of the parameters that `trained` names."""
        return [name for name in super().trained_names(run) if name not in self.frozen]

    def begin(self, run: "Paradigm") -> None:
        """Prune by the weights as they are, rewind if so set, and freeze what is not trained."""
        settle(run)
        unfreeze(run)
        self._prepare_again(run)
        self._attach(run)
        if self.criterion.needs_losses:
            run.begin_loss()
            self.pruner.use_losses(lambda num_batches: batch_losses(run, num_batches), run.sum_processes)
        run.refreshed = Refreshed(run.trainer.global_step, self.pruner.update(run.progress))
        if self.rewinds:
            rewind(run)
        self._freeze(run)

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Put the masks back, and freeze what is not trained."""
        super().restore(run, state)
        self._prepare_again(run)
        self._attach(run)
        self._freeze(run)

    def _freeze(self, run: "Paradigm") -> None:
        for name in self.frozen:
            run.get_parameter(name).requires_grad_(False)

    def is_eligible(self, run: "Paradigm") -> bool:
        """True at the end of the round."""
        return run.progress >= 1.0
