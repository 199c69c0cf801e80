import numpy as np
import pytest

from lit_prune.data.mixing import Proportional, Target, Temperature, Uniform, Weights, shares
from lit_prune.errors import UserError

ROWS = {"nli": 800, "sts": 100, "rte": 100}


@pytest.mark.parametrize(
    ("mixing", "expected"),
    [
        (Uniform(), [1 / 3, 1 / 3, 1 / 3]),
        (Proportional(), [0.8, 0.1, 0.1]),
        (Temperature(1.0), [0.8, 0.1, 0.1]),
        (Temperature(3.0), [0.5, 0.25, 0.25]),  # the cube root of 8 is 2
        (Temperature(1e9), [1 / 3, 1 / 3, 1 / 3]),
        (Target("sts", 0.5), [0.25, 0.5, 0.25]),
        (Weights({"sts": 3.0, "nli": 1.0, "rte": 4.0}), [0.125, 0.375, 0.5]),
    ],
)
def test_shares_are_in_the_order_of_the_tasks_and_add_up(mixing, expected):
    values = shares(mixing, ROWS)
    np.testing.assert_allclose(values, expected)
    assert values.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (
            {"nli": 1.0, "sts": 1.0, "rte": 1.0, "qqp": 1.0},
            "unknown task 'qqp' in the weights of Weights: .* nli, sts",
        ),
        ({"nli": 1.0, "sts": 1.0}, "above 0, got others for rte"),
        ({"nli": 1.0, "sts": 0.0, "rte": -1.0}, "above 0, got others for sts, rte"),
        ({"nli": 1.0, "sts": float("inf"), "rte": 1.0}, "above 0, got others for sts"),
        ({"nli": 1.0, "sts": float("nan"), "rte": 1.0}, "above 0, got others for sts"),
    ],
)
def test_weights_that_fit_no_task_are_refused(weights, words):
    with pytest.raises(UserError, match=words):
        shares(Weights(weights), ROWS)


def test_a_target_alone_has_all_steps():
    np.testing.assert_array_equal(shares(Target("rte", 0.3), {"rte": 100}), [1.0])


def test_an_unknown_target_is_refused():
    with pytest.raises(UserError, match=r"unknown task 'cola' in the weights of Target: .* nli, sts, rte"):
        shares(Target("cola", 0.5), ROWS)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_that_leaves_nothing_for_a_task_is_refused(share):
    with pytest.raises(UserError, match="share of Target must be above 0 and below 1, got"):
        Target("rte", share)


@pytest.mark.parametrize("temperature", [0.5, 0.0, -1.0, float("inf"), float("nan")])
def test_a_temperature_below_one_is_refused(temperature):
    with pytest.raises(UserError, match="temperature must be finite and at least 1"):
        Temperature(temperature)
