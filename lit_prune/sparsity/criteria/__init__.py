"""How important each entry of a weight matrix is.

For a matrix that is pruned by rank, criteria score its singular values in place of weights.
"""

from lit_prune.sparsity.criteria.block_fisher import BlockFisher
from lit_prune.sparsity.criteria.criterion import Criterion
from lit_prune.sparsity.criteria.gradual_magnitude import GradualMagnitude
from lit_prune.sparsity.criteria.movement import Movement
from lit_prune.sparsity.criteria.soft_movement import SoftMovement
from lit_prune.sparsity.criteria.weights import HardMagnitude, Magnitude, Random, RelativeMagnitude

__all__ = [
    "BlockFisher",
    "Criterion",
    "GradualMagnitude",
    "HardMagnitude",
    "Magnitude",
    "Movement",
    "Random",
    "RelativeMagnitude",
    "SoftMovement",
]
