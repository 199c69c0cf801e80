"""`Phase`: one stage of a run, with what it trains and what it does to the network."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.losses import CrossEntropy, Loss
from lit_prune.phases.network import restore_network
from lit_prune.phases.training import Training

if TYPE_CHECKING:
    from lit_prune.data.batch import Batch
    from lit_prune.paradigms.paradigm import Paradigm


class Phase:
    """One stage of a run. It trains all parameters that require a gradient; the kinds of phases override the hooks.

    Every hook gets the run, a `Paradigm`: the network (`encoder`, `heads`), the `trainer`, the phase's `progress`. A
    phase begins with the best model of the phase before, where that selected one, else with the network as it is.

    Args:
        training: Length, optimizer and learning rates.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.

    Attributes:
        may_be_empty: The phase may have no steps as the first of a run.
        starts_masked: A run whose first trained phase is of this kind may start from a masked model, or from the
            encoder of other tasks.
        freezes_base: What the phase freezes is as in the model that the run began with, `dense.ckpt`: the phase's
            checkpoints leave it there.
        has_own_batches: The phase trains on its `batches`.
    """

    may_be_empty: ClassVar[bool] = False
    starts_masked: ClassVar[bool] = False
    freezes_base: ClassVar[bool] = False
    has_own_batches: ClassVar[bool] = False

    def __init__(self, training: Training, loss: Loss | None = None) -> None:
        self.training = training
        self.loss = loss or CrossEntropy()

    @property
    def why_last(self) -> str:
        """Why no phase may come after this one, and the remedy; empty: one may."""
        return ""

    # ---- before anything is trained --------------------------------------------------------------------------------

    def check(self, name: str, before: Mapping[str, "Phase"]) -> None:
        """Check the arguments, by themselves and against those of other phases.

        Args:
            name: The phase's name in a run.
            before: The phases before it.

        Raises:
            UserError: it has no step, or no phase may come after one of those before.
        """
        if self.training.steps == 0 and (before or not self.may_be_empty):
            raise UserError(f"length of the phase {name!r} must be above 0 steps, got 0: set one, or remove the phase")
        for earlier, phase in before.items():
            if phase.why_last:
                raise UserError(
                    f"phase {earlier!r} must be the last of the run, got {name!r} after it: {phase.why_last}"
                )

    def prepare(self, run: "Paradigm") -> None:
        """Find what the phase will change in the network, when the run is built.

        Raises:
            UserError: it is not there.
        """

    def trained_names(self, run: "Paradigm") -> list[str]:
        """Return the names of the parameters that the phase is going to train, of a run that has not begun."""
        return [name for name, value in run.named_parameters() if value.requires_grad]

    def num_steps(self, run: "Paradigm", steps_per_epoch: float) -> int:
        """Return the length in optimizer steps."""
        return self.training.num_steps(steps_per_epoch)

    # ---- the network -----------------------------------------------------------------------------------------------

    def begin(self, run: "Paradigm") -> None:
        """Shape the network: install masks, freeze; then a fresh optimizer is made."""

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Shape the network as it was when a checkpoint was written, before the weights are loaded.

        Args:
            run: The run, whose network is as it was built.
            state: The checkpoint's state dict.
        """
        restore_network(run, state)

    def resume(self, run: "Paradigm", statistics: Mapping[str, Tensor]) -> None:
        """Act before training begins in this phase, or resumes in it; the weights are loaded.

        Args:
            run: The run.
            statistics: What the checkpoint had of them, empty in a run that begins.
        """

    def statistics(self, run: "Paradigm") -> dict[str, Tensor]:
        """Return tensors that a checkpoint needs for an exact resume, beside the network; `resume` has them back."""
        return {}

    def leaves_unused(self, run: "Paradigm") -> bool:
        """True if a step may leave a trained parameter without a gradient, which DDP has to allow."""
        return False

    # ---- steps and evaluations -------------------------------------------------------------------------------------

    def batches(self, run: "Paradigm") -> Iterable[Any] | None:
        """Return the batches that the phase trains on, the same object at every call, or None for the data module's.

        A resumed run asks again: batches have to be a function of `run.step_of_phase` for it to repeat them.
        """
        return None

    def before_forward(self, run: "Paradigm", batch: "Batch") -> None:
        """Prepare the network for a batch, in training and evaluation."""

    def penalty(self, run: "Paradigm") -> Tensor | None:
        """Return a term to add to the loss of a step, or None."""
        return None

    def after_backward(self, run: "Paradigm") -> None:
        """Use the gradients of a step, before the optimizer does."""

    def after_step(self, run: "Paradigm") -> None:
        """Act after an optimizer step."""

    def before_evaluation(self, run: "Paradigm") -> None:
        """Prepare the network for an evaluation."""

    def is_eligible(self, run: "Paradigm") -> bool:
        """True if the model as it is now may be selected."""
        return self.training.is_eligible(run.progress)

    def record(self, run: "Paradigm") -> dict[str, Any]:
        """Return what `metrics.json` has of a model that the phase selected, beside metrics and sparsity."""
        return {}
