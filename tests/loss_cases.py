"""Logits, labels and bias predictions that tests of losses share."""

import torch

from lit_prune.losses import Examples

MERGED = torch.tensor([[True, False, False], [False, True, False], [False, False, True], [True, False, True]])


def batch(labels, bias=None, weight=1.0):
    return Examples(torch.tensor(labels), bias, weight=weight)


def random_case(num_classes=3, num_rows=8):
    torch.manual_seed(0)
    labels = torch.randint(num_classes, (num_rows,)).tolist()
    return torch.randn(num_rows, num_classes), batch(labels, torch.randn(num_rows, num_classes).log_softmax(-1))


def merged_case():
    """Eight rows whose labels are classes 0, 1, 2 or 3: either 0 or 2."""
    logits, with_bias = random_case()
    with_bias.labels = torch.tensor([3, 0, 1, 2, 3, 1, 3, 2])
    with_bias.classes = MERGED
    return logits, with_bias
