"""Masks set anew as training goes on: when, over which pools, and what is noted of it."""

import itertools
import json

import pytest
import torch
from lightning.pytorch import Callback
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks
from lit_prune.sparsity.select import num_kept


class Refreshes(Callback):
    """Notes at which steps masks were refreshed, and how much flipped, in a file of the run's folder."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}

    def on_train_batch_start(self, trainer, pl_module, *_):
        if pl_module.refreshed is not None:
            self.seen[pl_module.refreshed.step] = pl_module.refreshed.flipped

    def on_fit_end(self, trainer, pl_module):
        (pl_module.folder / "refreshes.json").write_text(json.dumps(self.seen))


def test_masks_are_refreshed_by_their_cadence_and_before_evaluations(experiment):
    noted = ("--trainer.callbacks+={class_path: phases.test_pruning.Refreshes}",)
    at_once = "--model.init_args.schedule.init_args.start=0"
    code, run = experiment(*noted, at_once, "--trainer.val_check_interval=6", config="configs/magnitude.yaml")
    assert code == 0
    seen = {int(step): flipped for step, flipped in json.loads((run / "refreshes.json").read_text()).items()}
    assert list(seen) == [0, 4, 6, 8, 12, 16, 18]  # the last, before the last evaluation, is followed by no step
    assert seen[0] == 0.0
    assert all(seen[step] > 0 for step in (6, 8, 12, 16))


def test_targets_that_share_a_pool_share_the_sparsity(experiment):
    scope = "--model.init_args.scope=[[query, key, value, attention_output], [intermediate, output]]"
    code, run = experiment(scope, config="configs/magnitude.yaml")
    assert code == 0
    masks = load_masks(run / "masks.safetensors")
    attention = [keep for name, keep in masks.items() if ".attention." in name]
    others = [keep for name, keep in masks.items() if ".attention." not in name]
    for pool in (attention, others):
        size = sum(keep.numel() for keep in pool)
        assert sum(int(keep.sum()) for keep in pool) == num_kept(size, 0.9)
    assert len({int(keep.sum()) for keep in attention}) > 1


SOFT = ("--config=configs/recipes/soft_movement.yaml", "--model.init_args.criterion.init_args.weight=1e4")
SOFT += ('--model.init_args.prune.learning_rates={"*.mask.*scores": 0.5}', "--trainer.val_check_interval=4")


def test_soft_movement_prunes_and_resumes_bit_for_bit(experiment, tmp_path):
    """The penalty rises between two updates of the masks as well."""
    movement = {"config": "configs/movement.yaml"}
    code, whole = experiment(*SOFT, **movement, name="whole")
    assert code == 0
    assert 0.1 < json.loads((whole / "metrics.json").read_text())["sparsity"] < 1
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*SOFT, cut_off_by("run_helpers.CutOff", 11), **movement, name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)


WHITENING = "--model.init_args.structure.init_args.whitening"


@pytest.mark.parametrize("setting", ["rank_magnitude", "rank_movement"])
def test_ranks_are_chosen_in_the_norm_of_training_batches(setting, experiment):
    """Of one step at no rate the product of all ranks is the weight, whose factors differ by the norm alone."""
    brief = ("--model.init_args.prune.steps=1", "--model.init_args.prune.learning_rate=1e-12")
    brief += ('--model.init_args.prune.learning_rates={"*.sigma": 1e-12}', "--trainer.val_check_interval=1")
    factors = {}
    for name in ("plain", "Activations", "Kronecker"):
        chosen = () if name == "plain" else (f"{WHITENING}=lit_prune.sparsity.whitenings.{name}",)
        structure = "--model.init_args.structure=lit_prune.sparsity.structures.Rank"
        code, run = experiment(*brief, structure, *chosen, config=f"configs/{setting}.yaml", name=name)
        assert code == 0
        factors[name] = read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    layers = [name.removesuffix(".sigma") for name in factors["plain"] if name.endswith(".sigma")]
    assert len(layers) == 12
    for layer in layers:
        products = []
        for state in factors.values():
            ut, sigma, vh = (state[f"{layer}.{part}"] for part in ("ut", "sigma", "vh"))
            products.append((ut.t() * sigma) @ vh)
        torch.testing.assert_close(products[1], products[0], atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(products[2], products[0], atol=1e-4, rtol=1e-3)
        sigmas = [state[f"{layer}.sigma"] for state in factors.values()]
        assert not any(torch.allclose(one, two, rtol=1e-3) for one, two in itertools.pairwise(sigmas))


@pytest.mark.parametrize(
    ("setting", "recipe", "scope"),
    [
        ("rank_magnitude", "activation_svd", "lit_prune.sparsity.allocations.RankBudget"),
        ("rank_movement", "fisher_svd", "local"),
    ],
)
def test_ranks_in_the_norm_of_training_batches_resume_bit_for_bit(setting, recipe, scope, experiment, tmp_path):
    """The statistics are not gathered again: the factors are those of the checkpoint."""
    chosen = (f"--config=configs/recipes/{recipe}.yaml", f"--model.init_args.scope={scope}")
    chosen += ("--trainer.val_check_interval=4",)
    base = {"config": f"configs/{setting}.yaml"}
    code, whole = experiment(*chosen, **base, name="whole")
    assert code == 0
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*chosen, cut_off_by("run_helpers.CutOff", 11), **base, name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)
