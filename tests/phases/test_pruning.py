"""Masks set anew as training goes on: when, over which pools, and what is noted of it."""

import json

from lightning.pytorch import Callback

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
