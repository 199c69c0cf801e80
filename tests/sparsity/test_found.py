"""Masks of other runs: which one is meant, and whether it fits."""

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.sparsity.files import save_masks
from lit_prune.sparsity.found import check_fit, find_masks, removed


def mask(sparsity):
    return {"a.weight": (torch.arange(100) >= round(100 * sparsity)).view(10, 10)}


@pytest.fixture
def run(tmp_path):
    for name, sparsity in {"round_1_masks": 0.2, "round_2_masks": 0.4, "masks": 0.6}.items():
        save_masks(mask(sparsity), tmp_path / f"{name}.safetensors", {})
    return tmp_path


@pytest.mark.parametrize(("sparsity", "found"), [(None, 0.6), (0.2, 0.2), (0.4, 0.4), (0.6, 0.6)])
def test_a_runs_masks_by_sparsity(run, sparsity, found):
    assert removed(find_masks(str(run), sparsity)) == pytest.approx(found)


def test_a_file(run):
    assert removed(find_masks(str(run / "round_1_masks.safetensors"), None)) == pytest.approx(0.2)


def test_what_is_not_there_is_named(run, tmp_path):
    with pytest.raises(UserError, match=r"0\.5.*0\.600 \(masks.*0\.200 \(round_1_masks"):
        find_masks(str(run), 0.5)
    with pytest.raises(UserError, match="nowhere"):
        find_masks("nowhere", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"must have masks\.safetensors, got none"):
        find_masks(str(tmp_path / "empty"), None)
    with pytest.raises(UserError, match=r"0\.3.*0\.200"):
        find_masks(str(run / "round_1_masks.safetensors"), 0.3)


def test_masks_of_another_network_are_named():
    weights = {"a.weight": torch.zeros(10, 10)}
    check_fit(mask(0.5), weights, "run")
    with pytest.raises(UserError, match=r"got a\.weight of \(10, 10\) where it has \(5, 5\)"):
        check_fit(mask(0.5), {"a.weight": torch.zeros(5, 5)}, "run")
    with pytest.raises(UserError, match="nothing"):
        check_fit(mask(0.5), {"b.weight": torch.zeros(10, 10)}, "run")
