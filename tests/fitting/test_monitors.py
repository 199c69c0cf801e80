"""What callbacks monitor is what a run logs."""

from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from lit_prune.errors import UserError
from lit_prune.fitting.monitors import Monitors, logged_names


def evaluation_set(name, *metrics):
    return SimpleNamespace(name=name, logits_shape=(3, 2), metrics=lambda logits: dict.fromkeys(metrics, 0.5))


DATA = SimpleNamespace(
    evaluation_sets=[
        evaluation_set("nli/id", "accuracy", "auroc", "accuracy_entailment"),
        evaluation_set("qa/id", "exact_match", "f1"),
    ]
)
KNOWN = ["selection", "train/loss", "nli/id/accuracy", "nli/id/auroc"]


def check(*callbacks, module=None):
    trainer = SimpleNamespace(callbacks=[Monitors(), *callbacks], datamodule=DATA)
    Monitors().setup(trainer, module or Monitors(), "fit")


@pytest.mark.parametrize("monitor", KNOWN)
def test_what_a_run_logs_can_be_monitored(monitor):
    check(EarlyStopping(monitor), ModelCheckpoint(), ModelCheckpoint(monitor=monitor))


def test_what_nothing_logs_is_an_error():
    assert logged_names(DATA) == KNOWN
    for callback in (EarlyStopping("val_loss"), ModelCheckpoint(monitor="val_loss")):
        with pytest.raises(UserError, match=f"unknown monitor 'val_loss' of .*: choose from {', '.join(KNOWN)}"):
            check(callback)


class Own(Callback):
    """A callback of a user."""


def test_what_a_users_own_classes_may_log_can_be_monitored():
    check(EarlyStopping("own"), Own())
    check(EarlyStopping("own"), module=torch.nn.Module.__new__(type("Module", (torch.nn.Module,), {})))


def test_the_names_are_those_that_a_run_logs(experiment, monkeypatch):
    """Stops on the first evaluation, from whose values Lightning would miss the name."""
    logged = {}

    def on_validation_end(self, trainer, module):
        logged.update(dict.fromkeys(trainer.callback_metrics, True), known=logged_names(trainer.datamodule))

    monkeypatch.setattr("lit_prune.callbacks.curves.SparsityCurves.on_validation_end", on_validation_end)
    assert experiment("--model.init_args.dense.steps", "2", "--model.init_args.mask.steps", "2")[0] == 0
    assert sorted(logged.pop("known")) == sorted(logged)
