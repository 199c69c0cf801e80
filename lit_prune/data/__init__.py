"""What a run is trained and evaluated on: tasks, their sources, and the data module over them."""

from lit_prune.data.bias import OverlapBias
from lit_prune.data.bias_file import BiasFile
from lit_prune.data.module import MultitaskDataModule
from lit_prune.data.shuffled_bias import ShuffledBias
from lit_prune.data.sources import Files, GeneratedNli, Hub
from lit_prune.data.task import Task

__all__ = ["BiasFile", "Files", "GeneratedNli", "Hub", "MultitaskDataModule", "OverlapBias", "ShuffledBias", "Task"]
