import math
from types import SimpleNamespace

import pytest
import torch
from loss_cases import MERGED, batch, merged_case, random_case

from lit_prune.losses import BinaryCrossEntropy, CrossEntropy, Examples, ProductOfExperts, TokenCrossEntropy


def test_cross_entropy_by_hand():
    loss = CrossEntropy()(torch.tensor([[0.0, math.log(3.0)]]), batch([0]))
    assert loss.item() == pytest.approx(math.log(4.0))


def test_binary_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)]])
    loss = BinaryCrossEntropy()(logits, Examples(torch.tensor([[1.0, 0.0]])))
    assert loss.item() == pytest.approx((math.log(2.0) + math.log(4.0)) / 2)
    certain = BinaryCrossEntropy()(torch.tensor([[-800.0]]), Examples(torch.tensor([[1.0]])))
    assert certain.item() == pytest.approx(800)


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


def tokens_case(num_rows=6, length=5, num_classes=3):
    """Logits and labels of tokens, of which some, and all of the last row, have no label."""
    torch.manual_seed(0)
    labels = torch.randint(-2, num_classes, (num_rows, length))
    labels[-1] = -1
    return torch.randn(num_rows, length, num_classes), labels.masked_fill(labels < 0, -100)


def test_of_tokens_it_is_the_mean_over_labelled_ones():
    logits, labels = tokens_case()
    known = labels >= 0
    expected = -logits.log_softmax(-1)[known].gather(1, labels[known][:, None]).mean()
    torch.testing.assert_close(TokenCrossEntropy()(logits, batch(labels.tolist())), expected)


def test_without_labelled_tokens_it_is_zero_with_a_gradient_of_zero():
    logits, labels = tokens_case()
    logits.requires_grad_()
    loss = TokenCrossEntropy()(logits, batch(torch.full_like(labels, -100).tolist()))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_processes_that_share_a_step_have_the_mean_over_its_tokens(monkeypatch):
    """The last process has no row left: it computes one of weight 0."""
    logits, labels = tokens_case()
    alone = TokenCrossEntropy()(logits, batch(labels.tolist()))
    parts = [slice(0, 3), slice(3, 5), slice(5, 6), slice(0, 1)]
    weights = [(part.stop - part.start) * len(parts) / len(labels) for part in parts[:-1]] + [0.0]
    shards = [(logits[part], batch(labels[part].tolist(), weight=w)) for part, w in zip(parts, weights, strict=True)]
    own = []
    where = "lit_prune.losses.loss.mean_over_processes"
    monkeypatch.setattr(where, lambda value: own.append(value) or value)
    for shard in shards:
        TokenCrossEntropy()(*shard)
    monkeypatch.setattr(where, lambda value: sum(own) / len(parts))
    together = [TokenCrossEntropy()(*shard) * shard[1].weight for shard in shards]
    torch.testing.assert_close(sum(together) / len(parts), alone)


def test_improbable_merged_classes_give_a_finite_loss_and_gradient():
    logits = torch.tensor([[-500.0, 500.0, -500.0]], requires_grad=True)
    loss = CrossEntropy()(logits, SimpleNamespace(labels=torch.tensor([3]), classes=MERGED))
    loss.backward()
    assert loss.item() == pytest.approx(1000 - math.log(2))
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.5, 1.0, -0.5]]))
