"""The run's id and configuration in its folder."""

import json

import yaml

from lit_prune.cli import main
from lit_prune.runs.checkpoints import KEY, read_checkpoint

BRIEF = ("--model.init_args.dense.steps", "2", "--model.init_args.mask.steps", "2", "--trainer.val_check_interval", "2")


def test_all_checkpoints_of_a_run_have_its_id_which_a_resumed_run_keeps(experiment):
    _, run = experiment(*BRIEF)
    record = json.loads((run / "run.json").read_text())
    for path in (run / "checkpoints").iterdir():
        assert read_checkpoint(path)[KEY]["run_id"] == record["id"]
    (run / "metrics.json").unlink()
    assert main(["fit", "--resume", str(run)]) == 0
    assert json.loads((run / "run.json").read_text())["id"] == record["id"]


def test_the_configuration_is_complete_with_what_is_none(plain_run):
    config = yaml.safe_load((plain_run / "config.yaml").read_text())
    assert config["seed_everything"] == 1
    assert config["trainer"]["max_time"] is None
    assert config["model"]["init_args"]["start_from"] is None
