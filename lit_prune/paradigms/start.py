"""The model that a run begins with: pretrained, or of another run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.phases.network import cover
from lit_prune.runs.checkpoints import BEST, KEY, find_dense, has_masks, load_dense, read_checkpoint, state_of
from lit_prune.sparsity.install import fix_masks, install_saved, unmasked_state
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.pairs import has_pairs

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Start:
    """Where a run's first weights come from.

    Args:
        named: A run's folder or a checkpoint. If None, the pretrained encoder, under its own head or random ones.

    Attributes:
        path: The checkpoint, or None.
        is_whole: The run begins with all that the checkpoint contains, and no more.
        is_trained: The run begins with a model that was trained on its tasks.
    """

    def __init__(self, named: str | None) -> None:
        self.path = None if named is None else find_dense(named)
        self.is_whole = True
        self.is_trained = False

    def heads(self, encoder: PrunableEncoder, tasks: Mapping[str, Task]) -> dict[str, nn.Module]:
        """Build the head of each task: the backbone's own if it was fine-tuned for the same classes, else a new one."""
        heads = {name: task.make_head(encoder) for name, task in tasks.items()}
        if (saved := encoder.saved_head) is None:
            self.is_trained = encoder.is_pretrained and not any(list(head.parameters()) for head in heads.values())
            return heads
        fits = {name: saved.copy_into(heads[name], task.architecture, task.classes) for name, task in tasks.items()}
        self.is_trained = all(fits.values())
        for name in (name for name, fitting in fits.items() if not fitting):
            classes = ", ".join(tasks[name].classes) or type(tasks[name]).__name__
            rank_zero_warn(
                f"the head of {encoder.name} ({saved.model.name}: {', '.join(saved.labels)}) does not fit task "
                f"{name!r} ({classes}): initialised at random"
            )
        return heads

    def load(self, run: "Paradigm", takes_masked: bool) -> None:
        """Load the model into a run that has just been built.

        Args:
            run: The run.
            takes_masked: True if a masked model, or the encoder of other tasks, will do.

        Raises:
            UserError: the checkpoint is damaged, or of another architecture.
        """
        if self.path is None:
            return
        checkpoint = read_checkpoint(self.path)
        self.is_trained = bool(checkpoint[KEY].get("selected"))  # else an encoder that no phase trained
        if not self.is_trained:
            rank_zero_warn(
                f"{self.path} is the encoder that its run began with, under random heads, as that run has no dense "
                f"phase; for the model that it pruned set start_from to {self.path.with_name(BEST)}"
            )
        state: dict[str, Tensor] = checkpoint["state_dict"]
        heads = tuple(f"heads.{task}." for task in run.tasks)
        has_heads = any(name.startswith(heads) for name in state)
        if takes_masked and not has_heads and list(run.heads.parameters()):  # intermediate-task training
            self.is_whole = self.is_trained = False
            encoder = {name: value for name, value in state.items() if name.startswith("encoder.")}
            state = encoder | {name: value for name, value in run.state_dict().items() if name.startswith("heads.")}
        is_ranked = has_pairs(state) or any(name.endswith(f".{LowRankLinear.MASKED}") for name in state)
        if is_ranked or (takes_masked and has_masks(state)):
            self._load_pruned(run, state)
        else:
            load_dense(run, state, self.path)

    def _load_pruned(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Load a pruned model: fixed masks, and the pair of what each matrix kept that was pruned by rank."""
        assert self.path is not None
        self.is_whole = False
        state = state_of(run.tasks, state)
        load_dense(run, unmasked_state(state), self.path)  # an error where the architecture is another
        install_saved(run, state)
        run.load_state_dict(state, strict=False)
        fix_masks(run)
        cover(run, {})
