"""Methods of sparse and parameter-efficient fine-tuning."""

from lit_prune.tuning.adapter import Adapter
from lit_prune.tuning.chosen import ChosenEntries
from lit_prune.tuning.gradients import CurvatureCriterion, GradientCriterion
from lit_prune.tuning.lora import Lora
from lit_prune.tuning.noise import ChildTuningFree, Mixout
from lit_prune.tuning.searched import ChildPruning, DiffPruning

__all__ = [
    "Adapter",
    "ChildPruning",
    "ChildTuningFree",
    "ChosenEntries",
    "CurvatureCriterion",
    "DiffPruning",
    "GradientCriterion",
    "Lora",
    "Mixout",
]
