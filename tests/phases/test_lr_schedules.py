"""Factors of the peak learning rate."""

import pytest
from transformers.optimization import _get_linear_schedule_with_warmup_lr_lambda

from lit_prune.errors import UserError
from lit_prune.phases.lr_schedules import CyclicLinear, LinearDecay, check_warmup


@pytest.mark.parametrize("warmup", [0, 0.1, 7])
def test_linear_decay_is_that_of_transformers_bit_for_bit(warmup):
    schedule, num_steps = LinearDecay(warmup), 93
    num_warmup = round(warmup * num_steps) if warmup < 1 else warmup
    for step in range(num_steps + 2):
        expected = _get_linear_schedule_with_warmup_lr_lambda(
            step, num_warmup_steps=num_warmup, num_training_steps=num_steps
        )
        assert schedule(step, num_steps) == expected


def test_cycles_begin_at_the_peak_and_end_near_the_floor():
    schedule = CyclicLinear(0.5, peak=1.0, floor=0.2)
    assert [schedule(step, 8) for step in range(9)] == pytest.approx([1, 0.8, 0.6, 0.4, 1, 0.8, 0.6, 0.4, 1])
    assert [CyclicLinear(3, floor=0.1)(step, 100) for step in (0, 3, 99)] == [1, 1, 1]


@pytest.mark.parametrize("cycle", [0, -1, 1.5, float("inf"), float("nan")])
def test_a_cycle_is_a_share_or_a_number_of_steps(cycle):
    with pytest.raises(UserError, match="cycle must be a share up to 1 or a whole number of steps, got"):
        CyclicLinear(cycle)


@pytest.mark.parametrize("bounds", [{"floor": -0.1}, {"floor": 2.0}, {"peak": float("inf")}])
def test_the_floor_is_not_above_the_peak(bounds):
    with pytest.raises(UserError, match="floor and peak must be 0 <= floor <= peak, got"):
        CyclicLinear(10, **bounds)


@pytest.mark.parametrize("over", [0.0, -1.0, float("inf")])
def test_the_decay_ends_somewhere(over):
    with pytest.raises(UserError, match="over of LinearDecay must be above 0 and finite, got"):
        LinearDecay(over=over)


@pytest.mark.parametrize("warmup", [-1, 1.5, float("nan"), float("inf")])
def test_a_warm_up_is_a_share_or_a_number_of_steps(warmup):
    with pytest.raises(UserError, match="warmup of a phase must be a share below 1 or a whole number"):
        check_warmup(warmup)


def test_cycles_are_those_of_oberts_recipe():
    """Two dense epochs from 5e-5 to 5e-6, then cycles of four epochs in 28, each from the same to the same."""
    per_epoch = 12
    dense, pruned = CyclicLinear(1.0), CyclicLinear(0.142857143)  # as a yaml has them
    for step in range(2 * per_epoch):
        assert 5e-5 * dense(step, 2 * per_epoch) == pytest.approx(5e-5 - 4.5e-5 * step / (2 * per_epoch))
    for step in range(28 * per_epoch):
        done = step % (4 * per_epoch) / (4 * per_epoch)
        assert 5e-5 * pruned(step, 28 * per_epoch) == pytest.approx(5e-5 - 4.5e-5 * done)
