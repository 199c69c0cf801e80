"""A Lightning module per paradigm: each lists its phases."""

from lit_prune.paradigms.fine_tune import FineTune
from lit_prune.paradigms.iterative_pruning import IterativePruning
from lit_prune.paradigms.lottery_ticket import LotteryTicket
from lit_prune.paradigms.mask_training import MaskTraining
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.paradigms.prune_after_finetune import PruneAfterFinetune
from lit_prune.paradigms.prune_while_finetuning import PruneWhileFinetuning
from lit_prune.paradigms.sparse_finetuning import SparseFinetuning

__all__ = [
    "FineTune",
    "IterativePruning",
    "LotteryTicket",
    "MaskTraining",
    "Paradigm",
    "PruneAfterFinetune",
    "PruneWhileFinetuning",
    "SparseFinetuning",
]
