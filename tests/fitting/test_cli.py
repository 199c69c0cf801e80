"""What the arguments of `fit` resolve to, and the precision that is chosen."""

from types import SimpleNamespace

import pytest
import yaml
from jsonargparse import Namespace

from lit_prune.callbacks.record import decisive
from lit_prune.errors import UserError
from lit_prune.fitting.arguments import HELP
from lit_prune.fitting.cli import PruneCLI

# What a configuration has, whether it is resumed -> what it has then, and whether a slow precision would warn.
UNSET = {"precision": None, "chosen": None, "plugins": None}
PRECISION = {"class_path": "lightning.pytorch.plugins.MixedPrecision"}
ENVIRONMENT = {"class_path": "lightning.pytorch.plugins.environments.LightningEnvironment"}
AUTO = {"precision": "bf16-mixed", "chosen": "bf16-mixed"}


@pytest.mark.parametrize(
    ("config", "is_resumed", "precision", "chosen", "warned"),
    [
        ({}, False, "native", "native", False),
        ({"precision": "32-true"}, False, "32-true", None, True),
        (AUTO, True, "bf16-mixed", "bf16-mixed", False),  # on another machine too
        (AUTO, False, "native", "native", False),  # the config.yaml of a run, on another machine
        (AUTO | {"precision": "32-true"}, True, "32-true", None, True),
        ({}, True, None, None, False),  # a run of version 0.1.0, which was in Lightning's default
        ({"plugins": PRECISION}, False, None, None, False),
        ({"plugins": [PRECISION]} | AUTO, False, None, None, False),
        ({"plugins": [ENVIRONMENT]}, False, "native", "native", False),
    ],
)
def test_precision_is_chosen_where_nothing_sets_it(monkeypatch, config, is_resumed, precision, chosen, warned):
    asked = []
    monkeypatch.setattr("lit_prune.fitting.cli.native_precision", lambda accelerator: f"native of {accelerator}"[:6])
    monkeypatch.setattr("lit_prune.fitting.cli.warn_if_slow", lambda *arguments: asked.append(arguments))
    has = UNSET | config
    trainer = Namespace(precision=has["precision"], plugins=has["plugins"], accelerator="cpu")
    resolved = Namespace(trainer=trainer, chosen_precision=has["chosen"])
    PruneCLI._set_precision(SimpleNamespace(resumed="a run" if is_resumed else None), resolved)
    assert (trainer.precision, resolved.chosen_precision) == (precision, chosen)
    assert asked == ([(precision, "cpu")] if warned else [])


def test_arguments_resolve_to_what_the_run_records_without_a_run(plain_run, resolve):
    config = plain_run / "config.yaml"
    recorded = decisive(yaml.safe_load(config.read_text()))
    assert decisive(resolve([f"--config={config}"])) == recorded
    changed = decisive(resolve([f"--config={config}", "--seed_everything=7"]))
    assert changed == recorded | {"seed_everything": 7} != recorded


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--nothing=1", f"unknown key nothing: {HELP}"),
        ("--data.batch_size=many", f"data.batch_size must be an integer, got many: {HELP}"),
        ("--data.batchsize=1", "unknown key data.batchsize: did you mean data.batch_size?"),
        (
            "--model.init_args.refresh=1",
            "unknown key model.init_args.refresh: did you mean model.init_args.refresh_every?",
        ),
    ],
)
def test_what_does_not_resolve_is_one_line(plain_run, resolve, argument, message):
    with pytest.raises(UserError) as raised:
        resolve([f"--config={plain_run / 'config.yaml'}", argument])
    assert str(raised.value) == message
