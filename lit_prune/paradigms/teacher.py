"""The teacher of losses that need one: its predictions on the training rows, which are computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lit_prune.data.batch import Batch, Collate
from lit_prune.data.configured import configured_tasks
from lit_prune.data.table import tokenise_table
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.kinds import describe
from lit_prune.data.tasks.task import Task
from lit_prune.data.unlabelled import labelled_numbers
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Collector, Predicted
from lit_prune.evaluate.stored import logits_path, read_logits, write_logits
from lit_prune.losses import Loss
from lit_prune.losses.loss import HiddenStates
from lit_prune.metrics import predictions
from lit_prune.paradigms.teacher_model import Origin, TeacherModel, reads_alike
from lit_prune.phases.phase import Phase
from lit_prune.runs.upgrade import read_config

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

MARGIN = 0.1  # of the training rows that are not of the largest class, which a teacher is to get right


class Teacher:
    """Teacher predictions on the training rows.

    Args:
        predicted: Its logits on the training rows of each task, and on further sets.
        model: The teacher, for losses that compare hidden states. If None, there are none.

    Attributes:
        accuracy: `<task>/<split>/accuracy` of each set of classes.

    Raises:
        UserError: on a task's training rows it is hardly better than always saying the largest class.
    """

    def __init__(self, predicted: Sequence[Predicted], model: TeacherModel | None = None) -> None:
        self.predictions = {
            each.of.task: each.of.teacher_predictions(each.logits) for each in predicted if each.of.split == "train"
        }
        self.model = model
        of_classes = [each for each in predicted if each.of.class_map and each.labels.ndim == 1]
        self.accuracy = {f"{each.of.name}/accuracy": _accuracy(each) for each in of_classes}
        for each in of_classes:
            accuracy = self.accuracy[f"{each.of.name}/accuracy"]
            labels = each.labels[labelled_numbers(each.of.rows)]
            majority = float(labels.bincount().max()) / len(labels)
            needed = majority + MARGIN * (1 - majority)
            if each.of.split == "train" and accuracy < needed:
                raise UserError(
                    f"the teacher of task {each.of.task!r} must be right on {needed:.3f} of its training rows, got "
                    f"{accuracy:.3f} (the largest class alone: {majority:.3f}): train it longer, or take a better one "
                    "(model.init_args: dense, start_from, teacher)"
                )

    def __call__(self, batch: Batch, logits: Tensor) -> Tensor:
        """Return its predictions on a training batch, of the shape and on the device of a model's logits."""
        predictions = self.predictions[batch.task] = self.predictions[batch.task].to(logits.device)
        found = predictions[batch.index.to(logits.device)]
        if found.ndim > logits.ndim:  # several texts of a row, one after another
            return found.flatten(0, 1)
        return found[:, : logits.shape[1]]  # windows of tokens may be longer in other batches

    def hidden(self, batch: Batch, own: Sequence[Tensor]) -> HiddenStates:
        """Return the hidden states of a model on a batch, beside its own."""
        assert self.model is not None
        return HiddenStates(own, self.model.layers(batch), batch.inputs["attention_mask"])


def _accuracy(predicted: Predicted) -> float:
    numbers = labelled_numbers(predicted.of.rows)
    found = predictions(predicted.logits[numbers], predicted.of.class_map)
    return float((found == predicted.labels[numbers]).double().mean())


def check_source(run: "Paradigm", name: str, phase: Phase) -> None:
    """Check that a phase has a teacher if its loss, or that of a task, needs one.

    Args:
        run: The run, with the phases before.
        name: The phase's name.
        phase: The phase.

    Raises:
        UserError: there is none, or it has other tasks or classes.
    """
    losses = [phase.loss.for_task(task.loss) for task in run.tasks.values()]
    taught = [loss for loss in losses if loss.has_teacher]
    if not taught or phase.training.steps == 0:
        return
    if run.taught_by is not None and run.taught_by.is_folder:
        return
    origin = run.start.path if run.taught_by is None else run.taught_by.path
    if origin is not None:
        check_tasks(origin, run.tasks)
    if origin is not None or run.start.is_trained:
        return
    is_first = len(run.phases) == 0
    if not is_first and run.phases[run.phases.base].training.steps != 0:
        return
    remedy = "name a dense run, or a fine-tuned model's folder, as model.init_args.teacher"
    remedy += "" if is_first else ", or give it a dense phase (model.init_args.dense)"
    raise UserError(
        f"the run must have a trained dense model, the teacher of {type(taught[0]).__name__} (phase {name!r}), got "
        f"none: {remedy}"
    )


