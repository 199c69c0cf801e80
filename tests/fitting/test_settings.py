"""Settings of the trainer, seed and experiment that no run honours are named with what they must be."""

import inspect

import pytest
import torch
from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException

from lit_prune.errors import UserError
from lit_prune.fitting.parser import TRAINER_DEFAULTS
from lit_prune.fitting.settings import CHECKS, check_experiment, check_trainer, trainer_errors

# Settings that are handed to Lightning whatever they are; tests/test_command_lines.py shows what they change.
HANDED_ON = {
    *("logger", "callbacks", "enable_progress_bar", "enable_model_summary", "deterministic", "benchmark"),
    *("inference_mode", "detect_anomaly", "enable_autolog_hparams"),
}


def test_every_setting_of_a_trainer_is_either_checked_or_handed_on():
    names = set(inspect.signature(Trainer.__init__).parameters) - {"self"}
    assert names == CHECKS.keys() | HANDED_ON
    assert not CHECKS.keys() & HANDED_ON


def test_the_defaults_are_right():
    signature = inspect.signature(Trainer.__init__).parameters
    defaults = {name: each.default for name, each in signature.items() if name != "self"}
    check_trainer(defaults | TRAINER_DEFAULTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("devices", 2),
        ("devices", "2"),
        ("devices", "0,1"),
        ("devices", [0, 1]),
        ("strategy", "ddp"),
        ("strategy", {"class_path": "lightning.pytorch.strategies.DDPStrategy"}),
        ("accelerator", "cpu"),
        ("precision", "bf16-mixed"),
        ("precision", 32),
        ("max_steps", 1),
        ("max_time", "00:00:00:10"),
        ("max_time", {"hours": 1}),
        ("val_check_interval", 1),
        ("gradient_clip_val", 0),
        ("gradient_clip_val", 0.5),
        ("gradient_clip_algorithm", "value"),
        ("profiler", "simple"),
    ],
)
def test_what_is_right_passes(name, value):
    check_trainer({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("devices", []),
        ("devices", [0, 0]),
        ("devices", "1,1"),
        ("gradient_clip_val", True),
        ("devices", True),
        ("devices", "all"),
        ("devices", "0"),
        ("strategy", {"class_path": "lightning.pytorch.strategies.FSDPStrategy"}),
        ("strategy", {}),
        ("accumulate_grad_batches", True),
        ("accumulate_grad_batches", 1.0),
        ("val_check_interval", True),
        ("val_check_interval", 1.0),
        ("val_check_interval", {"hours": 1}),
        ("limit_val_batches", 1.0),
        ("limit_val_batches", 0),
        ("gradient_clip_val", float("inf")),
        ("max_epochs", None),
        ("max_steps", -2),
    ],
)
def test_what_is_wrong_is_named_with_its_value(name, value):
    with pytest.raises(UserError) as raised:
        check_trainer({name: value})
    assert str(raised.value).startswith(f"trainer.{name} must be ")
    assert f", got {value!r}: " in str(raised.value)


def test_all_devices_are_for_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_trainer({"devices": -1, "accelerator": "auto"})
    check_trainer({"devices": -1, "accelerator": "cuda"})
    with pytest.raises(UserError, match="for CPUs, got -1"):
        check_trainer({"devices": -1, "accelerator": "cpu"})


@pytest.mark.parametrize("name", ["run", "mask/loss=poe/seed=2", "a b", "ä" * 100, "..x"])
def test_names_with_slashes_are_an_experiment(name):
    check_experiment(name)


@pytest.mark.parametrize(
    "name", ["", "/", "/a", "a/", "a//b", "../a", "a/../b", ".", "a\\b", "a\0b", "ä" * 101, "x" * 201]
)
def test_what_leads_elsewhere_is_no_experiment(name):
    with pytest.raises(UserError, match="experiment must "):
        check_experiment(name)


@pytest.mark.parametrize("kind", [MisconfigurationException, ValueError, TypeError, ImportError])
def test_an_error_of_lightning_is_one_line(kind):
    with pytest.raises(UserError) as raised, trainer_errors():
        raise kind("no such\n  thing")
    assert str(raised.value) == "trainer must have compatible settings: no such thing"


def test_an_error_for_users_stays_as_it_is():
    with pytest.raises(UserError, match=r"^mine$"), trainer_errors():
        raise UserError("mine")
