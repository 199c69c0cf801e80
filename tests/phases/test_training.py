"""Length, learning rates and optimizer of a phase."""

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.phases import After, CyclicLinear, LinearDecay, Training


def rates(phase, num_steps):
    """The learning rate at which each optimizer step is taken, and the one that is left at the end."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=phase.learning_rate)
    schedule = phase.make_lr_schedule(optimizer, num_steps)
    values = [schedule.get_last_lr()[0]]
    for _ in range(num_steps):
        optimizer.step()
        schedule.step()
        values.append(schedule.get_last_lr()[0])
    return values


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        ({"epochs": 2}, 20),
        ({"epochs": 0.25}, 2),
        ({"epochs": 1.5}, 15),
        ({"epochs": 0.01}, 1),
        ({"steps": 7}, 7),
        ({"length": "2 epochs"}, 20),
        ({"length": ".25 epoch"}, 2),
        ({"length": "1 epoch"}, 10),
        ({"length": "7 steps"}, 7),
        ({"length": "1e3 steps"}, 1000),
    ],
)
def test_length_in_optimizer_steps(length, steps):
    assert Training(**length).num_steps(steps_per_epoch=10) == steps


def test_groups_of_parameters_have_telling_names():
    trained = {"a.weight": torch.zeros(2, 2), "a.bias": torch.zeros(2), "a.mask.scores": torch.zeros(2, 2)}
    phase = Training(steps=1, learning_rate=1e-3, learning_rates={"*.mask.scores": 1e-2})
    groups = phase.make_optimizer(trained, fused=False).param_groups
    assert [(group["name"], group["lr"]) for group in groups] == [
        ("*.mask.scores", 1e-2),
        ("matrices", 1e-3),
        ("vectors", 1e-3),
    ]


@pytest.mark.parametrize("length", [{}, {"epochs": 1, "steps": 10}, {"length": "3 epochs", "steps": 10}])
def test_a_phase_has_one_length(length):
    with pytest.raises(UserError, match=r"a phase must have one length, got epochs=\w+, steps=\w+ and length=.*: give"):
        Training(**length)


@pytest.mark.parametrize("length", ["", "3", "epochs", "-1 epochs", "0.5 steps", "3 rounds", "0 epochs", "nan steps"])
def test_a_length_is_a_number_of_epochs_or_steps(length):
    with pytest.raises(UserError, match=r"of a phase must be .*, got"):
        Training(length=length)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"epochs": -1.5},
        {"steps": -1},
        {"learning_rate": 0.0},
        {"weight_decay": -0.1},
        {"warmup": -1},
    ],
)
def test_a_wrong_setting_is_named_with_its_value(settings):
    ((name, value),) = settings.items()
    length = {} if name in ("epochs", "steps") else {"steps": 10}
    with pytest.raises(UserError, match=rf"{name}.*{value}"):
        Training(**length, **settings)


@pytest.mark.parametrize("warmup", [0.2, 2])
def test_the_rate_rises_over_the_warm_up_and_falls_to_zero(warmup):
    values = rates(Training(steps=10, learning_rate=0.8, warmup=warmup), 10)
    assert values == pytest.approx([0, 0.4, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0])


def test_the_decay_may_end_later_than_the_phase():
    schedule = LinearDecay(warmup=0, over=2)
    assert rates(Training(steps=4, learning_rate=0.8, lr_schedule=schedule), 4) == pytest.approx(
        [0.8, 0.7, 0.6, 0.5, 0.4]
    )


def test_another_schedule_and_optimizer_take_the_place_of_the_defaults():
    training = Training(steps=4, learning_rate=0.8, lr_schedule=CyclicLinear(2, floor=0.5), optimizer=torch.optim.SGD)
    assert rates(training, 4) == pytest.approx([0.8, 0.6, 0.8, 0.6, 0.8])
    optimizer = training.make_optimizer({"a": torch.nn.Parameter(torch.zeros(2, 2))}, fused=True)
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.param_groups[0]["lr"] == 0.8


def test_all_evaluations_are_eligible_unless_a_rule_is_set():
    assert Training(steps=4).is_eligible(0.0)
    assert not Training(steps=4, eligible=After(0.7)).is_eligible(0.6)


def test_without_warm_up_it_starts_at_the_peak():
    assert rates(Training(steps=4, learning_rate=0.8, warmup=0), 4) == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])


def test_parameters_have_the_rate_of_their_pattern_and_then_no_decay():
    phase = Training(
        steps=10, learning_rate=0.1, weight_decay=0.01, learning_rates={"*.mask.*scores": 0.5, "*.sigma": 0.2}
    )
    names = ("a.weight", "a.bias", "a.mask.scores", "b.mask.own.nli.scores", "b.sigma", "b.ut")
    shapes = {name: (3,) if name.endswith(("bias", "sigma")) else (3, 3) for name in names}
    trained = {name: torch.nn.Parameter(torch.zeros(shape)) for name, shape in shapes.items()}
    settings = {}
    for group in phase.make_optimizer(trained, fused=False).param_groups:
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
    phase = Training(steps=10, learning_rates={"*.sigma": 0.2})
    with pytest.raises(UserError, match=r"must name parameters that it trains, got '\*\.sigma'"):
        phase.make_optimizer({"a.weight": torch.nn.Parameter(torch.zeros(2, 2))}, fused=False)


def test_a_rate_of_a_pattern_is_positive():
    with pytest.raises(UserError, match=r"learning_rates of '\*\.sigma' of a phase must be .*, got 0\.0"):
        Training(steps=10, learning_rates={"*.sigma": 0.0})


def test_a_warm_up_beside_a_schedule_of_its_own_is_an_error():
    with pytest.raises(UserError, match=r"warmup of a phase must be unset beside lr_schedule, got 0\.3"):
        Training(steps=10, warmup=0.3, lr_schedule=LinearDecay(warmup=0.1))
