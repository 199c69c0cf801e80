from functools import partial

import pytest
import torch
from jsonargparse import ArgumentParser

from lit_prune.callbacks.model import plain
from lit_prune.phases import Phase

SCHEDULE = {
    "class_path": "lit_prune.sparsity.schedules.Cubic",
    "init_args": {"initial": 0.1, "final": 0.7, "end": 0.9, "start": 0.2},
}
SPARSE = {
    "class_path": "lit_prune.tuning.ChosenEntries",
    "init_args": {
        "criterion": {"class_path": "lit_prune.sparsity.criteria.Magnitude"},
        "share": 0.01,
        "scope": "global",
    },
}
PHASES = {
    "FineTune": {
        "training": {
            "length": "3.5 epochs",
            "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1, "momentum": 0.9}},
            "lr_schedule": {"class_path": "lit_prune.phases.CyclicLinear", "init_args": {"cycle": 0.5}},
            "eligible": {"class_path": "lit_prune.phases.After", "init_args": {"share": 0.7}},
        },
        "loss": {
            "class_path": "lit_prune.losses.LearnedMixin",
            "init_args": {"entropy_penalty": 0.3},
        },
    },
    "TrainMasks": {
        "training": {"length": "7 steps", "learning_rates": {"*.mask.scores": 0.5}},
        "initial_scores": {"class_path": "lit_prune.sparsity.criteria.HardMagnitude", "init_args": {"high": 0.5}},
        "schedule": SCHEDULE,
        "targets": ["query"],
        "patterns": {"query": "*.query"},
    },
    "PruneWhileTraining": {
        "training": {"length": "7 steps", "weight_decay": 0.1},
        "criterion": {
            "class_path": "lit_prune.sparsity.criteria.Movement",
            "init_args": {
                "initial": {"class_path": "lit_prune.sparsity.criteria.Random", "init_args": {"seed": 4}},
            },
        },
        "schedule": {"class_path": "lit_prune.sparsity.schedules.Constant", "init_args": {"sparsity": 0.4}},
        "structure": {"class_path": "lit_prune.sparsity.structures.Rank"},
        "scope": "global",
        "task_masks": "hybrid",
        "refresh_every": 9,
    },
    "Round": {"training": {"length": "7 steps"}, "sparsity": 0.3, "trained": ["heads.*"], "rewinds": True},
    "Ticket": {
        "training": {"length": "7 steps"},
        "sparsity": 0.3,
        "control": {"class_path": "lit_prune.sparsity.controls.RandomMask", "init_args": {"seed": 6}},
    },
    "Search": {
        "training": {"length": "7 steps"},
        "method": {
            "class_path": "lit_prune.tuning.ChildPruning",
            "init_args": {"share": 0.01, "every": 3, "targets": ["encoder.*"]},
        },
    },
    "SparseTune": {"training": {"length": "7 steps"}, "method": SPARSE},
}


def built(kind, arguments):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Phase, "phase")
    return parser.instantiate(
        parser.parse_object({"phase": {"class_path": f"lit_prune.phases.{kind}", "init_args": arguments}})
    ).phase


def contains(described, given):
    """Whether plain values have all that was given, however deep."""
    if isinstance(given, dict):
        return isinstance(described, dict) and all(contains(described.get(key), each) for key, each in given.items())
    return described == given


@pytest.mark.parametrize("kind", PHASES)
def test_a_described_phase_has_all_its_arguments_and_is_built_again_from_them(kind):
    described = plain(built(kind, PHASES[kind]))
    assert described["class_path"] == f"lit_prune.phases.{kind}"
    assert contains(described["init_args"], PHASES[kind])
    assert plain(built(kind, described["init_args"])) == described


def test_functions_and_classes_are_described_by_their_paths():
    assert plain(partial(torch.optim.AdamW, lr=1.0)) == {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1.0}}
    assert plain([torch.optim.SGD, (1, True, None)]) == ["torch.optim.SGD", [1, True, None]]
