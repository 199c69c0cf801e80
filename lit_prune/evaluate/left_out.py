"""The training rows that a run's data perturbation left out."""

from dataclasses import replace

import torch

from lit_prune.data.configured import configured_tasks, setting
from lit_prune.data.perturbation import Perturbation
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.errors import UserError
from lit_prune.evaluate.sets import own_source
from lit_prune.export.trained import Trained


def left_out_set(trained: Trained, root: str | None = None) -> EvaluationSet:
    """Return the left-out rows as a tokenised set to evaluate on; they are drawn again.

    Args:
        trained: The run's result.
        root: The folder of the files, for a source that reads files.

    Raises:
        UserError: the training set lacked none, see `own_source`, or its files are gone.
    """
    config = trained.config
    settings = configured_tasks(config)[trained.task]
    perturbation = setting(config, "data.perturbation", Perturbation | None)
    if perturbation is None:
        raise UserError(f"data.perturbation of {trained.run} must be set, got none: give runs that left out rows")
    task = trained.model.tasks[trained.task].with_source(own_source(trained, root))
    task.validation = setting(settings, "validation", str | None)
    task.num_train = setting(settings, "num_train", int | None)
    rows_seed = setting(config, "data.rows_seed", int | None)
    how = Preparation(
        tokenizer=trained.model.encoder.tokenizer,
        root=root,
        max_length=setting(config, "data.max_length", int),
        validation_fraction=setting(config, "data.validation_fraction", float),
        seed=trained.metrics["seed"] if rows_seed is None else rows_seed,
        perturbation=perturbation,
        num_train=setting(config, "data.num_train", int | None),
    )
    (part, _), (whole, _) = (
        prepare_task(task, each, torch.empty(0)) for each in (how, replace(how, perturbation=None))
    )
    there = set(part["id"])
    return task.evaluation_set("train", whole.select([n for n, name in enumerate(whole["id"]) if name not in there]))
