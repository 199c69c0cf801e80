"""The runs of a certificate and their configurations."""

import json
from pathlib import Path

import pytest

from lit_prune.certify.runs import Runs, task_settings, with_one_text
from lit_prune.errors import UserError

DENSE = "configs/dense.yaml"


@pytest.fixture
def fits():
    """The command lines of runs, which leave metrics behind, and the function that runs them."""
    commands = []

    def run(arguments):
        commands.append(arguments)
        values = dict(each.removeprefix("--").split("=", 1) for each in arguments[1:])
        folder = Path(values["trainer.default_root_dir"]) / values["experiment"] / "version_0"
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"nli/ood/auroc": 0.7}))
        return 0

    return commands, run


def test_a_complete_run_is_not_run_again(fits, tmp_path, resolve):
    runs = Runs(tmp_path / "new", 101, resolve, fits[1])
    config = runs.config([DENSE], dense__length="3 epochs", dense__learning_rate=2e-4)
    dense = config["model"]["init_args"]["dense"]
    assert (dense["length"], dense["learning_rate"]) == ("3 epochs", 2e-4)
    for _ in range(2):
        assert runs.train("plain", config) == {"nli/ood/auroc": 0.7}
    (command,) = fits[0]
    assert "--seed_everything=101" in command
    assert json.loads((tmp_path / "new" / "plain.json").read_text()) == config


def test_a_complete_run_of_other_settings_is_no_result(fits, tmp_path, resolve):
    runs = Runs(tmp_path, 101, resolve, fits[1])
    runs.train("plain", runs.config([DENSE], dense__length="3 epochs"))
    with pytest.raises(UserError, match="plain/version_0 must be these, got others: name another folder with --root"):
        runs.train("plain", runs.config([DENSE], dense__length="2 epochs"))
    assert len(fits[0]) == 1


def test_shipped_configurations_are_found_from_any_folder(tmp_path, monkeypatch, resolve):
    monkeypatch.chdir(tmp_path)
    config = Runs(tmp_path, 1, resolve, None).config([DENSE, "configs/data/nli_unbiased.yaml"])
    source = task_settings(config, "nli")["source"]["init_args"]
    assert (source["version"], source["bias_rate"]) == (2, 0.5)


def test_a_failed_run_stops_it(tmp_path, resolve):
    with pytest.raises(UserError, match="run 'plain' must succeed, got exit code 2"):
        Runs(tmp_path, 1, resolve, lambda arguments: 2).train("plain", {})


def test_one_text_alone_replaces_the_source(resolve):
    config = resolve(["--config=configs/srnet_poe.yaml"])
    changed = with_one_text(config, "nli", "text_b", train_on="ood")
    before, after = task_settings(config, "nli"), task_settings(changed, "nli")
    assert before["source"]["class_path"] == "lit_prune.data.GeneratedNli"
    assert after["source"]["init_args"] == {"source": before["source"], "text": "text_b", "train_on": "ood"}
    assert after["bias"] is None


def test_an_unknown_task_is_an_error(resolve):
    with pytest.raises(UserError, match="unknown task 'other': choose from nli"):
        task_settings(resolve([f"--config={DENSE}"]), "other")
