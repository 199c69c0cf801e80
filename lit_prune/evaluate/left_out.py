"""The rows that a run's training set lacked, by its data perturbation."""

from dataclasses import replace

import torch

from lit_prune.data.configured import configured_tasks
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.kinds import rebuild
from lit_prune.data.perturbation import Perturbation
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.errors import UserError
from lit_prune.evaluate.sets import own_source
from lit_prune.export.trained import Trained


def left_out_set(trained: Trained) -> EvaluationSet:
    """Those rows as a set to evaluate on, tokenised; they are drawn again as they were.

    Raises:
        UserError: the training set lacked none, its source is no class of the package, or its files are gone.
    """
    settings, data = configured_tasks(trained.config)[trained.task], trained.config["data"]
    if not data.get("perturbation"):
        raise UserError(f"{trained.run} had its whole training set: give runs with data.perturbation")
    task = rebuild(settings, own_source(trained))
    task.validation, task.num_train = settings.get("validation"), settings.get("num_train")
    rows_seed = data.get("rows_seed")
    how = Preparation(
        tokenizer=trained.model.encoder.tokenizer,
        root=data.get("root"),
        max_length=data["max_length"],
        validation_fraction=data["validation_fraction"],
        seed=trained.metrics["seed"] if rows_seed is None else rows_seed,
        perturbation=Perturbation(**data["perturbation"]),
        num_train=data.get("num_train"),
    )
    (part, _), (whole, _) = (
        prepare_task(task, each, torch.empty(0)) for each in (how, replace(how, perturbation=None))
    )
    there = set(part["id"])
    return task.evaluation_set("train", whole.select([n for n, name in enumerate(whole["id"]) if name not in there]))
