"""`Engine`: masks over the tensors of a network, kept at a scheduled sparsity."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import Allocation
from lit_prune.sparsity.count import Count
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.mask_kinds import Fixed, Learned, MaskKind, Reversible
from lit_prune.sparsity.masks import Mask, Masked, flipped
from lit_prune.sparsity.pools import Scope, pools
from lit_prune.sparsity.schedules import Schedule
from lit_prune.sparsity.structures import Element, Rank, Structure
from lit_prune.sparsity.targets import layers_in

_CRITERION = "criterion."  # begins the names of a criterion's statistics


class Engine(ABC):
    """Masks over a network, by criterion and schedule; its kinds differ in how the masks act on the network.

    Args:
        targets: Names of the layers, or tensors, of each target.
        criterion: How important an entry is.
        schedule: Sparsity as a function of progress.
        structure: The unit that is pruned. If None, single entries.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these lists
            of targets, or as an `Allocation` has it.
        masks: The kind of masks. If None, learned ones for a criterion that accumulates, else reversible ones.

    Attributes:
        layer_names: The names of all targets.

    Raises:
        UserError: `scope` is unknown, or its lists do not contain each target once; the criterion collects statistics,
            or the structure has groups, and the masks are of a kind that does not use them; the scope is an
            `Allocation`, and the structure has groups, or no ranks that it needs, or the masks are hybrid and rescaled.
    """

    def __init__(
        self,
        targets: Mapping[str, Sequence[str]],
        criterion: Criterion,
        schedule: Schedule,
        *,
        structure: Structure | None = None,
        scope: Scope = "local",
        masks: MaskKind | None = None,
    ) -> None:
        self.criterion = criterion
        self.schedule = schedule
        self.structure = structure or Element()
        self.mask_kind = masks or (Learned() if criterion.accumulates else Reversible())
        kind = type(self.mask_kind).__name__
        if criterion.accumulates and isinstance(self.mask_kind, Fixed):
            raise UserError(
                f"criterion must be one of the weights under {kind} masks, got {type(criterion).__name__}, which is "
                "learned: use Magnitude, or PruneWhileTraining"
            )
        if criterion.observes and not isinstance(self.mask_kind, Reversible):
            raise UserError(
                f"criterion must be one of the weights under {kind} masks, which are set before a step is trained, got "
                f"{type(criterion).__name__}, which collects statistics: use it in PruneWhileTraining"
            )
        if criterion.needs_losses and not isinstance(self.mask_kind, Fixed):
            raise UserError(
                f"criterion must be one without gradients of batches under {kind} masks, got "
                f"{type(criterion).__name__}: use it in Round, IterativePruning or prune"
            )
        has_groups = type(self.structure).groups is not Structure.groups
        if has_groups and isinstance(self.mask_kind, Learned):
            raise UserError(
                f"structure must have no groups under learned masks, got {type(self.structure).__name__}: use a "
                "criterion that does not accumulate, as Magnitude"
            )
        if isinstance(scope, Allocation) and (has_groups or self.mask_kind.is_rescaled):
            raise UserError(
                f"scope must be local, global or lists of targets with groups of entries or hybrid_rescaled masks, got "
                f"{type(scope).__name__}, which has a sparsity for each matrix: use Element, or other task masks"
            )
        if isinstance(scope, Allocation) and scope.needs_ranks and not isinstance(self.structure, Rank):
            raise UserError(
                f"structure must be Rank with the scope {type(scope).__name__}, got {type(self.structure).__name__}: "
                "set it, or another scope"
            )
        self.layer_names = layers_in(targets)
        self.scope = scope
        self.pools = pools(scope, targets)
        self.root: nn.Module | None = None
        self._before: dict[str, Tensor] = {}

    # ---- a network under masks -------------------------------------------------------------------------------------

    def attach(self, root: nn.Module) -> None:
        """Put masks over the targets of a network, in place; they keep everything until the first `update`.

        Raises:
            UserError: a target is no linear layer.
        """
        self.root = root
        self.mask_kind.attach(self)
        self.criterion.attach(self.layers)
        if isinstance(self.scope, Allocation):
            self.scope.attach(self.layers)
        self._before = {}

    @torch.no_grad()
    def update(self, progress: float) -> float:
        """Bring the masks to the sparsity that the schedule has at `progress`, exactly.

        Args:
            progress: From 0 (start of pruning) to 1 (end).

        Returns:
            The share of entries that changed between kept and pruned since the last update.
        """
        before = self._before or self._snapshot()
        self.mask_kind.update(self, self.schedule(progress))
        after = self._snapshot()
        before = before or {name: torch.ones_like(keep) for name, keep in after.items()}
        self._before = after
        return flipped(before, after)

    def remember(self) -> None:
        """Count the next update's changes from the masks as they are now."""
        self._before = self._snapshot()

    def _snapshot(self) -> dict[str, Tensor]:
        by_task = {name: layer.mask.by_task for name, layer in self.layers.items()}
        return {f"{name}/{task}": keep.clone() for name, masks in by_task.items() for task, keep in masks.items()}

    def use_losses(self, losses: Losses, sum_processes: Sum) -> None:
        """Set where the criterion's gradients come from; see `Criterion.use`."""
        self.criterion.use(self.weights(), losses, sum_processes)

    def corrected(self, weights: Mapping[str, Tensor], keeps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights that the criterion corrects for new masks, by name."""
        corrections = {name: self.criterion.correct(name, weight, keeps[name]) for name, weight in weights.items()}
        return {name: corrected for name, corrected in corrections.items() if corrected is not None}

    def observe(self) -> None:
        """Let the criterion collect statistics of a step: after the backward pass, before the optimizer's step."""
        if self.criterion.observes:
            self.criterion.observe(self.layers)

    def penalty(self, progress: float) -> Tensor | None:
        """Return the criterion's term to add to the loss at `progress`, from 0 (start of pruning) to 1, or None."""
        return self.criterion.penalty(self.layers, progress) if self.criterion.penalizes else None

    def is_final(self, progress: float) -> bool:
        """True if the sparsity at `progress` is the schedule's last."""
        return math.isclose(self.schedule(progress), self.schedule.final)

    # ---- the attachment --------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def layers(self) -> Mapping[str, Masked]:
        """The masked layers or tensors, by name."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """Return the tensors that are masked, or are going to be, by name."""

    @abstractmethod
    def put(self, make_mask: Callable[[str, Tensor], Mask]) -> None:
        """Put masks over the targets; one that has a mask already gets a new one.

        Args:
            make_mask: Makes a mask from a name and the tensor that is masked.
        """

    @abstractmethod
    def replace(self, name: str, value: Tensor) -> None:
        """Set the values of a masked tensor, also of its pruned entries."""

    @abstractmethod
    def finalize(self) -> nn.Module:
        """Make pruned entries 0 for good, in place, and return the network without masks."""

    # ---- what it holds ---------------------------------------------------------------------------------------------

    @property
    def _root(self) -> nn.Module:
        if self.root is None:
            raise UserError("the pruner must be on a network, got one that has let go of it: make a new one")
        return self.root

    def masks(self) -> dict[str, Tensor]:
        """Return the mask (bool, True for kept) of each masked tensor, by its name."""
        return {f"{name}.{layer.MASKED}".rstrip("."): layer.mask.keep for name, layer in self.layers.items()}

    def counts(self) -> dict[str, Count]:
        """Return kept and all entries of each layer, by name."""
        return {name: Count.of(list(layer.mask.by_task.values())) for name, layer in self.layers.items()}

    def sparsity(self) -> float:
        """Return the fraction of entries that is pruned now."""
        keeps = self.masks().values()
        num_all = sum(keep.numel() for keep in keeps)
        return 1 - sum(int(keep.count_nonzero()) for keep in keeps) / num_all if num_all else 0.0

    def score_parameters(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters of the masks by name, for a learning rate of their own; empty if none."""
        return {
            f"{name}.mask.{part}": layer.mask.get_parameter(part)
            for name, layer in self.layers.items()
            for part in self.mask_kind.names_of_scores()
        }

    def score_names(self) -> list[str]:
        """Return the names of `score_parameters`, also of a network that has no masks yet."""
        return [f"{name}.mask.{part}" for name in self.layer_names for part in self.mask_kind.names_of_scores()]

    def state_dict(self) -> dict[str, Any]:
        """Return the masks' tensors by the name of their layer, and under `criterion.` what the criterion collected."""
        masks = {
            f"{name}.{part}": value
            for name, layer in self.layers.items()
            for part, value in layer.mask.state_dict().items()
        }
        return masks | {f"{_CRITERION}{name}": value for name, value in self.criterion.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned, of an attached network with the same targets."""
        own = {name.removeprefix(_CRITERION): each for name, each in state.items() if name.startswith(_CRITERION)}
        self.criterion.load_state_dict(own)
        self.mask_kind.restore(self, state)
        self.remember()
