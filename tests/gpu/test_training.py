"""Twenty steps of each paradigm in bf16, eager and compiled, cut off and resumed."""

import json

import pytest
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main

# By configuration, the steps of its phases; imp has nine rounds, imp_rewind five.
LENGTHS = {
    "dense": {"dense": 20},
    "srnet_poe": {"dense": 8, "mask": 12},
    "imp": {"dense": 2, "rounds": 2},
    "imp_rewind": {"dense": 5, "rounds": 1, "ticket": 10},
    "mask_only": {"mask": 20},
    "movement": {"prune": 20},
    "rank_magnitude": {"prune": 20},
    "sam": {"tune": 20},
}
FEW_BATCHES = "--model.init_args.method.init_args.criterion.init_args.num_batches=4"


@pytest.fixture
def twenty_steps(experiment, on_device, tmp_path):
    """A function: a configuration and further arguments -> the folder of its run of twenty steps, which ends early."""

    def run(config, *arguments, name):
        steps = [f"--model.init_args.{phase}.steps={number}" for phase, number in LENGTHS[config].items()]
        few = [FEW_BATCHES] if config == "sam" else []
        shipped = f"configs/{config}.yaml"
        code, folder = experiment(*on_device, *steps, *few, *arguments, config=shipped, name=name)
        assert code == 0
        return folder

    def cut_off(config, *arguments, name):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run(config, cut_off_by("run_helpers.CutOff", 13), *arguments, name=name)
        folder = tmp_path / "runs" / name / "version_0"
        without_callbacks(folder)
        assert main(["fit", "--resume", str(folder)]) == 0
        return folder

    run.cut_off = cut_off
    return run


@pytest.mark.parametrize("config", LENGTHS)
def test_a_paradigm_is_cut_off_and_resumed_bit_for_bit(twenty_steps, config):
    whole = twenty_steps(config, name="whole")
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["steps"] == 20
    hardware = json.loads((whole / "run.json").read_text())["hardware"]
    assert hardware["precision"] == "bf16-mixed"
    resumed = twenty_steps.cut_off(config, name="resumed")
    if (whole / "masks.safetensors").is_file():
        assert_same(resumed, whole)
    else:
        assert json.loads((resumed / "metrics.json").read_text())["selection"] == metrics["selection"]


@pytest.mark.parametrize("config", LENGTHS)
def test_a_paradigm_is_compiled_cut_off_and_resumed(twenty_steps, config):
    resumed = twenty_steps.cut_off(config, "--encoder.compile=true", name="compiled")
    metrics = json.loads((resumed / "metrics.json").read_text())
    assert metrics["steps"] == 20
    assert 0 <= metrics["nli/id/accuracy"] <= 1
