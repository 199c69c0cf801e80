"""`lit_prune stability`: one configuration, many seeds, a study like others."""

import json

import pytest
import yaml

from lit_prune.cli import main
from lit_prune.commands.stability import parse_seeds, parse_settings
from lit_prune.errors import UserError


@pytest.mark.parametrize(
    ("said", "seeds"), [("1..3", [1, 2, 3]), ("4..4", [4]), ("7", [7]), ("1,5,2", [1, 5, 2]), ("0..1", [0, 1])]
)
def test_seeds(said, seeds):
    assert parse_seeds(said) == seeds


@pytest.mark.parametrize("said", ["", "a", "1..", "..3", "1...3", "1-3", "1,,2", "3..1"])
def test_what_says_no_seeds_is_an_error(said):
    with pytest.raises(UserError, match="--seeds"):
        parse_seeds(said)


def test_arguments_of_fit_are_settings():
    assert parse_settings(["--a.b", "1", "--c=x=y", "--d+=z", "--e", "-1"]) == {
        "a.b": "1",
        "c": "x=y",
        "d+": "z",
        "e": "-1",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x"], "settings must be --name value, got 'x': add its name"),
        (["--a"], "settings must be --name value, got --a: add its value"),
        (["--a", "--b"], "got --a: add its value"),
    ],
)
def test_what_is_no_argument_of_fit_is_an_error(arguments, message):
    with pytest.raises(UserError, match=message):
        parse_settings(arguments)


@pytest.fixture
def stability(small, tmp_path):
    configs = [part for path in small("configs/dense.yaml") for part in ("--config", path)]

    def run(*arguments):
        return main(["stability", *configs, "--out", str(tmp_path / "out"), *arguments])

    return run


def test_a_true_run(stability, tmp_path):
    assert stability("--seeds", "3", "--model.init_args.dense.steps", "6", "--trainer.enable_progress_bar=false") == 0
    (entry,) = json.loads((tmp_path / "out/runs.json").read_text())
    assert (entry["name"], entry["axes"], entry["status"]) == ("seed=3", {"seed": 3}, "completed")
    metrics = json.loads((tmp_path / "out" / entry["folder"] / "metrics.json").read_text())
    assert (metrics["seed"], metrics["steps"]) == (3, 6)


def test_seeds_are_added_and_none_runs_twice(stability, fits, tmp_path):
    assert stability("--seeds", "1..2") == 0
    assert stability("--seeds", "1..3") == 0
    assert fits.called == ["seed=1", "seed=2", "seed=3"]
    assert [each["status"] for each in json.loads((tmp_path / "out/runs.json").read_text())] == ["completed"] * 3


def test_a_dry_run_writes_nothing(stability, tmp_path, capsys):
    assert stability("--seeds=1..4", "--dry-run") == 0
    assert "4 of 4 to do" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--seed_everything", "3"], "--seed_everything must not be set, got 3: --seeds varies it"),
        (["--nothing=3"], "run seed=1: unknown key nothing"),
        (["--resume=x"], "settings must not have 'resume'"),
    ],
)
def test_what_cannot_be_run_is_one_clear_error(stability, fits, arguments, part, capsys):
    assert stability(*arguments) == 2
    assert part in capsys.readouterr().err
    assert fits.called == []


def test_a_configuration_is_needed(capsys):
    assert main(["stability", "--seeds=1..2"]) == 2
    assert "--config must be set, got none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "of_run", "of_data"), [([], "0", "{}"), (["--vary=data"], "0", "{}"), (["--vary=both"], "{}", "{}")]
)
def test_training_sets_that_lack_a_part(arguments, of_run, of_data, stability, tmp_path):
    brief = ("--model.init_args.dense.steps", "2", "--trainer.enable_progress_bar=false")
    fixed = () if "both" in str(arguments) else ("--seed_everything=0",)
    assert stability("--seeds=3,4", "--perturb=0.2", *arguments, *fixed, *brief) == 0
    for seed in (3, 4):
        config = yaml.safe_load((tmp_path / f"out/seed={seed}/version_0/config.yaml").read_text())
        assert str(config["seed_everything"]) == of_run.format(seed)
        assert config["data"]["perturbation"] == {"share": 0.2, "seed": int(of_data.format(seed))}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--vary", "data"], "--perturb must be set with --vary data"),
        (["--perturb", "1.5", "--dry-run"], "share"),
        (
            ["--perturb", "0.1", "--data.perturbation.seed", "3"],
            "--data.perturbation.seed must not be set, got 3: --seeds varies it",
        ),
        (["--seed_everything", "3"], "--seed_everything must not be set, got 3: --seeds varies it"),
    ],
)
def test_a_wrong_perturbation_is_named(arguments, named, stability, capsys):
    assert stability("--seeds=1,2", *arguments) == 2
    assert named in capsys.readouterr().err
