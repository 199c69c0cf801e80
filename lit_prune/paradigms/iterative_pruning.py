"""`IterativePruning`: prune, train, prune again (SRNets, Liu et al. 2022, section 4.2: IMP; Han et al. 2015)."""

from collections.abc import Mapping, Sequence

import torch

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.from_dense import FromDense
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.criteria import Criterion, Magnitude
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.masks import FixedMask, Refreshed, flipped
from lit_prune.sparsity.pairs import split_pairs
from lit_prune.sparsity.pools import Scope, pools
from lit_prune.sparsity.prune import keep_further
from lit_prune.sparsity.targets import layers_in, match, named_by


class IterativePruning(FromDense):
    """A dense model is pruned in rounds; each is a phase that prunes first, then trains what is left.

    The callback `ImpRounds` says how many rounds there are and what sparsity each has. The weights carry over from
    round to round; what is pruned stays pruned. A round's model is the one at its end.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        rounds: Length and rates of each round.
        loss: The loss of the rounds.
        dense: Length and rates of the dense phase, None: the pretrained encoder is what is pruned.
        dense_loss: The loss of the dense phase, None: cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from, instead of the dense phase. Of
            a run pruned by rank its `checkpoints/best.ckpt`: what it pruned stays so, what it kept is pruned further.
        criterion: What is pruned first, None: the smallest magnitudes.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), or in each of these
            lists of targets.
        trained: Name patterns of the parameters that the rounds train, as `heads.*`; None: all.
        targets: Names of the matrices to prune, None: all that the encoder's family has but embeddings and classifier.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        rounds: Phase,
        loss: Loss,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
        criterion: Criterion | None = None,
        scope: Scope = "local",
        trained: list[str] | None = None,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
    ) -> None:
        super().__init__(encoder, tasks, dense, dense_loss, start_from)
        self.rounds = rounds
        self.round_losses = [loss]  # in a list: among the modules is the current phase's loss alone
        self.criterion = criterion or Magnitude()
        self.sparsities: dict[str, float] = {}  # by the phase's name
        self.matched = split_pairs(self, match(self, encoder.model_type, targets, patterns, without=("classifier",)))
        self.pools = pools(scope, self.matched)
        names = [name for name, _ in self.named_parameters()]
        chosen = set(named_by(trained, names, "trained"))
        self.frozen = [name for name in names if name not in chosen]

    def add_rounds(self, sparsities: Sequence[float]) -> None:
        """Append a phase for each round, of these sparsities.

        Raises:
            UserError: there are rounds already.
        """
        if self.sparsities:
            raise UserError(
                f"ImpRounds must be in trainer.callbacks once, got it again after {len(self.sparsities)} rounds: "
                "remove one"
            )
        for number, sparsity in enumerate(sparsities, start=1):
            self.sparsities[f"round_{number}"] = sparsity
            self.add_phase(f"round_{number}", self.rounds.as_last(f"round_{number}"), *self.round_losses)

    def trained_names(self, phase: str) -> list[str]:
        """Return the names of the model's parameters that a phase trains; a round, those that `trained` names."""
        frozen = self.frozen if phase in self.sparsities else ()
        return [name for name in super().trained_names(phase) if name not in frozen]

    def setup(self, stage: str) -> None:
        """Lay out the phases."""
        if stage == "fit":
            self.check_phases()
        super().setup(stage)

    def check_phases(self) -> None:
        """Whether the run has what it needs.

        Raises:
            UserError: it has no rounds.
        """
        if not self.sparsities:
            raise UserError(
                f"{type(self).__name__} has no rounds: add lit_prune.callbacks.ImpRounds to trainer.callbacks, as "
                "configs/imp.yaml does"
            )

    def load_start(self, phase: str) -> None:
        """The first round starts from the best model of the dense phase."""
        if phase == "round_1" and self.ends["dense"] > 0:
            self.load_dense()

    def enter(self, phase: str) -> None:
        """A round: prune, by the weights as they are."""
        if phase in self.sparsities:
            self.prune(self.sparsities[phase])
            for name in self.frozen:
                self.get_parameter(name).requires_grad_(False)

    def prune(self, sparsity: float) -> None:
        """Fix masks of this sparsity over the targets; what they pruned before stays pruned."""
        names = layers_in(self.matched)
        weights = {name: self.get_parameter(f"{name}.weight") for name in names}
        kept = {name: layer.mask.keep for name, layer in masked_layers(self).items()}
        keeps = keep_further(weights, kept, self.criterion, sparsity, self.pools)
        install(self, names, lambda name, _: FixedMask(keeps[name]))

    def start_phase(self, phase: str) -> None:
        """Begin a phase, and note what its pruning changed."""
        before = self.masks()
        super().start_phase(phase)
        after = self.masks()
        before = before or {name: torch.ones_like(keep) for name, keep in after.items()}
        self.refreshed = Refreshed(self.trainer.global_step, flipped(before, after))

    def eligible(self) -> bool:
        """Of a round, its end."""
        return self.progress >= 1.0 if self.phase in self.sparsities else super().eligible()
