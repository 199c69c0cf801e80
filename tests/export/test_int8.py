import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.export.int8 import dequantise, quantise


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_are_kept_to_half_a_step_of_their_row(dtype):
    rows = [torch.randn(7, dtype=dtype), torch.zeros(0, dtype=dtype), 1e-4 * torch.randn(3, dtype=dtype)]
    lengths = torch.tensor([len(row) for row in rows])
    multiples, scales = quantise(torch.cat(rows), lengths)
    assert (multiples.dtype, scales.dtype) == (torch.int8, torch.float32)
    found = dequantise(multiples, scales, lengths).split(lengths.tolist())
    for row, each in zip(rows, found, strict=True):
        largest = row.float().abs().max() if len(row) else torch.tensor(0.0)
        torch.testing.assert_close(each, row.float(), atol=float(largest) / 254 * 1.001, rtol=0)
        if len(row):
            torch.testing.assert_close(each.abs().max(), largest)


def test_zeros_and_the_smallest_numbers_are_finite():
    values = torch.tensor([0.0, 0.0, 1e-45, -1e-45])
    lengths = torch.tensor([2, 2])
    multiples, scales = quantise(values, lengths)
    assert (multiples == 0).all()
    assert dequantise(multiples, scales, lengths).abs().max() <= 1e-44


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_a_weight_that_is_not_finite_is_an_error(value):
    with pytest.raises(UserError, match="--dtype int8 must be of finite weights"):
        quantise(torch.tensor([1.0, value]), torch.tensor([2]))


@pytest.mark.parametrize(
    ("multiples", "scales", "lengths"),
    [
        (torch.zeros(4, dtype=torch.int8), torch.ones(2), torch.tensor([2, 3])),
        (torch.zeros(4, dtype=torch.int8), torch.ones(3), torch.tensor([2, 2])),
        (torch.zeros(4), torch.ones(2), torch.tensor([2, 2])),
    ],
)
def test_what_does_not_belong_together_is_an_error(multiples, scales, lengths):
    with pytest.raises(ValueError, match="are not those of"):
        dequantise(multiples, scales, lengths)
