import math
from types import SimpleNamespace

import pytest
import torch
from loss_cases import MERGED, batch, merged_case, random_case

from lit_prune.losses import CrossEntropy, ProductOfExperts


def test_cross_entropy_by_hand():
    loss = CrossEntropy()(torch.tensor([[0.0, math.log(3.0)]]), batch([0]))
    assert loss.item() == pytest.approx(math.log(4.0))


def test_merged_classes_are_as_likely_as_they_are_together():
    logits, merged = merged_case()
    shares = logits.softmax(-1)
    likely = torch.stack([*shares.T, shares[:, 0] + shares[:, 2]], dim=-1)
    expected = -likely.gather(-1, merged.labels[:, None]).log().mean()
    torch.testing.assert_close(CrossEntropy()(logits, merged), expected)


def test_the_gradient_of_merged_classes_leaves_open_which_of_them_it_is():
    logits = torch.tensor([[1.0, 0.5, -1.0]], requires_grad=True)
    CrossEntropy()(logits, SimpleNamespace(labels=torch.tensor([3]), classes=MERGED)).backward()
    shares = logits.detach().softmax(-1)[0]
    within = torch.stack([shares[0], torch.tensor(0.0), shares[2]]) / (shares[0] + shares[2])
    torch.testing.assert_close(logits.grad[0], shares - within)


@pytest.mark.parametrize("loss", [CrossEntropy(), ProductOfExperts()])
def test_a_table_without_merged_labels_changes_nothing(loss):
    logits, with_bias = random_case()
    plain = loss(logits, with_bias)
    with_bias.classes = MERGED
    torch.testing.assert_close(loss(logits, with_bias), plain)


def test_improbable_merged_classes_give_a_finite_loss_and_gradient():
    logits = torch.tensor([[-500.0, 500.0, -500.0]], requires_grad=True)
    loss = CrossEntropy()(logits, SimpleNamespace(labels=torch.tensor([3]), classes=MERGED))
    loss.backward()
    assert loss.item() == pytest.approx(1000 - math.log(2))
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.5, 1.0, -0.5]]))
