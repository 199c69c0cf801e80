"""The public classes of `lit_prune.data.bias`."""

from lit_prune.data.bias.claim import ClaimBias
from lit_prune.data.bias.file import BiasFile
from lit_prune.data.bias.fitted import FittedBias
from lit_prune.data.bias.model import BiasModel
from lit_prune.data.bias.ngrams import NgramBias
from lit_prune.data.bias.overlap import OverlapBias
from lit_prune.data.bias.planted import PlantedOverlap
from lit_prune.data.bias.shuffled import ShuffledBias

__all__ = [
    "BiasFile",
    "BiasModel",
    "ClaimBias",
    "FittedBias",
    "NgramBias",
    "OverlapBias",
    "PlantedOverlap",
    "ShuffledBias",
]
