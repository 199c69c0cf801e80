"""The teacher of losses that need one: a dense model, whose predictions on the training rows are computed once."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lit_prune.data.batch import Batch
from lit_prune.data.configured import configured_tasks
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Collector, Predicted
from lit_prune.phases.phase import Phase
from lit_prune.runs.checkpoints import load_dense, read_checkpoint
from lit_prune.runs.upgrade import read_config
from lit_prune.sparsity.install import uninstall
from lit_prune.sparsity.pairs import install_saved_pairs

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

MARGIN = 0.1  # of the training rows that are not of the largest class, which a teacher is to get right


class Teacher:
    """Teacher predictions on the training rows.

    Args:
        predicted: Its logits on the training rows of each task, and on further sets.

    Attributes:
        accuracy: `<task>/<split>/accuracy` of each set of classes.

    Raises:
        UserError: on a task's training rows it is hardly better than always saying the largest class.
    """

    def __init__(self, predicted: Sequence[Predicted]) -> None:
        self.predictions = {
            each.of.task: each.of.teacher_predictions(each.logits) for each in predicted if each.of.split == "train"
        }
        of_classes = [each for each in predicted if each.of.labels]
        self.accuracy = {f"{each.of.name}/accuracy": _accuracy(each) for each in of_classes}
        for each in of_classes:
            accuracy = self.accuracy[f"{each.of.name}/accuracy"]
            majority = float(each.labels.bincount().max()) / len(each.labels)
            needed = majority + MARGIN * (1 - majority)
            if each.of.split == "train" and accuracy < needed:
                raise UserError(
                    f"the teacher of task {each.of.task!r} must be right on {needed:.3f} of its training rows, got "
                    f"{accuracy:.3f} (the largest class alone: {majority:.3f}): train it longer, or take a better one "
                    "(model.init_args: dense, start_from, teacher)"
                )

    def __call__(self, batch: Batch) -> Tensor:
        """Its predictions on a training batch, of the shape of the head's output and on the batch's device."""
        device = batch.labels.device
        self.predictions[batch.task] = self.predictions[batch.task].to(device)
        return self.predictions[batch.task][batch.index.to(device)].flatten(0, -2)


def _accuracy(predicted: Predicted) -> float:
    return float((predicted.logits.argmax(-1) == predicted.labels).double().mean())


def check_source(run: "Paradigm", name: str, phase: Phase) -> None:
    """Check that a phase has a teacher if its loss, or that of a task, needs one.

    Args:
        run: The run, with the phases before.
        name: The phase's name.
        phase: The phase.

    Raises:
        UserError: there is none, or it has other tasks or classes.
    """
    losses = [phase.loss, *(task.loss for task in run.tasks.values() if task.loss is not None)]
    taught = [loss for loss in losses if "teacher" in loss.needs]
    if not taught or phase.training.steps == 0:
        return
    origin = run.taught_by or run.start.path
    if origin is not None:
        check_tasks(origin, run.tasks)
    if origin is not None or run.start.is_trained:
        return
    is_first = len(run.phases) == 0
    if not is_first and run.phases[run.phases.base].training.steps != 0:
        return
    remedy = (
        "name a dense run as model.init_args.teacher of FineTune"
        if is_first
        else "give it a dense phase (model.init_args.dense) or, other than to LotteryTicket, a dense run (start_from)"
    )
    raise UserError(
        f"the run must have a trained dense model, the teacher of {type(taught[0]).__name__} (phase {name!r}), got "
        f"none: {remedy}"
    )


def check_tasks(origin: Path, tasks: Mapping[str, Task]) -> None:
    """Check that a teacher has the tasks, by the configuration of its run; a checkpoint away from its run has none.

    Raises:
        UserError: it has another task, or other classes, than ours.
    """
    run = origin.parent.parent
    if not (run / "config.yaml").is_file():
        return
    try:
        every = configured_tasks(read_config(run))
    except KeyError:
        return  # tasks of a user's own class may go without a name
    theirs = {name: list(each["labels"]) for name, each in every.items() if "labels" in each}
    ours = {name: list(task.labels) for name, task in tasks.items() if task.labels}
    if theirs and theirs != ours:
        raise UserError(f"{origin} must have the tasks and classes {ours} of a teacher, got {theirs}: give another run")


@torch.no_grad()
def teach(module: "Paradigm", checkpoint: Path) -> Teacher:
    """Evaluate a dense model on the training rows, and on the rows that select; the processes share the work.

    No random number is drawn: a resumed run finds the same, bit for bit.

    Args:
        module: The run, in training and masked in whatever way.
        checkpoint: Of the dense model.

    Raises:
        UserError: it is hardly better than always saying the largest class.
    """
    dense = _Dense(module)
    state = read_checkpoint(checkpoint)["state_dict"]
    install_saved_pairs(dense, state)
    load_dense(dense, state, checkpoint)
    dense.eval()
    data = module.data
    sets = [*data.training_sets, *(each for each in data.evaluation_sets if each.split == "validation")]
    sets = [each for each in sets if "teacher" in module.loss_of(each.task).needs]
    collector = Collector(sets)
    for number, loader in enumerate(data.loaders(sets)):
        for batch in loader:
            batch = module.trainer.strategy.batch_to_device(batch, module.device)
            collector.add(number, batch, dense(batch))
    return Teacher(collector.predicted(module.sum_processes))


class _Dense(nn.Module):
    """A copy of a run's encoder and heads, without masks."""

    def __init__(self, module: "Paradigm") -> None:
        super().__init__()
        self.encoder = copy.deepcopy(module.encoder)
        self.heads = copy.deepcopy(module.heads)
        uninstall(self)

    def forward(self, batch: Batch) -> Tensor:
        logits: Tensor = self.heads[batch.task](*self.encoder(batch.inputs), **batch.head_inputs)
        return logits
