"""Studies of records."""

import pytest
from records import Study, numbers


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    return Study(folder)


@pytest.fixture
def grid(study):
    """Two losses at two sparsities and dense, three seeds each; poe gains .1 on OOD, and .01 more for each seed."""
    for loss in ("ce", "poe"):
        for seed in (1, 2, 3):
            ood = 0.6 + 0.02 * seed + (loss == "poe") * (0.1 + 0.01 * seed)
            study.add(f"dense-{loss}-{seed}", numbers(0.9, ood - 0.05), run="dense", loss=loss, seed=seed)
            for sparsity in (0.5, 0.7):
                metrics = numbers(0.9 - sparsity / 10, ood - sparsity / 10)
                name = f"mask-{loss}-{sparsity}-{seed}"
                study.add(name, metrics, run="mask", loss=loss, sparsity=sparsity, seed=seed)
    return study
