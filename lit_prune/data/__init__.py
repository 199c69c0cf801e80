"""What a run is trained and evaluated on: tasks, their sources, and the data module over them."""

from lit_prune.data.bias import OverlapBias
from lit_prune.data.module import MultitaskDataModule
from lit_prune.data.ood import OodTraining
from lit_prune.data.sources import Files, GeneratedNli, Hub
from lit_prune.data.task import Task

__all__ = ["Files", "GeneratedNli", "Hub", "MultitaskDataModule", "OodTraining", "OverlapBias", "Task"]
