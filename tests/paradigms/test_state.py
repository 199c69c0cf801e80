"""The state of a run in its checkpoints; resumed runs are in the tests of every phase."""

from types import SimpleNamespace

from lit_prune.paradigms.state import last_checkpoint
from lit_prune.runs.checkpoints import read_file


def test_the_last_checkpoint_is_named_with_the_best_beside_it():
    run = SimpleNamespace(folder="logs/a", selection=SimpleNamespace(best={}))
    assert last_checkpoint(run) == "none yet"
    run.selection.best = {"dense": {}, "mask": {}}
    assert last_checkpoint(run) == "logs/a/checkpoints/last.ckpt (best of phase 'mask' beside it)"


def test_a_phase_that_freezes_the_base_leaves_it_there(plain_run):
    dense, mask = (read_file(plain_run / "checkpoints" / name) for name in ("dense.ckpt", "best.ckpt"))
    frozen = set(dense["state_dict"]) - set(mask["state_dict"])
    assert frozen == set(mask["lit_prune"]["left_out"])
    assert all(name.endswith((".mask.scores", ".mask.threshold")) for name in mask["state_dict"])


def test_a_phase_that_trains_the_weights_leaves_nothing_out(finished_sparse_run):
    checkpoint = read_file(finished_sparse_run / "checkpoints" / "best.ckpt")
    assert "left_out" not in checkpoint["lit_prune"]
