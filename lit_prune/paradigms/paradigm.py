"""`Paradigm`: the one training step, evaluation, selection and phases of all paradigms.

A run is a row of phases inside one `Trainer.fit`, each with a fresh optimizer; `enter` is what a paradigm does in one.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.optim import Optimizer

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses import Loss, check_finite
from lit_prune.paradigms.checks import check_needs, check_phases
from lit_prune.paradigms.evaluation import Collector, Predicted, macro_average, mean_selection
from lit_prune.paradigms.phase import Phase, clip, lay_out
from lit_prune.runs.checkpoint_io import AtomicCheckpointIO
from lit_prune.runs.checkpoints import KEY, take_loss
from lit_prune.runs.random_state import conditions, random_states, restore_random_state, warn_of_changes
from lit_prune.sparsity.count import Count, count, denominator, total
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.masks import Refreshed


class Paradigm(LightningModule):
    """What all paradigms share; one says by `add_phase` which phases it has, and in `enter` what they do.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
    """

    def __init__(self, encoder: PrunableEncoder, tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.encoder = encoder
        self.tasks = dict(tasks)
        self.heads = nn.ModuleDict({name: task.make_head(encoder) for name, task in tasks.items()})
        self.phases: dict[str, Phase] = {}
        self.losses: dict[str, Loss] = {}
        self.phase = ""
        self.matched: dict[str, list[str]] = {}
        self.refreshed: Refreshed | None = None
        self.folder = Path()
        self.run_id: str | None = None
        self.ends: dict[str, int] = {}
        self.steps_planned = 0
        self.selected: dict[str, dict[str, Any]] = {}
        self.improved = self._ended_phase = False
        self.predicted: list[Predicted] = []
        self.values: dict[str, float] = {}
        self._collector = Collector([])
        self.restored_state: dict[str, Any] | None = None  # the random state, until a resumed run trains

    # ---- phases ----------------------------------------------------------------------------------------------------

    def add_phase(self, name: str, phase: Phase, loss: Loss) -> None:
        """Append a phase with its loss; the first is where a run begins.

        Raises:
            UserError: the loss needs what a task does not have.
        """
        check_needs(loss, self.tasks.values())
        self.phases[name], self.losses[name] = phase, loss
        self.phase = self.phase or name

    @property
    def last_phase(self) -> str:
        """The phase whose best checkpoint is the run's result."""
        return list(self.phases)[-1]

    def loss_of(self, task: str) -> Loss:
        """The loss of a task's batches: its own, else the phase's."""
        own = self.tasks[task].loss
        return self.losses[self.phase] if own is None else own

    @property
    def progress(self) -> float:
        """How far the current phase is, 0 to 1."""
        start, end = self.span(self.phase)
        return 1.0 if end <= start else min(1.0, max(0.0, (self.trainer.global_step - start) / (end - start)))

    def span(self, phase: str) -> tuple[int, int]:
        """First optimizer step of a phase, and the step at which it has ended."""
        names = list(self.ends)
        number = names.index(phase)
        return self.ends[names[number - 1]] if number else 0, self.ends[phase]

    def num_steps(self, phase: str, steps_per_epoch: float) -> int:
        """Length of a phase in optimizer steps."""
        return self.phases[phase].num_steps(steps_per_epoch)

    def trained_names(self, phase: str) -> list[str]:
        """Return the names of the model's parameters that a phase trains, of a run that has not begun."""
        return [name for name, value in self.named_parameters() if value.requires_grad]

    def enter(self, phase: str) -> None:
        """Shape the model for a phase: install, freeze. Called when the phase begins, and when a run is resumed in it.

        The first phase trains the model as it was built.
        """

    def load_start(self, phase: str) -> None:
        """Load the weights that a phase starts from, where they are not the current ones."""

    def start_phase(self, phase: str) -> None:
        """Begin a phase: its weights, its shape, then a fresh optimizer and schedule."""
        self.load_start(phase)
        self.phase = phase
        self.enter(phase)
        self._begin_loss()
        strategy = self.trainer.strategy
        if isinstance(strategy, DDPStrategy):
            # Which parameters are trained has changed: the old wrapper would leave the new ones out of step.
            strategy.model = self
            strategy.configure_ddp()
        strategy.setup_optimizers(self.trainer)

    def _begin_loss(self) -> None:
        """Have the phase's loss among what is trained, with nothing learned yet."""
        self.loss = self.losses[self.phase]
        self.loss.reset(self.encoder.hidden_size)
        self.loss.to(self.device)

    def end_phase(self) -> None:
        """End the current phase at this step; those after it begin the earlier."""
        left = self.ends[self.phase] - self.trainer.global_step
        names = list(self.ends)
        for name in names[names.index(self.phase) :]:
            self.ends[name] -= left

    def setup(self, stage: str) -> None:
        """Lay out the phases in optimizer steps."""
        if stage != "fit":
            return
        per_epoch = self._data.batches_per_epoch / self.trainer.accumulate_grad_batches
        lengths = {name: self.num_steps(name, per_epoch) for name in self.phases}
        self.ends = lay_out(lengths, self.trainer.max_steps)
        self.steps_planned = self.ends[self.last_phase]
        check_phases(self, self._data)
        self._begin_loss()
        self.trainer.num_sanity_val_steps = 0
        self.trainer.strategy.checkpoint_io = AtomicCheckpointIO()
        if self.folder == Path():  # no command line has claimed one
            self.folder = Path(self.trainer.log_dir or ".")

    @property
    def _data(self) -> Any:
        return self.trainer.datamodule  # type: ignore[attr-defined]

    def configure_optimizers(self) -> Any:
        """A fresh optimizer and schedule over what the current phase trains."""
        start, end = self.span(self.phase)
        trained = {name: value for name, value in self.named_parameters() if value.requires_grad}
        # Under a loss scaler a fused optimizer would unscale the gradients only after clipping.
        optimizer = self.phases[self.phase].optimizer(trained, fused=self.trainer.precision != "16-mixed")
        schedule = self.phases[self.phase].schedule(optimizer, end - start)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip as the trainer says; Lightning's own refuses to for any fused optimizer, scaler or not."""
        if gradient_clip_val:
            clip(optimizer, gradient_clip_val, by_value=gradient_clip_algorithm == "value")

    # ---- the training step -----------------------------------------------------------------------------------------

    def forward(self, batch: Batch) -> Tensor:
        """Logits (batch, classes) of the batch's task, (batch, length, 2) of spans."""
        return self.heads[batch.task](*self.encode(batch), **batch.head_inputs)  # type: ignore[no-any-return]

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Hidden states (batch, length, width) and the pooled first token (batch, width)."""
        return self.encoder(batch.inputs)  # type: ignore[no-any-return]

    def batch_loss(self, batch: Batch) -> Tensor:
        """The loss of the current phase on a batch."""
        hidden, batch.pooled = self.encode(batch)
        logits = self.heads[batch.task](hidden, batch.pooled, **batch.head_inputs)
        return self.loss_of(batch.task)(logits, batch) * batch.weight  # type: ignore[no-any-return]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of the current phase, logged; one that is not finite ends the run."""
        loss = self.batch_loss(batch)
        check_finite(loss, f"step {self.trainer.global_step} (phase {self.phase!r})", self._last_checkpoint())
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def _last_checkpoint(self) -> str:
        best = f"best of phase {next(reversed(self.selected), None)!r} beside it"
        return f"{self.folder}/checkpoints/last.ckpt ({best})" if self.selected else "none yet"

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Restore the random state after a resume; begin the phase that the step belongs to."""
        if self.restored_state is not None:
            restore_random_state(self.restored_state)
            self.restored_state = None
        due = next((name for name, end in self.ends.items() if self.trainer.global_step < end), self.phase)
        if due != self.phase:
            self.start_phase(due)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Stop at a phase's end: Lightning then evaluates, and the next phase takes the stop back."""
        if self.trainer.global_step == self.ends[self.phase]:
            self._ended_phase = True
            self.trainer.should_stop = True

    def on_validation_end(self) -> None:
        """Go on after a phase's last evaluation, unless it was the last phase."""
        if self._ended_phase and self.phase != self.last_phase:
            self.trainer.should_stop = False
        self._ended_phase = False

    # ---- evaluation and selection ----------------------------------------------------------------------------------

    def on_validation_start(self) -> None:
        """Make room for the logits of every set."""
        self._collector = Collector(self._data.evaluation_sets)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Collect the logits; metrics are of whole sets."""
        self._collector.add(dataloader_idx, batch, self(batch))

    def on_validation_epoch_end(self) -> None:
        """Metrics of every set, and whether this is the phase's best model by the ID metric."""
        self.predicted = self._collector.predicted(self.sum_processes)
        self.values = values = {name: value for each in self.predicted for name, value in each.metrics().items()}
        values |= macro_average(values, self.tasks)
        selection = mean_selection(values, self.tasks) if self.eligible() else math.nan
        best = self.selected.get(self.phase, {}).get("selection", -math.inf)
        self.improved = selection > best
        if self.improved:
            self.selected[self.phase] = {"selection": selection, "step": self.trainer.global_step, **self.facts()}
            self.selected[self.phase]["metrics"] = values
        # For callbacks that monitor a value; Lightning's own curves would lie one step before those of ours.
        self.log("selection", selection, prog_bar=True, logger=False)
        self.log_dict(
            {key: each for key, each in values.items() if key.endswith(("/accuracy", "/auroc"))}, logger=False
        )

    def sum_processes(self, own: Tensor) -> Tensor:
        """The sum of each process' own tensor, where this one's is; all of them must call this."""
        total: Tensor = self.trainer.strategy.reduce(own.to(self.device), reduce_op="sum")
        return total.to(own.device)

    def eligible(self) -> bool:
        """Whether the current model may be selected."""
        return self.progress >= self.phases[self.phase].select_after

    def facts(self) -> dict[str, Any]:
        """What else is recorded of a selected model: its exact sparsity, and what that is a share of."""
        if not (counts := self.counts()):
            return {"sparsity": 0.0}
        return {"sparsity": total(counts.values()).sparsity, "denominator": denominator(self, self.matched)}

    # ---- what callbacks ask of a paradigm ----------------------------------------------------------------------------

    def counts(self) -> dict[str, Count]:
        """Kept and all entries of each masked layer; empty while nothing is masked."""
        return count(self)

    def masks(self) -> dict[str, Tensor]:
        """What is kept of each masked tensor, by its name; of the task in use where masks differ by task."""
        return {f"{name}.{layer.MASKED}": layer.mask.keep for name, layer in masked_layers(self).items()}

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what an exact resume needs beside Lightning's own state."""
        checkpoint[KEY] = {
            "run_id": self.run_id,
            "phase": self.phase,
            "ends": self.ends,
            "selected": self.selected,
            "random_states": random_states(self.trainer.world_size),
            "conditions": conditions(self.trainer),
            "loss": take_loss(checkpoint),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Shape the model as it was, before Lightning loads the weights and sets the optimizer up."""
        state = checkpoint[KEY]
        self.selected, self.ends, self.phase = state["selected"], state["ends"], state["phase"]
        states = state["random_states"]
        self.restored_state = states[self.trainer.global_rank % len(states)]
        self.enter(self.phase)
        self._begin_loss()
        checkpoint["state_dict"] |= state.get("loss", {})
        # Cut off after its last step, a run lacks nothing but its record.
        self.trainer.should_stop = checkpoint["global_step"] >= self.ends[self.last_phase]
        warn_of_changes(state["conditions"], conditions(self.trainer))
