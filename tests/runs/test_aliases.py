"""Aliases of a phase's settings: lengths, and settings of version 0.1.0."""

from dataclasses import fields

import pytest

from lit_prune.phases import Training
from lit_prune.runs.aliases import _OF_0_1_0, _SETTINGS, resolve_aliases, resolve_arguments

AFTER = {"class_path": "lit_prune.phases.After", "init_args": {"share": 0.7}}
DECAY = {"class_path": "lit_prune.phases.LinearDecay", "init_args": {"warmup": 0, "over": 10}}


@pytest.mark.parametrize(
    ("phase", "resolved"),
    [
        ({"steps": 600}, {"length": "600 steps"}),
        ({"epochs": 3.0, "learning_rate": 1e-4}, {"length": "3 epochs", "learning_rate": 1e-4}),
        ({"epochs": 0.25, "steps": None}, {"length": "0.25 epochs"}),
        ({"epochs": None, "warmup": 0.1}, {"warmup": 0.1}),
        ({"steps": 5, "select_after": 0.7}, {"length": "5 steps", "eligible": AFTER}),
        (  # resets of what an earlier file sets
            {"steps": 5, "select_after": 0.0, "decay_over": None},
            {"length": "5 steps", "eligible": None, "lr_schedule": None},
        ),
        ({"steps": 5, "warmup": 0, "decay_over": 10}, {"length": "5 steps", "lr_schedule": DECAY}),
        ({"steps": "many"}, {"length": "many steps"}),
        ({"steps": 5, "epochs": 3}, {"steps": 5, "epochs": 3}),  # an error, raised where a phase is built
    ],
)
def test_settings_of_a_phase_are_resolved_wherever_they_stand(phase, resolved):
    assert resolve_aliases(phase) == resolved
    config = {"model": {"class_path": "x", "init_args": {"mask": phase}}, "trainer": {"max_steps": 3}}
    assert resolve_aliases(config)["model"]["init_args"]["mask"] == resolved
    assert resolve_aliases([phase]) == [resolved]


def test_arguments_of_other_classes_are_left_alone():
    other = {"class_path": "my.Schedule", "init_args": {"steps": 3}}
    assert resolve_aliases({"schedule": other}) == {"schedule": other}
    assert resolve_aliases("steps: 3") == "steps: 3"


def test_arguments_are_resolved_in_both_spellings():
    assert resolve_arguments(
        ["--config", "a.yaml", "--model.init_args.mask.steps=5", "--model.init_args.dense.epochs", "0.5"]
    ) == ["--config", "a.yaml", "--model.init_args.mask.length=5 steps", "--model.init_args.dense.length=0.5 epochs"]
    assert resolve_arguments(["--model.init_args.dense.epochs=null"]) == []
    own = "--model.init_args.phases.mask-1.init_args.training"
    assert resolve_arguments([f"{own}.steps=3"]) == [f"{own}.length=3 steps"]
    assert resolve_arguments(["--model.a.select_after=null", "--model.a.decay_over=null"]) == [
        "--model.a.eligible=null",
        "--model.a.lr_schedule=null",
    ]
    assert resolve_arguments(["--model.mask.select_after=1", "--trainer.max_steps=5"]) == [
        "--model.mask.eligible=lit_prune.phases.After",
        "--model.mask.eligible.share=1",
        "--trainer.max_steps=5",
    ]
    assert resolve_arguments(["--model.mask.decay_over=2"]) == [
        "--model.mask.lr_schedule=lit_prune.phases.LinearDecay",
        "--model.mask.lr_schedule.over=2",
    ]


def test_the_settings_of_a_phase_are_known():
    assert {each.name for each in fields(Training)} | set(_OF_0_1_0) == _SETTINGS
