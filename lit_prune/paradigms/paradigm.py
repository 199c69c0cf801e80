"""`Paradigm`: a run as a list of phases inside one `Trainer.fit`, with the one training step of the package."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from lit_prune.callbacks.every_run import callbacks_of_every_run
from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses.loss import check_finite
from lit_prune.paradigms.checks import check_fit, check_needs, check_phases, check_trainer
from lit_prune.paradigms.ddp import allow_unused, wrap_again
from lit_prune.paradigms.selection import Selection
from lit_prune.paradigms.start import Start
from lit_prune.paradigms.state import last_checkpoint, load_best, pack, restore
from lit_prune.paradigms.teacher import Teacher, check_source, teach
from lit_prune.paradigms.teacher_model import Origin
from lit_prune.phases.phase import Phase
from lit_prune.phases.sequence import PhaseSequence, with_base
from lit_prune.runs.checkpoint_io import AtomicCheckpointIO
from lit_prune.runs.checkpoints import BASE, BEST, keep_base
from lit_prune.runs.identity import Identity
from lit_prune.runs.random_state import restore_random_state
from lit_prune.sparsity.count import Count, count
from lit_prune.sparsity.masks import Refreshed


class Paradigm(LightningModule):
    """A run of phases, each with a fresh optimizer; the best model of the last one is the result.

    The first phase is the base: its best model, or where it has no steps the model that the run begins with, is
    `dense.ckpt`. If `phases` do not begin with a `FineTune`, an empty one with the name `dense` comes first.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        phases: The phases by name, in their order.
        start_from: A run's folder or a checkpoint to take the first weights from instead of the base phase. If None,
            the pretrained encoder, with its own head or random ones. From a run pruned by rank, give its
            `checkpoints/best.ckpt`: pruned ranks stay pruned, and each matrix becomes two factors of its kept ranks.
        teacher: The model that teaches: a run's folder or checkpoint, or the folder of a fine-tuned model of
            transformers. If None, the base.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        phases: dict[str, Phase],
        start_from: str | None = None,
        teacher: str | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.tasks = dict(tasks)
        self.start = Start(start_from)
        self.heads = nn.ModuleDict(self.start.heads(encoder, tasks))
        if encoder.has_pooler and not any(task.reads_pooler for task in tasks.values()):
            encoder.backbone.pooler.requires_grad_(False)  # DDP waits for the gradient of everything trained
        self.matched: dict[str, list[str]] = {}  # layers by target
        self.refreshed: Refreshed | None = None  # the last update of the masks
        self.folder = Path()
        self.run_id: str | None = None
        self.identity = Identity()
        self.steps_planned = 0
        self.phases = PhaseSequence()
        self.selection = Selection()
        self._phase_ended = False
        self.restored_state: dict[str, Any] | None = None  # the random state, until a resumed run trains
        self.restored_statistics: dict[str, Tensor] = {}  # of the phase that a run is resumed in
        self.left_out: list[str] | None = None  # tensors that the phase's checkpoints leave to the base, once known
        self.frozen_names = {name for name, value in self.named_parameters() if not value.requires_grad}
        self.taught_by = None if teacher is None else Origin(teacher)
        self.teacher: Teacher | None = None
        phases = with_base(phases)
        self.start.load(self, takes_masked=any(phase.starts_masked for phase in list(phases.values())[1:2]))
        if self.taught_by is not None:
            self.taught_by.check(self)
        for name, phase in phases.items():
            self.insert_phase(name, phase)

    # ---- phases ----------------------------------------------------------------------------------------------------

    def insert_phase(self, name: str, phase: Phase, before: str | None = None) -> None:
        """Add a phase to a run that has not begun.

        Args:
            name: Its name, a new one.
            phase: The phase.
            before: The name of the phase that comes next, or None if it is the last.

        Raises:
            UserError: the phase has no step or does not fit the network, its loss does not fit a task, or a name is
                wrong.
        """
        phase.check(name, self.phases.before(before))
        check_needs(phase.loss, self.tasks.values())
        check_source(self, name, phase)
        phase.prepare(self)
        self.phases.insert(name, phase, before)

    @property
    def phase(self) -> str:
        """The name of the current phase."""
        return self.phases.name

    @property
    def progress(self) -> float:
        """The progress of the current phase, 0 to 1."""
        return self.phases.progress(self.trainer.global_step)

    @property
    def step_of_phase(self) -> int:
        """Optimizer steps of the current phase so far."""
        return self.trainer.global_step - self.phases.span(self.phase)[0]

    def checkpoint_of(self, phase: str) -> Path:
        """Return the file of a phase's best model."""
        name = BEST if phase == self.phases.last else BASE if phase == self.phases.base else f"{phase}.ckpt"
        return self.folder / "checkpoints" / name

    def end_phase(self) -> None:
        """End the current phase at this step; the later ones begin earlier."""
        self.phases.end_current(self.trainer.global_step)

    def configure_callbacks(self) -> list[Callback]:
        """Return the callbacks of every run."""
        return callbacks_of_every_run(self.trainer)

    def setup(self, stage: str) -> None:
        """Lay out the phases in optimizer steps, and check what would otherwise fail later."""
        check_fit(self, stage)
        check_trainer(self.trainer)
        per_epoch = self.data.batches_per_epoch / self.trainer.accumulate_grad_batches
        self.phases.lay_out(lambda phase: phase.num_steps(self, per_epoch), self.trainer.max_steps)
        self.steps_planned = self.phases.ends[self.phases.last]
        check_phases(self, self.data, per_epoch)
        self.begin_loss()
        measures_base = self.start.is_trained and self.phases.ends[self.phases.base] == 0
        self.trainer.num_sanity_val_steps = float("inf") if measures_base else 0
        self.trainer.strategy.checkpoint_io = AtomicCheckpointIO()
        if any(self.phases[name].has_own_batches for name in self.phases):
            self.data.find_source = lambda: self.phases[self.phases.due(self.trainer.global_step)].batches(self)

    def on_train_start(self) -> None:
        """Write the base beside the checkpoints to come, where no phase trains it."""
        if self.start.path is not None and self.start.is_whole:
            if self.trainer.is_global_zero:
                keep_base(self.start.path, self.folder / "checkpoints")
        elif self.phase == self.phases.base and self.phases.ends[self.phase] == 0:
            self.trainer.save_checkpoint(self.folder / "checkpoints" / BASE, weights_only=True)
        self.phases.current.resume(self, self.restored_statistics)

    def _start_phase(self, name: str) -> None:
        """Begin a phase: the best weights of the one before, the phase's shape, a fresh optimizer and schedule."""
        load_best(self)
        self.phases.name, self.left_out = name, None
        self.phases.current.begin(self)
        self.begin_loss()
        if self.phases.current.leaves_unused(self):
            allow_unused(self.trainer.strategy)
        wrap_again(self.trainer.strategy, self)
        self.trainer.strategy.setup_optimizers(self.trainer)

    def begin_loss(self) -> None:
        """Make the phase's loss one of the modules, with nothing learned yet."""
        self.loss = self.phases.current.loss
        self.loss.reset(self.encoder.hidden_size, self.data.group_sizes)
        self.loss.to(self.device)

    def configure_optimizers(self) -> Any:
        """Return a fresh optimizer and schedule over what the current phase trains."""
        start, end = self.phases.span(self.phase)
        trained = {name: value for name, value in self.named_parameters() if value.requires_grad}
        # Under a loss scaler a fused optimizer would unscale gradients after clipping.
        optimizer = self.phases.current.training.make_optimizer(trained, fused=self.trainer.precision != "16-mixed")
        schedule = self.phases.current.training.make_lr_schedule(optimizer, end - start)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip as the trainer is set; Lightning's own refuses to for any fused optimizer, scaler or not."""
        if gradient_clip_val:
            gradients = [each for group in optimizer.param_groups for each in group["params"]]
            clip = nn.utils.clip_grad_value_ if gradient_clip_algorithm == "value" else nn.utils.clip_grad_norm_
            clip(gradients, gradient_clip_val)

    # ---- the training step -----------------------------------------------------------------------------------------

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (batch, classes) of the batch's task, (batch, length, 2) of spans."""
        return self.heads[batch.task](*self.encode(batch), **batch.head_inputs)  # type: ignore[no-any-return]

    def encode(self, batch: Batch, layers: list[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return hidden states (batch, length, width) and the pooled first token (batch, width); see the encoder."""
        self.phases.current.before_forward(self, batch)
        return self.encoder(batch.inputs, layers)  # type: ignore[no-any-return]

    def batch_loss(self, batch: Batch) -> Tensor:
        """Return the loss of a batch, by its task's own loss or the phase's."""
        loss = self.phases.current.loss.for_task(self.tasks[batch.task].loss)
        layers: list[Tensor] | None = [] if "hidden" in loss.needs else None
        hidden, pooled = self.encode(batch, layers)
        logits = self.heads[batch.task](hidden, pooled, **batch.head_inputs)
        if loss.has_teacher and self.teacher is None:
            self.teacher = teach(self, self.taught_by or Origin(str(self.folder / "checkpoints" / BASE)))
        taught = None if self.teacher is None or "teacher" not in loss.needs else self.teacher(batch, logits)
        states = None if self.teacher is None or layers is None else self.teacher.hidden(batch, layers)
        return loss(logits, batch.examples(self.progress, pooled, taught, states)) * batch.weight  # type: ignore[no-any-return]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of the current phase, logged; one that is not finite ends the run."""
        loss = self.batch_loss(batch)
        if (penalty := self.phases.current.penalty(self)) is not None:
            loss = loss + penalty
        check_finite(loss, f"step {self.trainer.global_step} (phase {self.phase!r})", lambda: last_checkpoint(self))
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Let the phase use the gradients."""
        self.phases.current.after_backward(self)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Restore the random state after a resume; begin the phase that the step belongs to."""
        if self.restored_state is not None:
            restore_random_state(self.restored_state)
            self.restored_state = None
        due = self.phases.due(self.trainer.global_step)
        if due != self.phase:
            self._start_phase(due)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Stop at a phase's end: Lightning then evaluates, and the next phase takes the stop back."""
        self.phases.current.after_step(self)
        if self.trainer.global_step == self.phases.ends[self.phase]:
            self._phase_ended = True
            self.trainer.should_stop = True

    def on_validation_end(self) -> None:
        """Go on after a phase's last evaluation, unless it was the last phase."""
        if self._phase_ended and self.phase != self.phases.last:
            self.trainer.should_stop = False
        self._phase_ended = False

    # ---- evaluation and selection ----------------------------------------------------------------------------------

    def on_validation_start(self) -> None:
        """Make room for the logits of every set."""
        self.selection.begin(self.data.evaluation_sets)
        self.phases.current.before_evaluation(self)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Collect the logits; metrics are of whole sets."""
        self.selection.add(dataloader_idx, batch, self(batch))

    def on_validation_epoch_end(self) -> None:
        """Compute the metrics, and log the values that callbacks may monitor."""
        # Lightning's own curves would lie one step before those of ours.
        self.log("selection", self.selection.finish(self), prog_bar=True, logger=False)
        self.log_dict(self.selection.monitored, logger=False)

    # ---- the interface of phases and callbacks -----------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The trainer's data module."""
        return self.trainer.datamodule  # type: ignore[attr-defined]

    def sum_processes(self, own: Tensor) -> Tensor:
        """Return the sum of each process' own tensor, on its device; all of them must call this."""
        total: Tensor = self.trainer.strategy.reduce(own.to(self.device), reduce_op="sum")
        return total.to(own.device)

    def counts(self) -> dict[str, Count]:
        """Return kept and all entries of each masked layer; empty while nothing is masked."""
        return count(self)

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what an exact resume needs beside Lightning's own state."""
        pack(self, checkpoint)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Shape the network as it was, before Lightning loads weights and optimizer."""
        restore(self, checkpoint)
