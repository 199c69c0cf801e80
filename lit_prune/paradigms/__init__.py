"""What happens in a run and when: a Lightning module per paradigm."""

from lit_prune.paradigms.fine_tune import FineTune
from lit_prune.paradigms.phase import Phase
from lit_prune.paradigms.prune_after_finetune import PruneAfterFinetune

__all__ = ["FineTune", "Phase", "PruneAfterFinetune"]
