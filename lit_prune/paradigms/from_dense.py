"""`FromDense`: a run begins with a dense model, which it trains itself, is given, or takes as it was pretrained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import CrossEntropy, Loss
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.paradigms.phase import Phase
from lit_prune.paradigms.teacher import Teacher, check_source, check_tasks, teach
from lit_prune.runs.checkpoints import (
    BASE,
    BEST,
    KEY,
    check_dense,
    find_dense,
    keep_base,
    load_dense,
    read_checkpoint,
    state_of,
)
from lit_prune.sparsity.install import fix_masks, install_saved, masked_layers, unmasked_state
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.pairs import has_pairs, rank_pairs
from lit_prune.sparsity.targets import targets_of


class FromDense(Paradigm):
    """The phase `dense`, whose best model is on disk as `dense.ckpt` when the next phase begins.

    Where the model is not trained here, the phase has no steps. A trained model that the run starts from is evaluated
    before the first step; the pretrained encoder under random heads is not.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        dense: Length and rates of the dense phase; None: the pretrained encoder under random heads is taken.
        dense_loss: The loss of the dense phase, None: cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from, instead of the dense phase. Of a run
            pruned by rank its `checkpoints/best.ckpt`: what is pruned stays so, and what each matrix kept is there as
            two matrices.
        taught_by: A run's folder or a checkpoint to take the teacher from, None: the teacher is the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
        taught_by: str | None = None,
    ) -> None:
        super().__init__(encoder, tasks)
        self.start_from = None if start_from is None else find_dense(start_from)
        self.taught_by = None if taught_by is None else find_dense(taught_by, "teacher")
        self.teacher: Teacher | None = None
        self.is_start_whole = True  # the run begins with all that `start_from` holds, and no more
        self.is_start_trained = False  # the run begins with a model that was trained on its tasks
        self.add_phase("dense", dense or Phase(steps=0), dense_loss or CrossEntropy())
        if self.start_from is not None:
            checkpoint = read_checkpoint(self.start_from)
            self.is_start_trained = bool(checkpoint[KEY].get("selected"))  # else an encoder that no phase trained
            if not self.is_start_trained:
                rank_zero_warn(
                    f"{self.start_from} is the encoder that its run began with, under random heads, as that run has no "
                    f"dense phase; for the model that it pruned set start_from to {self.start_from.with_name(BEST)}"
                )
            self.take_start(checkpoint["state_dict"], self.start_from)
        if self.taught_by is not None:
            check_dense(self, read_checkpoint(self.taught_by)["state_dict"], self.taught_by)

    def add_phase(self, name: str, phase: Phase, loss: Loss) -> None:
        """Append a phase with its loss.

        Raises:
            UserError: the loss needs what a task does not have, or a teacher where there is no trained dense model.
        """
        if "teacher" in loss.needs:
            origin = self.taught_by or self.start_from
            if origin is not None:
                check_tasks(origin, self.tasks)
            check_source(loss, name, origin is not None, "dense" in self.phases and self.phases["dense"].steps != 0)
        super().add_phase(name, phase, loss)

    def batch_loss(self, batch: Batch) -> Tensor:
        """The loss of the current phase, which may read the phase's progress and what the dense model says."""
        batch.progress = self.progress
        if "teacher" in self.loss_of(batch.task).needs:
            if self.teacher is None:  # the phase's first step, or the first after a resume
                self.teacher = teach(self, self.taught_by or self.checkpoints / BASE)
            batch.teacher = self.teacher(batch)
        return super().batch_loss(batch)

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
        """Lay out the phases; a trained model that the run starts from is evaluated before the first step."""
        super().setup(stage)
        if stage == "fit" and self.is_start_trained:
            self.trainer.num_sanity_val_steps = float("inf")

    def take_start(self, state: Mapping[str, Tensor], origin: Path) -> None:
        """Take over the model that the run starts from, the state dict of a checkpoint: dense, or pruned by rank."""
        if has_pairs(state) or any(name.endswith(f".{LowRankLinear.MASKED}") for name in state):
            self.take_pruned(state, origin)
        else:
            load_dense(self, state, origin)

    def take_pruned(self, state: Mapping[str, Tensor], origin: Path) -> None:
        """Take over a pruned model: fixed masks, and of a matrix that is pruned by rank the pair of what it kept."""
        self.is_start_whole = False
        state = state_of(self.tasks, state)
        load_dense(self, unmasked_state(state), origin)  # an error where the architecture is another
        install_saved(self, state)
        self.load_state_dict(state, strict=False)
        fix_masks(self)
        for name, target in targets_of([*masked_layers(self), *rank_pairs(self)]).items():
            self.matched.setdefault(target, []).append(name)

    def on_train_start(self) -> None:
        """Have `dense.ckpt` beside the checkpoints to come, where the model is not trained here."""
        if self.start_from is not None and self.is_start_whole:
            if self.trainer.is_global_zero:
                keep_base(self.start_from, self.checkpoints)
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
        teacher: A run's folder or a checkpoint: the dense model that teaches this one, for losses that need a teacher.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        dense: Phase,
        dense_loss: Loss | None = None,
        teacher: str | None = None,
    ) -> None:
        super().__init__(encoder, tasks, dense.as_last("dense"), dense_loss, taught_by=teacher)
        if teacher is not None and "teacher" not in self.losses["dense"].needs:
            raise UserError(
                f"teacher={teacher!r} has no effect: dense_loss is {type(self.losses['dense']).__name__}, which needs "
                "none; use one that does (lit_prune.losses.ConfidenceRegularisation), or leave teacher out"
            )
