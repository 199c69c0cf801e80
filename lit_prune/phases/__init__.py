"""The stages of a run, a kind per file: what a phase trains, how long, and what it does to the network."""

from lit_prune.phases.eligibility import After, Always, Eligibility
from lit_prune.phases.finetune import FineTune
from lit_prune.phases.lr_schedules import CyclicLinear, LearningRateSchedule, LinearDecay
from lit_prune.phases.mixed_rank import MixedRank
from lit_prune.phases.phase import Phase
from lit_prune.phases.prune_while_training import PruneWhileTraining
from lit_prune.phases.round import Round
from lit_prune.phases.search import Search
from lit_prune.phases.sparse_tune import SparseTune
from lit_prune.phases.ticket import Ticket
from lit_prune.phases.train_masks import TrainMasks
from lit_prune.phases.training import Training

__all__ = [
    "After",
    "Always",
    "CyclicLinear",
    "Eligibility",
    "FineTune",
    "LearningRateSchedule",
    "LinearDecay",
    "MixedRank",
    "Phase",
    "PruneWhileTraining",
    "Round",
    "Search",
    "SparseTune",
    "Ticket",
    "TrainMasks",
    "Training",
]
