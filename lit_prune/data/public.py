"""The public classes of `lit_prune.data`."""

from lit_prune.data.bias.public import (
    BiasFile,
    BiasModel,
    ClaimBias,
    NgramBias,
    OverlapBias,
    PlantedOverlap,
    ShuffledBias,
)
from lit_prune.data.module import MultitaskDataModule
from lit_prune.data.ood import OodTraining
from lit_prune.data.sampling import BalancedGroups, JustTrainTwice, Sampling
from lit_prune.data.sources.public import (
    BiasAmplified,
    ConllFiles,
    CopaFiles,
    Files,
    GeneratedAcceptability,
    GeneratedChoice,
    GeneratedEntities,
    GeneratedFacts,
    GeneratedMentions,
    GeneratedNli,
    GeneratedParaphrase,
    GeneratedReading,
    GeneratedRestatements,
    GeneratedSimilarity,
    GeneratedTopics,
    Hub,
    OneText,
    PairFiles,
    SpanFiles,
    SquadFiles,
    SquadHub,
    WithUnlabelled,
    WscFiles,
)
from lit_prune.data.tasks.choice import ChoiceTask
from lit_prune.data.tasks.embedding import EmbeddingTask
from lit_prune.data.tasks.mention import MentionTask
from lit_prune.data.tasks.multi_label import MultiLabelTask
from lit_prune.data.tasks.regression import RegressionTask
from lit_prune.data.tasks.similarity import Similarity
from lit_prune.data.tasks.span import SpanTask
from lit_prune.data.tasks.task import Task
from lit_prune.data.tasks.token import TokenTask
from lit_prune.data.tasks.windows import Windows

__all__ = [
    "BalancedGroups",
    "BiasAmplified",
    "BiasFile",
    "BiasModel",
    "ChoiceTask",
    "ClaimBias",
    "ConllFiles",
    "CopaFiles",
    "EmbeddingTask",
    "Files",
    "GeneratedAcceptability",
    "GeneratedChoice",
    "GeneratedEntities",
    "GeneratedFacts",
    "GeneratedMentions",
    "GeneratedNli",
    "GeneratedParaphrase",
    "GeneratedReading",
    "GeneratedRestatements",
    "GeneratedSimilarity",
    "GeneratedTopics",
    "Hub",
    "JustTrainTwice",
    "MentionTask",
    "MultiLabelTask",
    "MultitaskDataModule",
    "NgramBias",
    "OneText",
    "OodTraining",
    "OverlapBias",
    "PairFiles",
    "PlantedOverlap",
    "RegressionTask",
    "Sampling",
    "ShuffledBias",
    "Similarity",
    "SpanFiles",
    "SpanTask",
    "SquadFiles",
    "SquadHub",
    "Task",
    "TokenTask",
    "Windows",
    "WithUnlabelled",
    "WscFiles",
]
