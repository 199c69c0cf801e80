"""The rows that a run's training set lacked, drawn again."""

import pytest
import torch

from lit_prune.data import preparation
from lit_prune.errors import UserError
from lit_prune.evaluate.left_out import left_out_set
from lit_prune.export.trained import read_run

BRIEF = ("--model.init_args.dense.steps=2", "--trainer.val_check_interval=2", "--data.num_train=50")


def test_they_are_the_rows_that_training_lacked(experiment, monkeypatch):
    sets = []
    prepare = preparation.prepare_task
    monkeypatch.setattr("lit_prune.data.module.prepare_task", lambda *given: (sets.append(given), prepare(*given))[1])
    perturbed = ("--data.perturbation.share=0.2", "--data.perturbation.seed=3", "--data.rows_seed=5")
    code, run = experiment(*BRIEF, *perturbed, config="configs/dense.yaml")
    assert code == 0
    task, how, table = sets[0]
    kept = set(prepare(task, how, table)[0]["id"])
    found = left_out_set(read_run(run, None))
    assert len(found.rows) == 10 == 50 - len(kept)
    assert not kept & set(found.rows["id"])
    assert found.metrics(torch.zeros(found.logits_shape))["accuracy"] <= 1


def test_a_run_that_lacked_none_is_named(finished_run):
    with pytest.raises(UserError, match=r"data\.perturbation of .*version_0 must be set, got none: give runs"):
        left_out_set(read_run(finished_run, None))