def check_tasks(origin: Path, tasks: Mapping[str, Task]) -> None:
    """Check that a teacher has the tasks, by the configuration of its run; a model away from a run has none.

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


def check_teacher(run: "Paradigm", losses: Sequence[Loss]) -> None:
    """Check that a teacher that is set is used, and can read the rows; the data are prepared.

    Args:
        run: The run.
        losses: The losses of all tasks in all phases.

    Raises:
        UserError: No loss uses it, or it cannot read them.
    """
    if run.taught_by is None:
        return
    if not any(loss.has_teacher for loss in losses):
        raise UserError(
            f"the loss of a phase must use the teacher {str(run.taught_by.path)!r}, got "
            f"{', '.join(sorted({type(loss).__name__ for loss in losses}))}: use one that does "
            "(lit_prune.losses.Distillation), or leave teacher out"
        )
    run.taught_by.check_inputs(run, run.data.preparation.max_length, any("hidden" in loss.needs for loss in losses))


@torch.no_grad()
def teach(run: "Paradigm", origin: Origin) -> Teacher:
    """Evaluate a teacher on the training rows, and on the rows that select; the processes share the work.

    If the teacher is not the run's own dense model, the other sets are evaluated too: they show its bias. Logits that
    an earlier run has stored are read. No random number is drawn: a resumed run finds the same, bit for bit.

    Args:
        run: The run, in training and masked in whatever way.
        origin: Where the teacher comes from.

    Raises:
        UserError: it is hardly better than always saying the largest class.
    """
    model = origin.model(run)
    phases = [run.phases[name] for name in run.phases]
    pairs = [(name, phase.loss.for_task(task.loss)) for phase in phases for name, task in run.tasks.items()]
    taught = {name for name, loss in pairs if loss.has_teacher}
    sets = [each for each in (*run.data.training_sets, *run.data.evaluation_sets) if each.task in taught]
    sets = [each for each in sets if run.taught_by is not None or each.split in ("train", "validation")]
    keeps_model = any("hidden" in loss.needs for _, loss in pairs)
    return Teacher(_predict(run, model, sets), model if keeps_model else None)


def _predict(run: "Paradigm", model: TeacherModel, sets: Sequence[EvaluationSet]) -> list[Predicted]:
    """Return a teacher's logits on sets, read where all processes find them, else computed and stored."""
    encoder, described = model.encoder, [*model.described(), str(run.trainer.precision)]
    read = [_with_tokens(each, run, model) for each in sets]
    columns = {name: [*encoder.tokenizer.model_input_names, *task.head_inputs] for name, task in run.tasks.items()}
    paths = [logits_path([*described, describe(run.tasks[each.task])], each, columns[each.task]) for each in read]
    stored = [read_logits(path, each) for path, each in zip(paths, sets, strict=True)]
    num_found = run.sum_processes(torch.tensor([float(each is not None) for each in stored]))
    missing = [number for number, found in enumerate(num_found.tolist()) if found < run.trainer.world_size]
    collector = Collector([sets[number] for number in missing])
    collate = Collate(encoder.tokenizer, run.tasks)
    for number, loader in enumerate(run.data.loaders([read[each] for each in missing], collate)):
        for batch in loader:
            batch = run.trainer.strategy.batch_to_device(batch, run.device)
            collector.add(number, batch, model(batch))
    for number, computed in zip(missing, collector.predicted(run.sum_processes), strict=True):
        stored[number] = computed.logits
        if run.trainer.is_global_zero:
            write_logits(paths[number], computed.logits)
    return [Predicted(each, logits) for each, logits in zip(sets, stored, strict=True) if logits is not None]


def _with_tokens(each: EvaluationSet, run: "Paradigm", model: TeacherModel) -> EvaluationSet:
    """Return a set with the tokens of a teacher."""
    if reads_alike(model.encoder, run.encoder):
        return each
    tokenise = run.tasks[each.task].tokeniser(run.data.preparation.max_length)
    return replace(each, rows=tokenise_table(each.rows, tokenise, model.encoder.tokenizer))
