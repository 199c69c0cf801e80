import math

import pytest

from lit_prune.errors import UserError
from lit_prune.sparsity.schedules import Constant, Cubic, Linear, Rounds, Staircase
from lit_prune.sparsity.select import num_kept

SCHEDULES = [
    Constant(0.7),
    Linear(0.1, 0.5),
    Cubic(0.7, 0.9, end=1.0),
    Cubic(0.0, 0.5, start=0.2),
    Rounds(9, 0.9),
    Rounds(1, 0.3),
    Staircase(Cubic(0.7, 0.97, end=6 / 7), 7),
    Staircase(Constant(0.4), 1),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_rises_and_ends_at_its_target(schedule):
    values = [schedule(step / 1000) for step in range(1001)]
    assert values == sorted(values)
    assert values[-1] == schedule.final
    assert all(0 <= value < 1 for value in values)


def test_ramps_against_the_formula():
    assert Cubic(0.7, 0.9, end=1.0)(0.5) == pytest.approx(0.9 - 0.2 * 0.125)
    assert Cubic(0.7, 0.9, end=1.0)(0.7) == pytest.approx(0.8946)
    assert Linear(0.1, 0.5)(0.4) == pytest.approx(0.3)
    for ramp in (Linear(0.1, 0.5), Cubic(0.1, 0.5)):
        assert ramp(0.0) == pytest.approx(0.1)
        assert ramp(0.79) < ramp(0.8) == ramp(0.9) == 0.5


def test_a_ramp_that_begins_late_against_the_formula_of_movement_pruning():
    """Ten epochs of which two come before and two after (Xia & Shin 2021, footnote 4)."""
    ramp = Cubic(0.0, 0.9, start=0.2, end=0.8)
    assert ramp(0.0) == ramp(0.2) == 0.0
    for epoch in (3, 5, 7.5):
        assert 1 - ramp(epoch / 10) == pytest.approx(0.1 + 0.9 * (1 - (epoch - 2) / 6) ** 3)
    assert ramp(0.8) == ramp(1.0) == 0.9


@pytest.mark.parametrize("num_rounds", [1, 9, 10, 49])
def test_rounds_are_equal_steps_of_the_original_weights(num_rounds):
    schedule = Rounds(num_rounds, 0.9)
    for done in range(num_rounds):
        assert schedule(done / num_rounds) == pytest.approx(0.9 * (done + 1) / num_rounds)
        assert schedule((done + 0.99) / num_rounds) == schedule(done / num_rounds)


def test_rounds_of_the_paper_have_exact_counts():
    schedule = Rounds(9, 0.9)
    assert [num_kept(589_820, schedule(done / 9)) for done in range(9)] == [58_982 * left for left in range(9, 0, -1)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(1.0),
        lambda: Constant(math.nan),
        lambda: Linear(-0.1, 0.5),
        lambda: Cubic(0.0, 1.0),
        lambda: Linear(0.0, 0.5, end=0.0),
        lambda: Cubic(0.0, 0.5, start=0.8, end=0.8),
        lambda: Linear(0.0, 0.5, start=-0.1),
        lambda: Cubic(0.0, 0.5, end=1.1),
        lambda: Staircase(Cubic(0.7, 0.97, end=0.9), 7),
        lambda: Staircase(Constant(0.5), 0),
        lambda: Rounds(0, 0.9),
        lambda: Rounds(9, 1.0),
    ],
)
def test_wrong_settings_are_named(make):
    with pytest.raises(UserError):
        make()


def test_stages_have_the_sparsities_of_oberts_recipe():
    """A jump to 70% at epoch 2 of 30, then every four epochs up to epoch 26, cubic (Kurtic et al. 2022)."""
    schedule = Staircase(Cubic(0.7, 0.97, end=0.857142857), 7)  # the end as a yaml has it
    for epoch in range(2, 30):
        pruned_at = epoch - (epoch - 2) % 4
        expected = 0.97 - 0.27 * (1 - (pruned_at - 2) / 24) ** 3
        for step in (0, 1, 999):
            assert schedule((epoch - 2 + step / 1000) / 28) == pytest.approx(expected, abs=1e-7)
    assert schedule(24 / 28) == schedule(1.0) == 0.97
