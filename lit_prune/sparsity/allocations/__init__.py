"""Rules by which the matrices of a pool share a scheduled sparsity unequally, as scores have it."""

from lit_prune.sparsity.allocations.allocation import Allocation
from lit_prune.sparsity.allocations.rank_budget import RankBudget
from lit_prune.sparsity.allocations.score_budget import ScoreBudget
from lit_prune.sparsity.allocations.score_threshold import ScoreThreshold

__all__ = ["Allocation", "RankBudget", "ScoreBudget", "ScoreThreshold"]
