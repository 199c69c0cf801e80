"""Training under random lower ranks."""

import json

import pytest
import torch
import yaml
from lightning.pytorch import Callback
from torch import nn

from lit_prune.errors import UserError
from lit_prune.phases import FineTune, MixedRank, Training
from lit_prune.phases.mixed_rank import TruncatedLinear
from lit_prune.sparsity.pairs import rank_pairs

RECIPE = "configs/recipes/prune_then_factorise.yaml"
STEPS = 6


class Drawn(Callback):
    """Notes the ranks that each step of training has used, and those of evaluations."""

    def __init__(self) -> None:
        self.used: list[list[int]] = []
        self.rank: list[int] = []

    def on_train_batch_end(self, trainer, pl_module, *_):
        if pl_module.phase == "retrain":
            pairs = rank_pairs(pl_module).values()
            self.used.append([int(pair.narrow.num_used) for pair in pairs])
            self.rank = [pair.rank for pair in pairs]

    def on_fit_end(self, trainer, pl_module):
        (pl_module.folder / "drawn.json").write_text(json.dumps([self.used, self.rank]))


def run_with(experiment, probability, name):
    with open(RECIPE) as file:
        phases = yaml.safe_load(file)["model"]["init_args"]["phases"]
    arguments = [f"--model.init_args.phases.{each}.init_args.training.length={STEPS} steps" for each in phases]
    arguments += [
        f"--model.init_args.phases.retrain.init_args.probability={probability}",
        "--model.init_args.phases.factorise.init_args.schedule.init_args.sparsity=0.5",
        "--trainer.callbacks+={class_path: phases.test_mixed_rank.Drawn}",
        "--trainer.val_check_interval=3",
    ]
    code, run = experiment(*arguments, config=RECIPE, name=name)
    assert code == 0
    return json.loads((run / "drawn.json").read_text())


def test_some_matrices_use_fewer_ranks_in_some_steps(experiment):
    used, ranks = run_with(experiment, 0.5, "half")
    assert len(used) == STEPS
    assert len(ranks) == 12
    fewer = [number < rank for each in used for number, rank in zip(each, ranks, strict=True)]
    assert 0.05 < sum(fewer) / len(fewer) < 0.6  # a half draws, and the smallest and largest number are among these
    assert all(1 <= number <= rank for each in used for number, rank in zip(each, ranks, strict=True))
    used, ranks = run_with(experiment, 0.0, "never")
    assert all(each == ranks for each in used)


def test_the_outputs_from_a_number_on_are_zero_in_training_and_get_no_gradient():
    torch.manual_seed(0)
    linear = nn.Linear(5, 4, bias=False)
    layer, x = TruncatedLinear.of(linear), torch.randn(2, 3, 5)
    assert layer.weight is linear.weight
    assert layer.state_dict().keys() == {"weight"}
    torch.testing.assert_close(layer(x), linear(x))
    layer.num_used.fill_(2)
    output = layer(x)
    torch.testing.assert_close(output[..., :2], linear(x)[..., :2])
    assert (output[..., 2:] == 0).all()
    output.square().sum().backward()
    assert (layer.weight.grad[2:] == 0).all()
    assert (layer.weight.grad[:2] != 0).any()
    torch.testing.assert_close(layer.eval()(x), linear(x))


@pytest.mark.parametrize("probability", [-0.1, 1.5])
def test_a_probability_is_from_0_to_1(probability):
    with pytest.raises(UserError, match=f"probability of MixedRank must be from 0 to 1, got {probability}"):
        MixedRank(Training(steps=1), probability)


def test_ranks_must_have_been_pruned():
    with pytest.raises(UserError, match=r"phases must prune ranks before 'retrain', a MixedRank, got \['dense'\]"):
        MixedRank(Training(steps=1)).check("retrain", {"dense": FineTune(Training(steps=1))})
