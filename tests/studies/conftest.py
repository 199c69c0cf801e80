"""A study of six tiny runs, three seconds each: two dense ones, and two masks from each of them."""

import json

import pytest
import yaml


@pytest.fixture
def source(small):
    """What the study's yaml says."""
    return {
        "title": "tiny",
        "runs": {
            "dense": {"configs": small("configs/dense.yaml"), "axes": ["seed"]},
            "mask": {"configs": small("configs/srnet_poe.yaml"), "axes": ["loss", "seed"], "start_from": "dense"},
        },
        "axes": {
            "loss": {
                "poe": {"settings": {"model.init_args.loss": "lit_prune.losses.ProductOfExperts"}},
                "ce": {"settings": {"model.init_args.loss": "lit_prune.losses.CrossEntropy"}},
            },
            "seed": {"setting": "seed_everything", "values": [1, 2]},
        },
        "settings": {"trainer.enable_progress_bar": False},
    }


@pytest.fixture
def study(tmp_path, source):
    """The path of the study's yaml; called, it is written anew."""

    def write():
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(source, sort_keys=False))
        return path

    return write


@pytest.fixture
def entries():
    """A function: a study's folder -> its runs.json by name."""
    return lambda out: {each["name"]: each for each in json.loads((out / "runs.json").read_text())}
