"""A budget of parameters, against every choice of ranks, and what the budget of a network counts."""

import itertools
import json

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import RankBudget
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Magnitude, Movement
from lit_prune.sparsity.schedules import Constant
from lit_prune.sparsity.structures import Rank

SHAPES = {"wide": (4, 12), "square": (5, 5), "flat": (4, 4)}


def engine_of(sparsity, criterion=None, shapes=SHAPES):
    torch.manual_seed(0)
    root = nn.ModuleDict({name: nn.Linear(width, height) for name, (height, width) in shapes.items()})
    scope = RankBudget()
    targets = {"all": list(shapes)}
    engine = LayerEngine(targets, criterion or Magnitude(), Constant(sparsity), structure=Rank(), scope=scope)
    engine.attach(root)
    engine.update(1.0)
    return engine


def cost(nums, shapes=SHAPES):
    return sum(min(num * (m + n), m * n) for num, (m, n) in zip(nums, shapes.values(), strict=True))


@pytest.mark.parametrize("criterion", [Magnitude(), Movement(Magnitude())])
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_no_affordable_choice_has_a_smaller_error_but_by_what_the_next_rank_is_worth(sparsity, criterion):
    engine = engine_of(sparsity, criterion)
    sigmas = {name: layer.sigma.detach().double() for name, layer in engine.layers.items()}
    nums = [int(layer.mask.keep.sum()) for layer in engine.layers.values()]
    total = sum(m * n for m, n in SHAPES.values())
    budget = total - int(sparsity * total)
    assert cost(nums) <= budget

    def lost(choice):
        return sum(float(sigma[num:].square().sum()) for num, sigma in zip(choice, sigmas.values(), strict=True))

    choices = [each for each in itertools.product(*(range(1, len(s) + 1) for s in sigmas.values()))]
    below = [each for each in choices if cost(each) <= budget]
    best = min(map(lost, below))
    excess = [float(s[n] ** 2) for n, s in zip(nums, sigmas.values(), strict=True) if n < len(s)]
    assert lost(nums) - best <= max(excess, default=0.0)
    if sparsity == 0.0:
        assert nums == [4, 5, 4]
    for layer, num in zip(engine.layers.values(), nums, strict=True):
        assert layer.mask.keep.tolist() == [True] * num + [False] * (len(layer.sigma) - num)


def test_the_next_rank_in_the_order_exceeds_the_budget():
    scores = {"a": torch.tensor([8.0, 4.0, 2.0, 1.0]), "b": torch.tensor([8.0, 4.0, 2.0, 1.0])}
    scope = RankBudget()
    scope._shapes = {"a": (10, 10), "b": (10, 30)}
    # Of 400 parameters a rank of a has 20, one of b 40. In the order of score^2 / cost: one of each, a, b, a, b, a, b.
    expected = {
        0.85: (1, 1),
        0.8: (2, 1),
        0.7: (2, 2),
        0.65: (3, 2),
        0.6: (3, 2),
        0.55: (3, 3),
        0.5: (4, 3),
        0.4: (4, 4),
    }
    for level, nums in expected.items():
        kept = {name: round(4 * (1 - share)) for name, share in scope.sparsities(scores, level).items()}
        assert tuple(kept.values()) == nums, level


def test_ties_are_broken_by_position_and_a_budget_keeps_what_a_smaller_one_kept():
    scope = RankBudget()
    scope._shapes = dict.fromkeys("abc", (10, 10))
    scores = {name: torch.ones(5) for name in "abc"}
    before = (0, 0, 0)
    for level in (0.9, 0.7, 0.6, 0.5, 0.3, 0.0):
        nums = tuple(round(5 * (1 - share)) for share in scope.sparsities(scores, level).values())
        assert nums == tuple(sorted(nums, reverse=True))
        assert all(one <= two for one, two in zip(before, nums, strict=True))
        before = nums
    assert before == (5, 5, 5)


def test_negative_scores_are_the_last():
    scope = RankBudget()
    scope._shapes = {"a": (10, 10), "b": (10, 10)}
    scores = {"a": torch.tensor([1.0, -9.0, -8.0]), "b": torch.tensor([1.0, 0.5, -1.0])}
    kept = {name: round(3 * (1 - share)) for name, share in scope.sparsities(scores, 0.6).items()}
    assert kept == {"a": 1, "b": 3}


def test_single_weights_have_no_ranks():
    with pytest.raises(UserError, match="structure must be Rank with the scope RankBudget, got Element: set it"):
        LayerEngine({"all": ["a"]}, Magnitude(), Constant(0.5), scope=RankBudget())


@pytest.mark.parametrize("setting", ["rank_magnitude", "rank_movement"])
def test_a_run_has_the_parameters_that_its_schedule_sets(setting, experiment):
    arguments = (
        "--model.init_args.scope=lit_prune.sparsity.allocations.RankBudget",
        "--model.init_args.schedule.init_args.final=0.6",
        "--model.init_args.prune.steps=6",
        "--trainer.val_check_interval=3",
    )
    code, run = experiment(*arguments, config=f"configs/{setting}.yaml")
    assert code == 0
    metrics = json.loads((run / "metrics.json").read_text())
    sizes, vectors = 2 * (4 * 16 * 16 + 2 * 16 * 32), 2 * (4 * 16 + 32 + 16 + 4 * 16)
    kept = metrics["parameter_density"] * (sizes + vectors) - vectors
    assert 0.4 * sizes - 48 < kept <= 0.4 * sizes  # a rank costs 32 or 48
