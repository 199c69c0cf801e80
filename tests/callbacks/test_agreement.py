"""Processes that hold different masks are found out."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lit_prune.callbacks.agreement import Agreement, digest
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import FixedMask, LearnedMask, Refreshed
from lit_prune.tuning.entries import tune


def module(scores=(1.0, 2.0), threshold=1.5, step=4, keep=None):
    mask = LearnedMask(torch.tensor([scores]))
    mask.threshold.fill_(threshold)
    network = nn.ModuleDict({"layer": nn.Linear(2, 1)})
    install(network, ["layer"], lambda name, linear: mask if keep is None else FixedMask(torch.tensor([keep])))
    network.refreshed, network.phase = Refreshed(step, 0.0), "mask"
    return network


@pytest.mark.parametrize("other", [module(scores=(1.0, 2.0000002)), module(threshold=1.6)])
def test_a_difference_stops_the_run_and_is_named(monkeypatch, other):
    def all_gather(digests, own):
        digests[:] = [own, digest(other)]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    with pytest.raises(RuntimeError, match=r"\['layer'\] differ between processes at step 4"):
        Agreement().on_train_batch_start(SimpleNamespace(world_size=2, global_step=4), module(), None, 0)


def test_fixed_masks_are_compared_too():
    one, other = (digest(module(keep=keep)) for keep in ([True, False], [False, True]))
    assert one != other
    assert one == digest(module(keep=[True, False]))


def test_equal_masks_are_compared_once_a_refresh(monkeypatch):
    calls = []

    def all_gather(digests, own):
        calls.append(own)
        digests[:] = [own, digest(module())]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    agreement = Agreement()
    for step in (4, 4, 8):
        agreement.on_train_batch_start(SimpleNamespace(world_size=2, global_step=4), module(step=step), None, 0)
    assert len(calls) == 2


def test_masks_are_compared_before_they_are_selected_too(monkeypatch):
    def all_gather(digests, own):
        digests[:] = [own, digest(module(threshold=1.6))]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    with pytest.raises(RuntimeError, match=r"\['layer'\] differ between processes at step 4"):
        Agreement().on_validation_end(SimpleNamespace(world_size=2, global_step=4), module())


def test_one_process_has_nothing_to_compare():
    Agreement().on_train_batch_start(SimpleNamespace(world_size=1), module(), None, 0)


def test_which_entries_are_tuned_is_compared_too():
    def tuned(entry):
        network = nn.Linear(3, 1)
        tune(network, {"weight": torch.tensor([entry])})
        return digest(network)

    assert tuned(1) != tuned(2)
    assert tuned(1) == tuned(1)
    assert tuned(1).keys() == {"weight"}


def test_a_new_phase_is_compared_once(monkeypatch):
    calls = []

    def all_gather(digests, own):
        calls.append(own)
        digests[:] = [own, own]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    agreement, network = Agreement(), module()
    network.refreshed = None
    for phase in ("search", "search", "tune"):
        network.phase = phase
        agreement.on_validation_end(SimpleNamespace(world_size=2, global_step=4), network)
    assert len(calls) == 2
