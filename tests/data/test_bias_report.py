"""Figures of a task's bias model, and the label of one that also amplified the bias."""

import warnings

import pytest
import torch

from lit_prune.data import BiasAmplified, GeneratedFacts, NgramBias, ShuffledBias, Task
from lit_prune.data.bias_report import bias_report, warn_if_circular
from lit_prune.data.preparation import Preparation, prepare_task

LABELS = ["supports", "refutes", "not_enough_info"]


def task(bias, source=None):
    source = source or BiasAmplified(GeneratedFacts(num_train=300, num_eval=60), NgramBias(), num_train=60)
    return Task("facts", LABELS, source, bias=bias)


@pytest.fixture
def report(tokenizer):
    """A function: a task -> the figures of its bias model."""

    def compute(of):
        how = Preparation(tokenizer, None, 64, validation_fraction=0.1, seed=0)
        train, _ = prepare_task(of, how, torch.zeros(len(tokenizer), 16))
        return bias_report(of, train)

    return compute


def test_the_figures_are_the_bias_models(report):
    plain = report(task(NgramBias(), GeneratedFacts(num_train=90, num_eval=30)))
    assert plain.keys() == {"accuracy", "confidence", "calibration_error"}
    assert report(task(None)) == {}


@pytest.mark.parametrize("folds", [None, 3])
def test_the_model_that_amplified_the_bias_is_circular_cross_fitted_or_not(folds, report):
    with pytest.warns(UserWarning, match="^task 'facts': its bias model .* circular: set another one"):
        assert report(task(NgramBias(folds=folds)))["circular"] == 1


@pytest.mark.parametrize("bias", [NgramBias("text_b"), NgramBias(C=1.0), ShuffledBias(NgramBias())])
def test_another_model_is_not(bias, report):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*circular")
        assert report(task(bias))["circular"] == 0


@pytest.mark.parametrize("bias", [None, NgramBias()])
def test_without_amplification_or_without_debiasing_nothing_is_circular(bias):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_circular(task(bias, GeneratedFacts(num_train=90)))
        warn_if_circular(task(None))
