import math
from types import SimpleNamespace

import pytest
import torch
from loss_cases import batch, random_case

from lit_prune.errors import UserError
from lit_prune.losses import CrossEntropy, Loss, ProductOfExperts, Reweighting
from lit_prune.losses.loss import check_finite, check_labels


def test_a_missing_or_foreign_bias_is_a_user_error():
    logits, with_bias = random_case()
    with pytest.raises(UserError, match="the batch of ProductOfExperts must have bias"):
        ProductOfExperts()(logits, batch([0] * 8))
    for bias in (with_bias.bias[:, :2], with_bias.bias[:1], with_bias.bias[:, :1]):
        with pytest.raises(UserError, match="bias of ProductOfExperts must have the shape of the logits"):
            ProductOfExperts()(logits, SimpleNamespace(labels=with_bias.labels, bias=bias))
    CrossEntropy()(logits, batch([0] * 8))


def test_a_loss_that_does_not_know_merged_classes_is_refused_before_it_meets_them():
    class Own(Loss):
        def compute(self, logits, batch):
            return logits.sum()

    for loss in (CrossEntropy(), ProductOfExperts()):
        check_labels(loss, "nli", ["non_entailment"])
    for loss in (Reweighting(), Own()):
        check_labels(loss, "nli", [])
        with pytest.raises(
            UserError, match=f"must take labels .*non_entailment of task 'nli' is, got {type(loss).__name__}"
        ):
            check_labels(loss, "nli", ["non_entailment"])


def test_a_loss_that_is_no_number_is_an_error_that_says_where():
    check_finite(torch.tensor(1.0), "step 3", lambda: "none yet")
    with pytest.raises(UserError, match=r"the loss must be finite, got nan at step 3: lower .* checkpoint is none yet"):
        check_finite(torch.tensor(math.nan), "step 3", lambda: "none yet")
