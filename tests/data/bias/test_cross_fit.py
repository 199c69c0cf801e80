"""Cross-fitted bias models: no row is predicted by a model that was fitted on it."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lit_prune.data import ClaimBias, OverlapBias
from lit_prune.data.bias.cross_fit import fit_predict
from lit_prune.errors import UserError

NAMES = ["contradiction", "entailment", "neutral"]


def case(num_rows=60):
    rng = np.random.default_rng(0)
    return rng.normal(size=(num_rows, 4)), np.arange(num_rows) % 3


def test_a_row_is_predicted_by_a_model_of_the_other_folds():
    features, targets = case()
    found = fit_predict(LogisticRegression(C=100.0), features, targets, "predict_log_proba", folds=5)
    # rows in their order fill the folds, twelve each, of four rows a class
    for fold in range(5):
        inside = np.arange(60) // 12 == fold
        oracle = LogisticRegression(C=100.0).fit(features[~inside], targets[~inside])
        np.testing.assert_allclose(found[inside], oracle.predict_log_proba(features[inside]), rtol=1e-6)


def test_labels_without_a_pattern_are_predicted_at_chance_only_if_cross_fitted():
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(60, 30)), rng.integers(2, size=60)
    model = LogisticRegression(C=100.0, max_iter=1000)
    accuracy = {
        folds: (fit_predict(model, features, targets, "predict_proba", folds).argmax(1) == targets).mean()
        for folds in (None, 5)
    }
    assert accuracy[None] > 0.85
    assert accuracy[5] < 0.65


def test_rows_of_one_text_are_in_one_fold():
    features, targets = case()
    texts = np.repeat(np.arange(12), 5)
    model = LogisticRegression()
    found = fit_predict(model, features, targets, "predict_proba", folds=12, texts=texts)
    for text in range(12):
        inside = texts == text
        oracle = LogisticRegression().fit(features[~inside], targets[~inside])
        np.testing.assert_allclose(found[inside], oracle.predict_proba(features[inside]), rtol=1e-6)


@pytest.mark.parametrize("kind", [OverlapBias, ClaimBias])
def test_the_bias_models_are_cross_fitted(kind):
    rng = np.random.default_rng(0)
    texts = [[" ".join(f"w{number}" for number in rng.integers(20, size=size)) for _ in range(90)] for size in (8, 3)]
    labels = np.arange(90) % 3
    vectors = dict(zip((f"w{number}" for number in range(20)), np.eye(20), strict=True))
    plain, folded = (kind(folds=folds).fit_predict(*texts, labels, NAMES, vectors.get) for folds in (None, 5))
    assert folded.dtype == np.float32
    np.testing.assert_allclose(np.exp(folded).sum(1), 1, rtol=1e-5)
    right = np.arange(90), labels
    assert np.exp(folded)[right].mean() < np.exp(plain)[right].mean()
    assert len({json.dumps(kind(folds=folds).fingerprint()) for folds in (None, 5)}) == 2


def test_numbers_of_folds_that_rows_do_not_allow_are_errors():
    with pytest.raises(UserError, match="folds of a bias model must be at least 2, got 1"):
        OverlapBias(folds=1)
    features, targets = case(9)
    for texts, most in ((None, 3), (np.repeat([0, 1], [4, 5]), 2)):
        with pytest.raises(UserError, match=f"folds of a bias model must be at most {most}, got 5"):
            fit_predict(LogisticRegression(), features, targets, "predict_proba", 5, texts)
