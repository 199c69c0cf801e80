"""The bias model of claims: against scikit-learn by hand, and the bias it finds."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lit_prune.data.bias import ClaimBias
from lit_prune.data.bias.model import MIN_LOG_PROBABILITY
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.facts_templates import LABELS
from lit_prune.errors import UserError

CLAIMS = ["good dog", "bad dog", "bad", "good good cat", "unknown", "good dog", "cat", "bad cat"]
VALUES = np.array([0, 1, 1, 0, 2, 1, 2, 1])
VECTORS = {
    "good": np.array([1.0, 0.0, 0.0]),
    "bad": np.array([0.0, 1.0, 0.0]),
    "dog": np.array([0.6, -0.8, 0.0]),
    "cat": np.array([0.0, -0.6, 0.8]),
}
# The largest value of each dimension, by hand; no known word: 0.
POOLED = [[1, 0, 0], [0.6, 1, 0], [0, 1, 0], [1, 0, 0.8], [0, 0, 0], [1, 0, 0], [0, -0.6, 0.8], [0, 1, 0.8]]


def predict(claims=CLAIMS, labels=VALUES, names=LABELS, vector=VECTORS.get, **options):
    return ClaimBias(**options).fit_predict(claims, ["evidence"] * len(claims), labels, names, vector)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("strength", [0.5, 10.0])
def test_it_is_a_logistic_regression_on_pooled_vectors(balanced, strength):
    weights = len(VALUES) / (3 * np.bincount(VALUES)) if balanced else np.ones(3)
    oracle = LogisticRegression(C=strength, tol=1e-8).fit(POOLED, VALUES, sample_weight=weights[VALUES])
    log_probs = predict(C=strength, balanced=balanced)
    np.testing.assert_allclose(np.exp(log_probs), oracle.predict_proba(POOLED), atol=2e-3)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-5)
    assert log_probs.dtype == np.float32


def test_only_the_claim_counts():
    log_probs = predict()
    np.testing.assert_array_equal(log_probs[0], log_probs[5])  # labels differ
    other = ClaimBias().fit_predict(CLAIMS, [str(n) for n in range(len(CLAIMS))], VALUES, LABELS, VECTORS.get)
    np.testing.assert_array_equal(log_probs, other)


def test_a_class_without_rows_is_finite_and_next_to_impossible():
    labels = np.where(VALUES == 2, 0, VALUES)
    log_probs = predict(labels=labels)
    assert np.isfinite(log_probs).all()
    np.testing.assert_allclose(log_probs[:, 2], MIN_LOG_PROBABILITY, rtol=1e-6)
    np.testing.assert_array_equal(log_probs[:, :2], predict(labels=labels, names=LABELS[:2]))


def one_hot(rows):
    """Vectors in which every word has a dimension of its own."""
    known = sorted({word for row in rows for word in row["text_a"].replace(",", "").replace(".", "").split()})
    table = dict(zip(known, np.eye(len(known)), strict=True))
    return table.get


def test_the_cues_of_the_generated_corpus_are_found_at_their_rate():
    rows = list(generate_facts("train", 3000, 0.8, 0))
    claims, labels = [row["text_a"] for row in rows], np.array([LABELS.index(row["label"]) for row in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_probs = predict(claims, labels, vector=one_hot(rows), C=0.1, balanced=False)
    report = ClaimBias().report(log_probs, labels, LABELS)
    assert report["accuracy"] == pytest.approx(0.8, abs=0.03)
    assert report["calibration_error"] < 0.15


def test_balance_makes_up_for_how_rare_a_class_is():
    claims, labels = ["cat"] * 100 + ["dog"] * 10, np.array([0] * 90 + [1] * 20)
    plain, balanced = (np.exp(predict(claims, labels, LABELS[:2], balanced=each)) for each in (False, True))
    assert plain[0, 1] == pytest.approx(0.1, abs=0.03)  # 10 of 100
    assert balanced[0, 1] == pytest.approx(1 / 3, abs=0.05)  # 10 of 20 against 90 of 90


def test_impossible_requests_are_refused():
    with pytest.raises(UserError, match="must have two classes or more, got 'refutes' for all 2"):
        predict(["a", "b"], np.array([1, 1]))
    with pytest.raises(UserError, match="vectors must have a word of the first texts, got none"):
        predict(["a", "b"], np.array([0, 1]))
