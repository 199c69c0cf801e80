"""Names, units and directions."""

import pytest

from lit_prune.report.naming import (
    axis_label,
    column_title,
    higher_is_better,
    is_in_percent,
    is_share,
    metric_label,
    sign,
    unit_label,
    value_text,
)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("nli/id/accuracy", "nli ID accuracy"),
        ("nli/ood/accuracy_non_entailment", "nli OOD accuracy, non entailment"),
        ("pi/ood_paws_qqp/auroc", "pi OOD paws qqp AUROC"),
        ("nli/ood/predicted_share_entailment", "nli OOD predicted share, entailment"),
        ("nli/id/loss", "nli ID loss"),
        ("nli/id/matthews", "nli ID Matthews"),
        ("qqp/id/mean_f1_accuracy", "qqp ID mean of F1 and accuracy"),
        ("nli/ood/f1_weighted", "nli OOD F1, weighted"),
        ("parameter_density", "parameter density"),
    ],
)
def test_a_metric_is_told_in_words(name, label):
    assert metric_label(name) == label


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("nli/id/accuracy", "nli accuracy, in distribution"),
        ("nli/ood/accuracy_non_entailment", "nli accuracy, non entailment, out of distribution"),
        ("qqp/ood_paws_qqp/auroc", "qqp AUROC, out of distribution (paws qqp)"),
        ("nli/train/accuracy", "nli accuracy, train"),
        ("stored_density", "stored density"),
    ],
)
def test_a_column_has_its_set_in_full(name, title):
    assert column_title(name) == title


@pytest.mark.parametrize(
    ("name", "unit", "percent", "share", "better"),
    [
        ("nli/id/accuracy_neutral", "accuracy (%)", True, True, True),
        ("sts/id/mean_correlation", "mean of Pearson and Spearman", False, False, True),
        ("nli/ood/auroc", "AUROC", False, True, True),
        ("nli/id/loss", "loss", False, False, False),
        ("nli/id/ece", "ECE", False, False, False),
        ("nli/id/worst_group_accuracy", "worst-group accuracy (%)", True, True, True),
        ("nli/ood/predicted_share_neutral", "predicted share (%)", True, True, None),
        ("nli/train/calibration_error", "calibration error", False, False, False),
        ("topics/id/f1_micro", "F1 (%)", True, True, True),
        ("topics/id/worst_group_f1_micro", "worst-group F1 (%)", True, True, True),
        ("topics/validation/threshold_sport", "threshold sport", False, False, None),
        ("score/id/mean_absolute_error", "mean absolute error", False, False, False),
        ("score/id/mean_absolute_error_old", "mean absolute error old", False, False, False),
        ("score/id/worst_group_mean_absolute_error", "worst-group mean absolute error", False, False, False),
        ("parameter_density", "parameter density (%)", True, False, None),
        ("stored_density", "stored density (%)", True, False, None),
    ],
)
def test_a_metric_has_a_unit_and_a_better_end(name, unit, percent, share, better):
    assert unit_label(name) == unit
    assert (is_in_percent(name), is_share(name), higher_is_better(name)) == (percent, share, better)


def test_fractions_are_shown_in_percent():
    assert axis_label("sparsity") == "sparsity (% of weights removed)"
    assert axis_label("learning_rate") == "learning rate"
    assert [value_text("sparsity", value) for value in (0.7, 0, None)] == ["70%", "0%", "-"]
    assert [value_text("learning_rate", value) for value in (1e-4, "auto", 3)] == ["0.0001", "auto", "3"]


def test_signs():
    assert [sign(name) for name in ("t/id/accuracy", "t/id/loss", "t/id/predicted_share_a")] == [1, -1, 1]
