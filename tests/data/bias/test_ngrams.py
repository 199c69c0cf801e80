"""The bias model of one text's words: against scikit-learn by hand, and the text that it reads."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lit_prune.data.bias import NgramBias
from lit_prune.data.bias.model import MIN_LOG_PROBABILITY
from lit_prune.errors import UserError

NAMES = ["no", "yes", "maybe"]
CLAIMS = ["A b", "a", "b a", "a b"]
EVIDENCE = ["not", "is", "not", "is"]
LABELS = np.array([0, 1, 1, 0])


def predict(text_a=CLAIMS, text_b=EVIDENCE, labels=LABELS, names=NAMES[:2], **options):
    return NgramBias(**options).fit_predict(text_a, text_b, labels, names, {}.get)


def tf_idf(counts):
    """Counts (rows, terms) with smoothed inverse document frequencies, rows of unit L2 norm."""
    counts = np.array(counts, dtype=float)
    weighted = counts * [math.log((1 + len(counts)) / (1 + (column > 0).sum())) + 1 for column in counts.T]
    return weighted / np.linalg.norm(weighted, axis=1, keepdims=True)


@pytest.mark.parametrize("strength", [1.0, 10.0])
def test_it_is_a_logistic_regression_on_weighted_words_and_pairs_of_words(strength):
    features = tf_idf([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 1], [1, 1, 1, 0]])  # a, b, a b, b a
    oracle = LogisticRegression(C=strength, tol=1e-8).fit(features, LABELS)
    log_probs = predict(C=strength)
    np.testing.assert_allclose(np.exp(log_probs), oracle.predict_proba(features), atol=1e-3)
    assert log_probs.dtype == np.float32


@pytest.mark.parametrize("text", ["text_a", "text_b"])
def test_only_one_text_is_read(text):
    log_probs = predict(text=text)
    other = "text_b" if text == "text_a" else "text_a"
    np.testing.assert_array_equal(log_probs, predict(text=text, **{other: ["x", "y", "z", ""]}))
    assert not np.allclose(log_probs, predict(text=text, **{text: ["x", "y", "z", "w"]}))


def test_a_class_without_rows_is_finite_and_next_to_impossible():
    np.testing.assert_allclose(predict(names=NAMES)[:, 2], MIN_LOG_PROBABILITY, rtol=1e-6)


def test_words_that_were_not_fitted_do_not_count():
    model = NgramBias()
    predict_rows = model.fit(model.features(CLAIMS, EVIDENCE, {}.get), LABELS, NAMES[:2])
    seen, unseen = predict_rows(model.features(["a", "a z"], ["", ""], {}.get))
    np.testing.assert_array_equal(seen, unseen)


def test_impossible_requests_are_refused():
    with pytest.raises(UserError, match="must have two classes or more, got 'yes' for all 4"):
        predict(labels=np.ones(4, dtype=int))
    with pytest.raises(UserError, match="text_b of rows must have words for NgramBias, got none"):
        predict(text_b=["", " ", "", ""], text="text_b")
