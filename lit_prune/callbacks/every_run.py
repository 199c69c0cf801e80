"""The callbacks that every run has, whoever makes its Trainer."""

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lit_prune.callbacks.agreement import Agreement
from lit_prune.callbacks.checkpoints import Checkpoints
from lit_prune.callbacks.curves import SparsityCurves
from lit_prune.callbacks.folder import ClaimedFolder
from lit_prune.callbacks.record import RunRecord
from lit_prune.callbacks.seeds import SeedStability


def callbacks_of_every_run(trainer: Trainer) -> list[Callback]:
    """Return new callbacks for a run: its folder, agreement of processes, curves, record and checkpoints.

    The `ModelCheckpoint` that Lightning adds to a Trainer without arguments is removed: a run writes its own.
    """
    trainer.callbacks = [each for each in trainer.callbacks if not _is_default(each)]  # type: ignore[attr-defined]
    return [ClaimedFolder(), Agreement(), SparsityCurves(), RunRecord(), SeedStability(), Checkpoints()]


def _is_default(callback: Callback) -> bool:
    return type(callback) is ModelCheckpoint and vars(callback) == vars(ModelCheckpoint())
