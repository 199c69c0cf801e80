"""A share of the entries is tuned, chosen before the first step (Fu et al. 2023)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.install import masked_layers, masks_by_task
from lit_prune.sparsity.select import exact_floor
from lit_prune.tuning.entries import tune
from lit_prune.tuning.gradients import CurvatureCriterion, GradientCriterion
from lit_prune.tuning.method import Losses, Method, Sum
from lit_prune.tuning.names import parametrized, parts_in, without_parts
from lit_prune.tuning.select import check_share, select_entries


class Entries(Method):
    """A share of the entries is tuned; which, a method says.

    Args:
        share: The fraction of the entries that is tuned, from 0 (the heads alone) to 1. What a pruned encoder has
            pruned stays 0, and does not count.
        scope: `tensor`: the share of each tensor, as the authors' code has it; `global`: of all, as their theorem.
        targets: Name patterns of the tensors, None: all of the encoder's.
    """

    def __init__(self, share: float = 0.005, scope: str = "tensor", targets: list[str] | None = None) -> None:
        super().__init__(targets)
        check_share(share, scope)
        self.share = share
        self.scope = scope

    def select(self, root: nn.Module, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The entries of the largest scores (float32, by the tensor's name) that are not pruned."""
        keeps = masks_by_task(root).get("", {})
        return select_entries(
            {
                name: score.masked_fill(~keeps[name], -torch.inf) if name in keeps else score
                for name, score in scores.items()
            },
            self.share,
            self.scope,
        )

    def tuned_names(self, root: nn.Module) -> list[str]:
        """Return the names of the values of tensors that may get a tuned entry."""
        sizes = {name: root.get_parameter(name).numel() for name in self.names(root)}
        is_each = self.scope == "tensor"
        return [
            parametrized(name, "values")
            for name, size in sizes.items()
            if exact_floor(self.share, size if is_each else sum(sizes.values()))
        ]

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Tune the entries that the state has."""
        root.get_submodule("encoder").requires_grad_(False)
        indices = {name: parts["index"] for name, parts in parts_in(state).items()}
        originals = without_parts(state)
        for name in indices:
            root.get_parameter(name).data.copy_(originals[name])  # as the entries were before they were tuned
        tune(root, indices)


class ChosenEntries(Entries):
    """The entries of the largest scores by a criterion are tuned.

    By `GradientCriterion` that is SAM, and for `of: square` the Fisher information; by `Random` and `Magnitude` the
    methods of these names; all biases (`targets: ["*.bias"]`, a share of 1) are BitFit.

    Args:
        criterion: Which entries: any of `lit_prune.sparsity.criteria`, `GradientCriterion` or `CurvatureCriterion`.
        share: The fraction of the entries that is tuned, from 0 (the heads alone) to 1.
        scope: Whether that is the share of each `tensor`, or of all together (`global`).
        targets: Name patterns of the tensors, None: all of the encoder's.
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
        """Check that there are targets and, for second derivatives, no masked layer.

        Raises:
            UserError: a pattern names no tensor, or a masked layer has no second derivative.
        """
        super().check(root)
        if isinstance(self.criterion, CurvatureCriterion) and masked_layers(root):
            raise UserError(
                "criterion must be another for a pruned encoder, got CurvatureCriterion: masked layers have no second "
                "derivative; use GradientCriterion, or start from a dense model"
            )

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Choose the entries, the same on every process."""
        parameters = {name: root.get_parameter(name) for name in self.names(root)}
        if isinstance(self.criterion, GradientCriterion):
            scores = self.criterion.scores(parameters, losses, sum_processes)
        else:
            scores = {name: self.criterion(value, 1 - self.share) for name, value in parameters.items()}
        indices = self.select(root, scores)
        root.get_submodule("encoder").requires_grad_(False)
        tune(root, indices)
