"""What a delta may be over."""

import pytest
import torch

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.export.base import encoder_weights, encoders
from lit_prune.export.trained import read_run
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.install import dense_state_dict


def same(found, expected):
    expected = encoder_weights(expected)
    return found.keys() == expected.keys() and all(torch.equal(value, expected[name]) for name, value in found.items())


@pytest.fixture
def result(finished_run):
    return dense_state_dict(read_run(finished_run, None).model)


def test_a_backbone_is_its_weights(tiny_backbone):
    (found,) = encoders(str(tiny_backbone))
    expected = PrunableEncoder(tiny_backbone).state_dict()
    assert same(found, {f"encoder.{name}": value for name, value in expected.items()})


@pytest.mark.parametrize("file", ["", "checkpoints/best.ckpt", "checkpoints/dense.ckpt"])
def test_a_run_is_what_it_began_with_or_its_result(file, finished_run, result):
    found = list(encoders(str(finished_run / file)))
    assert len(found) == 2
    assert same(found[1], result)
    dense = read_checkpoint(finished_run / "checkpoints" / "dense.ckpt")["state_dict"]
    assert same(found[0], dense)
    assert not same(found[1], dense)


@pytest.mark.parametrize("form", ["dense", "packed"])
def test_an_export_is_its_weights(form, finished_run, result, export):
    (found,) = encoders(str(export(finished_run, form)))
    assert same(found, result)
