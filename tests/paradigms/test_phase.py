"""Length, rates and schedule of a phase."""

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.paradigms import Phase
from lit_prune.paradigms.phase import lay_out


def rates(phase, num_steps):
    """The learning rate at which each optimizer step is taken, and the one that is left at the end."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=phase.learning_rate)
    schedule = phase.schedule(optimizer, num_steps)
    values = [schedule.get_last_lr()[0]]
    for _ in range(num_steps):
        optimizer.step()
        schedule.step()
        values.append(schedule.get_last_lr()[0])
    return values


@pytest.mark.parametrize(
    ("length", "steps"),
    [({"epochs": 2}, 20), ({"epochs": 0.25}, 2), ({"epochs": 1.5}, 15), ({"epochs": 0.01}, 1), ({"steps": 7}, 7)],
)
def test_length_in_optimizer_steps(length, steps):
    assert Phase(**length).num_steps(steps_per_epoch=10) == steps


def test_groups_of_parameters_have_telling_names():
    trained = {"a.weight": torch.zeros(2, 2), "a.bias": torch.zeros(2), "a.mask.scores": torch.zeros(2, 2)}
    phase = Phase(steps=1, learning_rate=1e-3, learning_rates={"*.mask.scores": 1e-2})
    groups = phase.optimizer(trained, fused=False).param_groups
    assert [(group["name"], group["lr"]) for group in groups] == [
        ("*.mask.scores", 1e-2),
        ("matrices", 1e-3),
        ("vectors", 1e-3),
    ]


@pytest.mark.parametrize("length", [{}, {"epochs": 1, "steps": 10}])
def test_a_length_is_said_once(length):
    with pytest.raises(UserError, match=r"either epochs or steps, got epochs=\w+ and steps=\w+"):
        Phase(**length)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"epochs": -1.5},
        {"steps": -1},
        {"learning_rate": 0.0},
        {"decay_over": 0.0},
        {"weight_decay": -0.1},
        {"warmup": -1},
        {"select_after": 1.1},
        {"select_after": -0.1},
    ],
)
def test_a_wrong_setting_is_named_with_its_value(settings):
    ((name, value),) = settings.items()
    length = {} if name in ("epochs", "steps") else {"steps": 10}
    with pytest.raises(UserError, match=rf"{name}.*{value}"):
        Phase(**length, **settings)


@pytest.mark.parametrize("warmup", [0.2, 2])
def test_the_rate_rises_over_the_warm_up_and_falls_to_zero(warmup):
    values = rates(Phase(steps=10, learning_rate=0.8, warmup=warmup), 10)
    assert values == pytest.approx([0, 0.4, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0])


def test_the_decay_may_end_later_than_the_phase():
    assert rates(Phase(steps=4, learning_rate=0.8, warmup=0, decay_over=2), 4) == pytest.approx(
        [0.8, 0.7, 0.6, 0.5, 0.4]
    )


def test_without_warm_up_it_starts_at_the_peak():
    assert rates(Phase(steps=4, learning_rate=0.8, warmup=0), 4) == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])


def test_phases_follow_one_another_up_to_the_last_step_allowed():
    assert lay_out({"dense": 20, "mask": 30}, -1) == {"dense": 20, "mask": 50}
    assert lay_out({"dense": 0, "mask": 30}, 10) == {"dense": 0, "mask": 10}
    with pytest.raises(UserError, match="max_steps=20 leaves no step for the phase 'mask'"):
        lay_out({"dense": 20, "mask": 30}, 20)


def test_a_run_does_not_end_with_a_phase_of_no_step():
    assert Phase(steps=1).as_last("mask") == Phase(steps=1)
    with pytest.raises(UserError, match="the last phase, 'mask', has no step"):
        Phase(steps=0).as_last("mask")


def test_parameters_have_the_rate_of_their_pattern_and_then_no_decay():
    phase = Phase(
        steps=10, learning_rate=0.1, weight_decay=0.01, learning_rates={"*.mask.*scores": 0.5, "*.sigma": 0.2}
    )
    names = ("a.weight", "a.bias", "a.mask.scores", "b.mask.own.nli.scores", "b.sigma", "b.ut")
    shapes = {name: (3,) if name.endswith(("bias", "sigma")) else (3, 3) for name in names}
    trained = {name: torch.nn.Parameter(torch.zeros(shape)) for name, shape in shapes.items()}
    settings = {}
    for group in phase.optimizer(trained, fused=False).param_groups:
        for name in [name for name, value in trained.items() if any(value is each for each in group["params"])]:
            settings[name] = group["lr"], group["weight_decay"]
    assert settings == {
        "a.weight": (0.1, 0.01),
        "b.ut": (0.1, 0.01),
        "a.bias": (0.1, 0.0),
        "a.mask.scores": (0.5, 0.0),
        "b.mask.own.nli.scores": (0.5, 0.0),
        "b.sigma": (0.2, 0.0),
    }


def test_a_pattern_that_matches_nothing_is_named():
    phase = Phase(steps=10, learning_rates={"*.sigma": 0.2})
    with pytest.raises(UserError, match=r"must name parameters that it trains, got '\*\.sigma'"):
        phase.optimizer({"a.weight": torch.nn.Parameter(torch.zeros(2, 2))}, fused=False)


def test_a_rate_of_a_pattern_is_positive():
    with pytest.raises(UserError, match=r"learning_rates of '\*\.sigma' of a phase must be .*, got 0\.0"):
        Phase(steps=10, learning_rates={"*.sigma": 0.0})
