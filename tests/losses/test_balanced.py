import numpy as np
import torch
import torch.nn.functional as F
from loss_cases import random_case
from sklearn.utils.class_weight import compute_sample_weight

from lit_prune.losses import BalancedCrossEntropy, CrossEntropy

GROUPS = np.repeat([0, 1, 2], [5, 2, 1])


def made(groups):
    loss = BalancedCrossEntropy()
    loss.reset(16, torch.from_numpy(np.bincount(groups)))
    return loss


def test_over_the_training_set_all_groups_have_equal_weight():
    logits, examples = random_case()
    examples.groups = torch.from_numpy(GROUPS)
    losses = F.cross_entropy(logits, examples.labels, reduction="none")
    value = made(GROUPS)(logits, examples)
    torch.testing.assert_close(value, torch.stack([losses[group == GROUPS].mean() for group in range(3)]).mean())
    by_sklearn = torch.from_numpy(compute_sample_weight("balanced", GROUPS)).float()
    torch.testing.assert_close(value, (by_sklearn * losses).mean())


def test_with_groups_of_one_size_it_is_cross_entropy():
    logits, examples = random_case()
    groups = np.arange(8) % 4
    examples.groups = torch.from_numpy(groups)
    torch.testing.assert_close(made(groups)(logits, examples), CrossEntropy()(logits, examples))
