"""`Pruning`: a phase whose masks follow a schedule of sparsity, updated as training goes on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.phases.batch_losses import batch_losses
from lit_prune.phases.masking import Masking
from lit_prune.phases.network import restore_network
from lit_prune.sparsity.masks import Refreshed
from lit_prune.sparsity.pairs import RankPair, install_saved_pairs

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Pruning(Masking):
    """Masks over the targets, brought to the scheduled sparsity every so many steps and before every evaluation.

    The arguments are those of `Masking`; its kinds set the interval.

    Attributes:
        refresh_every: Optimizer steps between two updates of the masks.
    """

    refresh_every: int

    def begin(self, run: "Paradigm") -> None:
        """Put masks over the targets, at the initial sparsity."""
        self._prepare_again(run)
        if self.structure.needs_losses:
            run.begin_loss()
            layers = {name: run.get_submodule(name) for name in self.pruner.layer_names}
            self.structure.use(layers, lambda num_batches: batch_losses(run, num_batches), run.sum_processes)
        self._attach(run)
        self._update(run)

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Put masks over the targets."""
        if run.phases.position > 1:
            self._restore_earlier(run, state)
        self._attach(run)

    def _restore_earlier(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Put back what earlier phases made of the network, but for the masks of this one."""
        install_saved_pairs(run, state)
        self.prepare(run)
        own = tuple(f"{name}." for name in self.pruner.layer_names)
        restore_network(run, {name: value for name, value in state.items() if not name.startswith(own)})
        for name in self.pruner.layer_names:
            linear, sigma = run.get_submodule(name), state.get(f"{name}.sigma")
            if sigma is None or not isinstance(linear, nn.Linear):
                continue
            if len(sigma) < min(linear.in_features, linear.out_features):  # it was a pair of fewer ranks
                has_bias = linear.bias is not None
                run.set_submodule(name, RankPair(linear.in_features, len(sigma), linear.out_features, has_bias))

    def resume(self, run: "Paradigm", statistics: Mapping[str, Tensor]) -> None:
        """Restore the criterion's statistics, and count changes from the masks that a checkpoint had."""
        super().resume(run, statistics)
        self.pruner.remember()

    def _update(self, run: "Paradigm") -> None:
        run.refreshed = Refreshed(run.trainer.global_step, self.pruner.update(run.progress))

    def _update_if_moved(self, run: "Paradigm") -> None:
        if run.refreshed is None or run.refreshed.step != run.trainer.global_step:
            self._update(run)

    def penalty(self, run: "Paradigm") -> Tensor | None:
        """Return the criterion's term of the loss, or None."""
        return self.pruner.penalty(run.progress) if self.criterion.penalizes else None

    def after_backward(self, run: "Paradigm") -> None:
        """Let the criterion collect statistics."""
        if self.criterion.observes:
            self.pruner.observe()

    def after_step(self, run: "Paradigm") -> None:
        """Update the masks every `refresh_every` steps of the phase."""
        if run.step_of_phase % self.refresh_every == 0:
            self._update_if_moved(run)

    def before_evaluation(self, run: "Paradigm") -> None:
        """Bring the masks to the scheduled sparsity."""
        self._update_if_moved(run)

    def is_eligible(self, run: "Paradigm") -> bool:
        """True at the final sparsity, where the training's rule holds too."""
        return super().is_eligible(run) and self.pruner.is_final(run.progress)


def check_refresh(refresh_every: int) -> int:
    """Return the number of optimizer steps between two updates of the masks.

    Raises:
        UserError: it is not positive.
    """
    if refresh_every < 1:
        raise UserError(f"refresh_every must be 1 or more optimizer steps, got {refresh_every}: 50 is a default")
    return refresh_every
