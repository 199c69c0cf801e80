"""What is measured of encoders in use; no time is asserted."""

from functools import partial

import pytest
import torch
from torch import nn

from lit_prune.bench.bert import dense_bert, low_rank_bert, sparse_bert
from lit_prune.bench.inference import PRECISIONS, Workload, flop_count, forward, measure, to_precision
from lit_prune.errors import UserError

USE = Workload(batch=2, length=8, precisions=PRECISIONS, repeats=1, device="cpu")
SHAPE = (2, 64, 512)
# Per layer: four matrices of 64 x 64 and two of 256 x 64, their biases (4 x 64 + 256 + 64) and two LayerNorms.
MATRICES, OTHERS = 4 * 64 * 64 + 2 * 256 * 64, 4 * 64 + 256 + 64 + 4 * 64
RANK_8 = 8 * (4 * 128 + 2 * 320)


@pytest.fixture(scope="module")
def speeds():
    makers = {"dense": partial(dense_bert, *SHAPE), "rank 8": partial(low_rank_bert, *SHAPE, 8)}
    return measure(makers | {"csr 0.25": partial(sparse_bert, *SHAPE, 0.25)}, USE)


def test_each_encoder_in_each_precision_that_it_has(speeds):
    assert [(speed.name, speed.precision) for speed in speeds] == [
        *(("dense", precision) for precision in PRECISIONS),
        *(("rank 8", precision) for precision in PRECISIONS),
        *(("csr 0.25", precision) for precision in PRECISIONS[:2]),
    ]


def test_times_and_what_follows_of_them(speeds):
    assert all(speed.seconds > 0 and speed.texts_per_second == 2 / speed.seconds for speed in speeds)
    assert all(speed.ratio == 1 for speed in speeds if speed.name == "dense")
    assert all(speed.ratio == speed.ratio_fp32 > 0 for speed in speeds if speed.precision == "fp32")


@pytest.mark.parametrize(("name", "kept"), [("dense", MATRICES), ("rank 8", RANK_8), ("csr 0.25", MATRICES // 4)])
def test_density_and_flops_by_hand(speeds, name, kept):
    found = [speed for speed in speeds if speed.name == name]
    # Of 16 tokens: two for each entry of a matrix, and of each of 8 x 8 pairs of a text 64 features twice. The pooler
    # is one more product of 64 x 64 for each text.
    flops, whole = (2 * (2 * 16 * each + 2 * 2 * 2 * 64 * 64) + 2 * 2 * 64 * 64 for each in (kept, MATRICES))
    for speed in found:
        assert speed.density == pytest.approx((kept + OTHERS) / (MATRICES + OTHERS))
        assert speed.flop_ratio == pytest.approx(flops / whole)
    assert flop_count(dense_bert(*SHAPE).eval(), USE) == whole


def test_bytes_are_those_of_the_precision(speeds):
    num_bytes = {(speed.name, speed.precision): speed.num_bytes for speed in speeds}
    whole = sum(value.numel() for value in dense_bert(*SHAPE).state_dict().values())
    assert num_bytes["dense", "fp32"] == 4 * whole
    assert num_bytes["dense", "bf16"] == 2 * whole
    assert num_bytes["dense", "int8"] < num_bytes["dense", "fp32"] - 2.9 * 2 * MATRICES
    assert num_bytes["rank 8", "fp32"] == 4 * (whole - 2 * (MATRICES - RANK_8))


def test_peak_memory_is_that_of_use_where_it_is_asked_for():
    use = Workload(batch=2, length=8, precisions=["fp32"], repeats=1, device="cpu")
    (speed,) = measure({"dense": partial(dense_bert, *SHAPE)}, use, memory=True)
    assert speed.peak_bytes is None or speed.peak_bytes > 0


def test_precisions_change_copies_alone():
    backbone = dense_bert(*SHAPE).eval()
    exact = forward(backbone, USE)().last_hidden_state
    for precision in PRECISIONS[1:]:
        output = forward(to_precision(backbone, precision), USE)().last_hidden_state.float()
        assert 0 < (output - exact).abs().max() < 0.5
    assert to_precision(backbone, "fp32") is backbone
    assert all(value.dtype == torch.float32 for value in backbone.parameters())
    assert any(type(module) is nn.Linear for module in backbone.modules())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "batch"),
        ({"length": 0}, "length"),
        ({"repeats": 0}, "repeats"),
        ({"precisions": []}, "fp32, bf16, int8"),
        ({"precisions": ["fp16"]}, "fp16"),
        ({"precisions": ["int8"], "device": "cuda"}, "precisions must be among fp32, bf16 on cuda, got "),
    ],
)
def test_wrong_uses_are_errors(changes, message):
    with pytest.raises(UserError, match=message):
        Workload(**{"batch": 1, "length": 1, "precisions": ["fp32"], "repeats": 1, "device": "cpu"} | changes)
