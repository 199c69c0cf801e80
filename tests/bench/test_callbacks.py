"""Pruning callbacks side by side: sparsity, keys and resume are exact, of times only their presence is asserted."""

import json

import pytest

from lit_prune.bench import callbacks
from lit_prune.bench.callback_training import DENSE, EACH_EPOCH, ONCE, PRUNE, Training
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.sparsity.select import num_kept

TOY = {"layers": 1, "hidden": 64, "batch": 2, "length": 8, "epochs": 3, "steps": 3, "sparsity": 0.9, "device": "cpu"}
SIZES = [4 * 64 * 64, 2 * 64 * 256, 64 * 64, 3 * 64]  # attention, feed-forward, pooler, classifier


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The measurements by callback, as the command writes them."""
    path = tmp_path_factory.mktemp("bench") / "callbacks.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "peak_memory", lambda make, device: None)
        options = [f"--{name}={value}" for name, value in TOY.items()]
        assert main(["bench", "callbacks", *options, "--repeats=1", f"--json={path}"]) == 0
    written = json.loads(path.read_text())
    assert written["hardware"]
    return {each["variant"]: each for each in written["callbacks"]}


def test_prune_reaches_the_sparsity_and_resumes_bit_for_bit(outcomes):
    total = sum(SIZES)
    found = outcomes[PRUNE]
    reached = 1 - num_kept(total, 0.9) / total
    assert found["checkpoint_sparsity"] == found["module_sparsity"] == pytest.approx(reached, abs=1e-12)
    assert found["logged"].startswith("prune/sparsity 0.9000\nprune/model_sparsity 0.0")
    assert (found["strict_load"], found["resume"]) == ("yes", "equal")


def test_without_pruning_a_resumed_training_is_equal(outcomes):
    found = outcomes[DENSE]
    assert (found["checkpoint_sparsity"], found["logged"], found["ratio"]) == (0, "-", 1)
    assert (found["strict_load"], found["resume"]) == ("yes", "equal")


def test_model_pruning_logs_text_and_compounds_a_number(outcomes):
    once, each_epoch = outcomes[ONCE], outcomes[EACH_EPOCH]
    assert once["checkpoint_sparsity"] == pytest.approx(0.9, abs=1e-4)
    assert "(90.00%)" in once["logged"]
    assert each_epoch["checkpoint_sparsity"] == pytest.approx(0.999, abs=1e-4)
    assert outcomes.keys() == {DENSE, PRUNE, ONCE, EACH_EPOCH}


def test_costs_are_measured(outcomes):
    for found in outcomes.values():
        assert min(found["seconds"], found["ratio"], found["checkpoint_bytes"]) > 0
        assert found["peak_bytes"] is None
    assert outcomes[DENSE]["tensor_bytes"] < outcomes[PRUNE]["tensor_bytes"] < outcomes[ONCE]["tensor_bytes"]


def test_an_error_takes_the_place_of_a_result():
    def fail():
        raise KeyError("encoder")

    assert callbacks._attempt(fail) == "KeyError: 'encoder'"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 1}, "epochs must be at least 2, got 1"),
        ({"steps": 0}, "steps must be positive, got 0"),
        ({"sparsity": 1.0}, "sparsity must be at least 0 and below 1, got 1"),
        ({"hidden": 100}, "hidden must be a multiple of 64, got 100"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        Training(**TOY | {"precision": "fp32"} | wrong)
