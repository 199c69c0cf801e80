"""Training sets that lack a part."""

import json

import numpy as np
import pytest
import yaml

from lit_prune.data.perturbation import Perturbation
from lit_prune.errors import UserError


def test_a_share_of_the_examples_is_left_out_by_the_seed():
    units = np.arange(200)
    kept = [Perturbation(0.1, seed).kept(units) for seed in (0, 0, 1)]
    assert [len(each) for each in kept] == [180] * 3
    assert np.array_equal(kept[0], kept[1])
    assert not np.array_equal(kept[0], kept[2])
    assert (np.diff(kept[0]) > 0).all()


def test_an_example_is_left_out_with_all_its_rows():
    units = np.repeat(np.arange(10), 3)
    kept = Perturbation(0.2, 0).kept(units)
    assert len(kept) == 24
    assert set(np.bincount(units[kept], minlength=10)) == {0, 3}


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_no_share_is_an_error(share):
    with pytest.raises(UserError, match=f"share must be above 0 and below 1, got {share}"):
        Perturbation(share)


def test_a_share_that_leaves_nothing_is_an_error():
    with pytest.raises(UserError, match=r"must leave examples, got .* of 3"):
        Perturbation(0.9).kept(np.arange(3))


def test_a_run_trains_without_them_and_is_evaluated_on_all(experiment):
    brief = ("--model.init_args.dense.steps=2", "--trainer.val_check_interval=2")
    for name, perturbed in (("whole", ()), ("part", ("--data.perturbation.share=0.5", "--data.perturbation.seed=7"))):
        code, run = experiment(*brief, *perturbed, config="configs/dense.yaml", name=name)
        assert code == 0
        config = yaml.safe_load((run / "config.yaml").read_text())
        assert config["data"].get("perturbation") == ({"share": 0.5, "seed": 7} if perturbed else None)
    hashes = [
        json.loads((run.parents[1] / name / "version_0/run.json").read_text())["data_hash"]
        for name in ("whole", "part")
    ]
    assert hashes[0] != hashes[1]
    rows = [(run.parents[1] / name / "version_0/predictions.parquet").stat().st_size for name in ("whole", "part")]
    assert min(rows) > 0.8 * max(rows)
