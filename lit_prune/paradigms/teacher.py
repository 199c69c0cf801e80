"""The teacher of losses that need one: the run's own dense model, whose word on each training row is taken once."""

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lit_prune.checkpoints import load_dense, read_checkpoint
from lit_prune.data.batch import Batch
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.evaluation import Collector, Predicted
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.sparsity.install import uninstall

MARGIN = 0.1  # of the training rows that are not of the largest class, which a teacher is to get right


class Teacher:
    """What a dense model says of the training rows.

    Args:
        predicted: Its logits on the training rows of each task.

    Attributes:
        accuracy: `<task>/train/accuracy`.

    Raises:
        UserError: on a task it is hardly better than always saying the largest class.
    """

    def __init__(self, predicted: Sequence[Predicted]) -> None:
        self.log_probs = {each.of.task: each.logits.log_softmax(-1) for each in predicted}
        self.accuracy: dict[str, float] = {}
        for each in predicted:
            accuracy = float((each.logits.argmax(-1) == each.labels).double().mean())
            majority = float(each.labels.bincount().max()) / len(each.labels)
            if accuracy < (needed := majority + MARGIN * (1 - majority)):
                raise UserError(
                    f"the dense model is no teacher for task {each.of.task!r}: it is right on {accuracy:.3f} of its "
                    f"training rows, needed are {needed:.3f} (the largest class alone: {majority:.3f}); train it longer"
                    " (model.init_args.dense), or start_from a better one"
                )
            self.accuracy[f"{each.of.name}/accuracy"] = accuracy

    def __call__(self, batch: Batch) -> Tensor:
        """Its log-probabilities (batch, classes) of a training batch, on the batch's device."""
        device = batch.labels.device
        self.log_probs[batch.task] = self.log_probs[batch.task].to(device)
        return self.log_probs[batch.task][batch.index.to(device)]


def check_source(loss: Loss, phase: str, trained: bool) -> None:
    """Whether there will be a teacher.

    Args:
        loss: A loss that needs one.
        phase: Its phase.
        trained: Whether the run trains a dense model before, or is given one.

    Raises:
        UserError: the phase is the one that trains the teacher, or there is none.
    """
    name = type(loss).__name__
    if phase == "dense":
        raise UserError(
            f"{name} needs a teacher, which is what the dense phase trains: use it in a later phase. To train a dense "
            "model by it: IterativePruning with start_from=<a dense run> and ImpRounds(num_rounds=1, final=0)"
        )
    if not trained:
        raise UserError(
            f"{name} (phase {phase!r}) needs a teacher, but the run has no trained dense model: give it a dense phase "
            "(model.init_args.dense), or, other than to LotteryTicket, a dense run (start_from)"
        )


@torch.no_grad()
def teach(module: Paradigm, checkpoint: Path) -> Teacher:
    """Evaluate the dense model on the training rows; it draws no random number, and the processes share the work.

    Args:
        module: The run, in training and masked in whatever way.
        checkpoint: Of the dense model.
    """
    dense = _Dense(module)
    load_dense(dense, read_checkpoint(checkpoint)["state_dict"], checkpoint)
    dense.eval()
    data = module.trainer.datamodule  # type: ignore[attr-defined]
    sets = data.training_sets
    collector = Collector(sets)
    for number, loader in enumerate(data.loaders(sets)):
        for batch in loader:
            batch = module.trainer.strategy.batch_to_device(batch, module.device)
            collector.add(number, batch, dense(batch))
    return Teacher(collector.predicted(module.sum_processes))


class _Dense(nn.Module):
    """A copy of a run's encoder and heads, without masks."""

    def __init__(self, module: Paradigm) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(module.encoder)
        self.heads = copy.deepcopy(module.heads)
        uninstall(self)

    def forward(self, batch: Batch) -> Tensor:
        logits: Tensor = self.heads[batch.task](*self.encoder(batch.inputs))
        return logits
