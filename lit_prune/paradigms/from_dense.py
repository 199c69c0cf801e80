"""`FromDense`: a run begins with a dense model, which it trains itself, is given, or takes as it was pretrained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lit_prune.checkpoints import BASE, find_dense, keep_base, load_dense, read_checkpoint
from lit_prune.data.batch import Batch
from lit_prune.data.task import Task
from lit_prune.encoder import PrunableEncoder
from lit_prune.losses import CrossEntropy, Loss
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.paradigms.phase import Phase
from lit_prune.paradigms.teacher import Teacher, check_source, teach


class FromDense(Paradigm):
    """The phase `dense`, whose best model is on disk as `dense.ckpt` when the next phase begins.

    Where the model is not trained here, the phase has no steps: the model is evaluated, and the next phase begins.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        dense: Length and rates of the dense phase; None: the pretrained encoder under random heads is taken.
        dense_loss: The loss of the dense phase, None: cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from, instead of the dense phase.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
    ) -> None:
        super().__init__(encoder, tasks)
        self.start_from = start_from
        self.teacher: Teacher | None = None
        self.add_phase("dense", dense or Phase(steps=0), dense_loss or CrossEntropy())
        if start_from is not None:
            origin = find_dense(start_from)
            load_dense(self, read_checkpoint(origin)["state_dict"], origin)

    def add_phase(self, name: str, phase: Phase, loss: Loss) -> None:
        """Append a phase with its loss.

        Raises:
            UserError: the loss needs what a task does not have, or a teacher where there is no trained dense model.
        """
        if "teacher" in loss.needs:
            trained = self.start_from is not None or ("dense" in self.phases and self.phases["dense"].steps != 0)
            check_source(loss, name, trained)
        super().add_phase(name, phase, loss)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of the current phase, which may read the phase's progress and what the dense model says."""
        batch.progress = self.progress
        if "teacher" in self.losses[self.phase].needs:
            if self.teacher is None:  # the phase's first step, or the first after a resume
                self.teacher = teach(self, self.checkpoints / BASE)
            batch.teacher = self.teacher(batch)
        return super().training_step(batch, batch_idx)

    def facts(self) -> dict[str, Any]:
        """What else is recorded of a selected model: its sparsity, and how good its teacher was."""
        return super().facts() | ({"teacher": self.teacher.accuracy} if self.teacher else {})

    @property
    def checkpoints(self) -> Path:
        """The run's folder of checkpoints."""
        return self.folder / "checkpoints"

    def num_steps(self, phase: str, steps_per_epoch: float) -> int:
        """Length of a phase; the dense one is skipped where its result is given."""
        if phase == "dense" and self.start_from is not None:
            return 0
        return super().num_steps(phase, steps_per_epoch)

    def setup(self, stage: str) -> None:
        """Lay out the phases; a dense model that is not trained here is evaluated before the first step."""
        super().setup(stage)
        if stage == "fit" and self.ends["dense"] == 0:
            self.trainer.num_sanity_val_steps = float("inf")

    def on_train_start(self) -> None:
        """Have `dense.ckpt` beside the checkpoints to come, where the model is not trained here."""
        if self.start_from is not None:
            if self.trainer.is_global_zero:
                keep_base(find_dense(self.start_from), self.checkpoints)
        elif self.phase == "dense" and self.ends["dense"] == 0:
            self.trainer.save_checkpoint(self.checkpoints / BASE, weights_only=True)

    def load_dense(self) -> None:
        """Go back to the best model of the dense phase, before anything is masked."""
        load_dense(self, self.read_dense(), self.checkpoints / BASE)

    def read_dense(self) -> dict[str, Tensor]:
        """The state dict of `dense.ckpt`."""
        state: dict[str, Tensor] = read_checkpoint(self.checkpoints / BASE)["state_dict"]
        return state


class FineTune(FromDense):
    """Fine-tune every weight: the dense reference.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        dense: Length and rates of the dense phase.
        dense_loss: Its loss, None: cross-entropy.
    """

    def __init__(
        self, encoder: PrunableEncoder, tasks: Mapping[str, Task], dense: Phase, dense_loss: Loss | None = None
    ) -> None:
        super().__init__(encoder, tasks, dense, dense_loss)
