"""Planned steps of a run, by its configuration."""

import pytest

from lit_prune.studies.lengths import planned_steps


def training(**length):
    return {"learning_rate": 1e-4, "weight_decay": 0.0, "warmup": 0.1, **length}


@pytest.mark.parametrize(
    ("init_args", "steps"),
    [
        ({"dense": training(length="300 steps"), "prune": training(length=" 600 steps"), "loss": "x"}, 900),
        ({"dense": training(steps=300), "mask": training(length="1 step")}, 301),
        ({"dense": training(length="2 epochs"), "prune": training(length="600 steps")}, None),
        ({"dense": training(epochs=2.0)}, None),
        ({"dense": None, "tune": training(length="7 steps")}, 7),
        ({"phases": {name: {"init_args": {"training": training(steps=5)}} for name in "ab"}}, 10),
        ({}, 0),
    ],
)
def test_the_phases_add_up(init_args, steps):
    assert planned_steps({"model": {"init_args": init_args}, "trainer": {}}) == steps


def test_a_run_that_a_callback_prolongs_has_no_known_length():
    callbacks = [{"class_path": "lit_prune.callbacks.ImpRounds", "init_args": {"num_rounds": 3}}]
    config = {"model": {"init_args": {"rounds": training(steps=5)}}, "trainer": {"callbacks": callbacks}}
    assert planned_steps(config) is None
    assert planned_steps({**config, "trainer": {"callbacks": None}}) == 5


@pytest.mark.parametrize("name", ["dense", "movement", "mask_only", "recipes/prune_then_tune"])
def test_the_phases_of_shipped_configurations_are_found(name, resolve):
    lengths = {"dense": None, "movement": 2800, "mask_only": None, "recipes/prune_then_tune": 550}
    assert planned_steps(resolve([f"--config=configs/{name}.yaml"])) == lengths[name]
