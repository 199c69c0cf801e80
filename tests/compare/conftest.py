"""Runs made of records and masks alone, in the shapes of a BERT of two layers."""

import json

import pytest
import torch

from lit_prune.sparsity.files import save_masks

LAYERS = ["attention.self.query", "attention.self.key", "attention.output.dense", "intermediate.dense"]
NAMES = [f"encoder.backbone.encoder.layer.{number}.{name}.weight" for number in (0, 1) for name in LAYERS]
NAMES += ["encoder.backbone.pooler.dense.weight", "heads.nli.classifier.weight"]


def random_masks(seed, density=0.5, shape=(6, 7)):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(shape, generator=generator) < density for name in NAMES}


@pytest.fixture
def write_run(tmp_path):
    """A function: a name, masks (None: a dense run) and axes -> the folder of a finished run."""

    def write(experiment, masks, complete=True, **axes):
        folder = tmp_path / "runs" / experiment / "version_0"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"experiment": experiment, "axes": axes}))
        if complete:
            (folder / "metrics.json").write_text("{}")
        if masks:
            save_masks(masks, folder / "masks.safetensors", {})
        return folder

    return write


@pytest.fixture
def three_masks():
    """Masks of three densities."""
    return [random_masks(seed, density) for seed, density in enumerate((0.5, 0.5, 0.2))]


@pytest.fixture
def three_runs(write_run, three_masks):
    """The folders of three runs that kept them."""
    return [str(write_run(f"run{seed}", masks, seed=seed)) for seed, masks in enumerate(three_masks)]
