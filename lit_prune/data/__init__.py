"""What a run is trained and evaluated on: tasks, their sources, and the data module over them."""

from lit_prune.data.bias import BiasFile, BiasModel, ClaimBias, OverlapBias, ShuffledBias
from lit_prune.data.choices import ChoiceTask
from lit_prune.data.mentions import MentionTask
from lit_prune.data.module import MultitaskDataModule
from lit_prune.data.ood import OodTraining
from lit_prune.data.similarity import Similarity
from lit_prune.data.sources import (
    CopaFiles,
    Files,
    GeneratedAcceptability,
    GeneratedChoice,
    GeneratedFacts,
    GeneratedMentions,
    GeneratedNli,
    GeneratedParaphrase,
    GeneratedReading,
    GeneratedSimilarity,
    Hub,
    SquadFiles,
    SquadHub,
    WscFiles,
)
from lit_prune.data.spans import SpanTask
from lit_prune.data.task import Task
from lit_prune.data.windows import Windows

__all__ = [
    "BiasFile",
    "BiasModel",
    "ChoiceTask",
    "ClaimBias",
    "CopaFiles",
    "Files",
    "GeneratedAcceptability",
    "GeneratedChoice",
    "GeneratedFacts",
    "GeneratedMentions",
    "GeneratedNli",
    "GeneratedParaphrase",
    "GeneratedReading",
    "GeneratedSimilarity",
    "Hub",
    "MentionTask",
    "MultitaskDataModule",
    "OodTraining",
    "OverlapBias",
    "ShuffledBias",
    "Similarity",
    "SpanTask",
    "SquadFiles",
    "SquadHub",
    "Task",
    "Windows",
    "WscFiles",
]
