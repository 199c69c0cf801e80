"""Sparse tuning of entries that are selected before the first step (Fu et al. 2023)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.install import masked_layers, masks_by_task
from lit_prune.sparsity.select import exact_floor
from lit_prune.tuning.entries import tune
from lit_prune.tuning.gradients import CurvatureCriterion, GradientCriterion
from lit_prune.tuning.method import Method
from lit_prune.tuning.names import parametrized, parts_in, without_parts
from lit_prune.tuning.select import check_share, select_entries


class Entries(Method):
    """A method that tunes a fraction of the entries; subclasses select the entries.

    Args:
        share: Trainable fraction, from 0 (linear probe) to 1. Pruned entries stay 0 and are not counted.
        scope: `tensor` for the fraction of each tensor, as in the authors' code; `global` for the fraction of all
            entries together, as in their theorem.
        targets: Name patterns of tensors, None for all tensors of the encoder.
    """

    def __init__(self, share: float = 0.005, scope: str = "tensor", targets: list[str] | None = None) -> None:
        super().__init__(targets)
        check_share(share, scope)
        self.share = share
        self.scope = scope

    def select(self, root: nn.Module, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the unpruned entries with the largest scores (float32, by tensor name)."""
        masks = masks_by_task(root).get("", {})
        return select_entries(
            {
                name: score.masked_fill(~masks[name], -torch.inf) if name in masks else score
                for name, score in scores.items()
            },
            self.share,
            self.scope,
        )

    def tuned_names(self, root: nn.Module) -> list[str]:
        """Return the names of the trained values of tensors that may have tuned entries."""
        sizes = {name: root.get_parameter(name).numel() for name in self.names(root)}
        is_per_tensor = self.scope == "tensor"
        return [
            parametrized(name, "values")
            for name, size in sizes.items()
            if exact_floor(self.share, size if is_per_tensor else sum(sizes.values()))
        ]

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Tune the entries in a state dict."""
        root.get_submodule("encoder").requires_grad_(False)
        indices = {name: parts["index"] for name, parts in parts_in(state).items()}
        originals = without_parts(state)
        for name in indices:
            root.get_parameter(name).data.copy_(originals[name])  # as the entries were before they were tuned
        tune(root, indices)


class ChosenEntries(Entries):
    """Sparse tuning of the entries with the largest scores by a criterion.

    `GradientCriterion` is SAM, or Fisher information with `of: square`; `Random` and `Magnitude` are the methods of
    these names; all biases (`targets: ["*.bias"]`, share 1) are BitFit.

    Args:
        criterion: A criterion of `lit_prune.sparsity.criteria`, `GradientCriterion` or `CurvatureCriterion`.
        share: Trainable fraction, from 0 (linear probe) to 1.
        scope: `tensor` for the fraction of each tensor, `global` for the fraction of all entries together.
        targets: Name patterns of tensors, None for all tensors of the encoder.
    """

    def __init__(
        self,
        criterion: Criterion,
        share: float = 0.005,
        scope: str = "tensor",
        targets: list[str] | None = None,
    ) -> None:
        super().__init__(share, scope, targets)
        self.criterion = criterion

    def check(self, root: nn.Module) -> None:
        """Check the targets and, for second derivatives, that there are no masked layers.

        Raises:
            UserError: A pattern matches no tensor, or a layer is masked.
        """
        super().check(root)
        if isinstance(self.criterion, CurvatureCriterion) and masked_layers(root):
            raise UserError(
                "criterion must be another for a pruned encoder, got CurvatureCriterion: masked layers have no second "
                "derivative; use GradientCriterion, or start from a dense model"
            )

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Select the entries, equal on every process, and freeze the rest of the encoder."""
        parameters = {name: root.get_parameter(name) for name in self.names(root)}
        if isinstance(self.criterion, GradientCriterion):
            scores = self.criterion.scores(parameters, losses, sum_processes)
        else:
            scores = {name: self.criterion(value, 1 - self.share) for name, value in parameters.items()}
        indices = self.select(root, scores)
        root.get_submodule("encoder").requires_grad_(False)
        tune(root, indices)
