"""`MixedRank`: train matrices of low rank under random lower ranks (after LPAF, Ren & Zhu 2023, arXiv 2306.14152).

The paper's mixed-rank fine-tuning trains factors at several ranks at once. How it draws them is not at hand.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.phases.masking import Masking
from lit_prune.phases.network import settle, unfreeze
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.sparsity.pairs import rank_pairs
from lit_prune.sparsity.structures import Rank

if TYPE_CHECKING:
    from lit_prune.data.batch import Batch
    from lit_prune.paradigms.paradigm import Paradigm


class MixedRank(Phase):
    """Train every weight; in each forward pass of training, some matrices of two factors use their first ranks alone.

    Ranks are in the order of the singular values that an earlier phase kept, so the first of them learn to stand alone.
    Evaluations use all ranks.

    Args:
        training: Length, optimizer and learning rates.
        probability: Probability of a matrix to use fewer ranks, of which the number is uniform from 1 to all.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.

    Raises:
        UserError: `probability` is outside of [0, 1].
    """

    def __init__(self, training: Training, probability: float = 0.5, loss: Loss | None = None) -> None:
        if not 0 <= probability <= 1:
            raise UserError(f"probability of MixedRank must be from 0 to 1, got {probability}: 0.5 is the default")
        super().__init__(training, loss)
        self.probability = probability

    def check(self, name: str, before: Mapping[str, Phase]) -> None:
        """Check the arguments, by themselves and against those of other phases.

        Raises:
            UserError: no phase before prunes ranks.
        """
        super().check(name, before)
        if not any(isinstance(phase, Masking) and isinstance(phase.structure, Rank) for phase in before.values()):
            raise UserError(
                f"phases must prune ranks before {name!r}, a MixedRank, got {list(before)}: add a PruneWhileTraining "
                "with the structure Rank, or use FineTune"
            )

    def begin(self, run: "Paradigm") -> None:
        """Fix the masks of earlier phases, and train every weight."""
        settle(run)
        unfreeze(run)
        _truncate(run)

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Put the pairs of a checkpoint back."""
        super().restore(run, state)
        _truncate(run)

    def before_forward(self, run: "Paradigm", batch: "Batch") -> None:
        """Draw the ranks of each matrix, in training."""
        if not run.training:
            return
        for pair in rank_pairs(run).values():
            is_whole = float(torch.rand(())) >= self.probability
            drawn = int(torch.randint(1, pair.rank + 1, ())) if pair.rank else 0
            assert isinstance(pair.narrow, TruncatedLinear)
            pair.narrow.num_used.fill_(pair.rank if is_whole else drawn)


class TruncatedLinear(nn.Linear):
    """A linear layer of which, in training, outputs from a number on are 0.

    Attributes:
        num_used: That number (0-dim int64), no part of the state dict.
    """

    num_used: Tensor

    @classmethod
    def of(cls, linear: nn.Linear) -> "TruncatedLinear":
        """Return the layer around the weight of a linear layer without a bias, the same object."""
        layer = cls(linear.in_features, linear.out_features, bias=False, device="meta")
        layer.weight = linear.weight
        number = torch.tensor(linear.out_features, device=linear.weight.device)
        layer.register_buffer("num_used", number, persistent=False)
        return layer.train(linear.training)

    def forward(self, input: Tensor) -> Tensor:
        """Return the output (..., out_features) of an input (..., in_features)."""
        output = super().forward(input)
        if not self.training:
            return output
        return output * (torch.arange(self.out_features, device=output.device) < self.num_used)


def _truncate(run: "Paradigm") -> None:
    for name, pair in rank_pairs(run).items():
        if not isinstance(pair.narrow, TruncatedLinear):
            run.set_submodule(f"{name}.narrow", TruncatedLinear.of(pair.narrow))
