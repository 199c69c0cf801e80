"""The search for entries to tune; whole runs are in test_sparse_tune.py."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lit_prune.phases import Search, Training
from lit_prune.tuning import ChildPruning, DiffPruning


@pytest.fixture
def run():
    """A stand-in for a run of a small network."""
    torch.manual_seed(0)
    network = nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(6, 8)), "heads": nn.ModuleDict({"a": nn.Linear(8, 2)})})
    network.loggers, network.logged = [SimpleNamespace(log_metrics=lambda *each: network.logged.append(each))], []
    network.frozen_names = set()
    network.step_of_phase, network.trainer = 1, SimpleNamespace(global_step=5)
    return network


def test_it_trains_heads_and_changes_and_is_never_selected(run):
    search = Search(Training(steps=4), ChildPruning(every=1))
    search.prepare(run)
    expected = set(search.trained_names(run))
    search.begin(run)
    assert {name for name, value in run.named_parameters() if value.requires_grad} == expected
    assert not search.is_eligible(run)
    assert search.penalty(run) is None


def test_what_the_method_measures_is_logged_at_once(run):
    search = Search(Training(steps=4), ChildPruning(every=1, share=0.1))
    search.begin(run)
    search.after_step(run)
    assert run.logged == []  # nothing to compare with yet
    search.after_step(run)
    assert run.logged == [({"search/kept_again": 1.0}, 5)]


def test_gates_add_their_penalty_to_the_loss(run):
    search = Search(Training(steps=4), DiffPruning(weight=2.0))
    search.begin(run)
    assert 0 < search.penalty(run).item() <= 2.0
