"""Bias models that are fitted: predictions of other rows, and of rows by fits that have not seen them."""

import json

import numpy as np
import pytest

from lit_prune.data.bias import ClaimBias, FittedBias, NgramBias, OverlapBias
from lit_prune.data.bias.fitted import predictor
from lit_prune.errors import UserError

NAMES = ["contradiction", "entailment"]
GENERATOR = np.random.default_rng(0)
WORDS = [f"word{number}" for number in range(30)]
VECTORS = dict(zip(WORDS, np.linalg.qr(GENERATOR.normal(size=(30, 30)))[0], strict=True))
TEXT_A = [" ".join(GENERATOR.choice(WORDS, 5)) for _ in range(60)]
TEXT_B = [" ".join(GENERATOR.choice(WORDS, 5)) for _ in range(60)]
LABELS = np.array([0, 1] * 30)
MODELS = [ClaimBias(), NgramBias(), NgramBias("text_b"), OverlapBias()]


class Memory(FittedBias):
    """Predicts class 1 with the probability that a row's first text was fitted on, and keeps what was fitted."""

    def __init__(self):
        self.fits = []

    def features(self, text_a, text_b, word_vector):
        return np.array(text_a, dtype=object)

    def fit(self, features, labels, label_names):
        seen = dict(zip(features, labels, strict=True))
        self.fits.append(seen)
        known = {True: [np.log(0.1), np.log(0.9)], False: [np.log(0.9), np.log(0.1)]}
        return lambda features: np.array([known[text in seen] for text in features], dtype=np.float32)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_rows_are_predicted_alike_beside_any_others(model):
    together = model.fit_predict(TEXT_A, TEXT_B, LABELS, NAMES, VECTORS.get)
    features = model.features(TEXT_A, TEXT_B, VECTORS.get)
    predict = model.fit(features, LABELS, NAMES)
    np.testing.assert_allclose(predict(features[:7]), together[:7], rtol=1e-5)
    assert predict(features[:1]).shape == (1, 2)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_cross_fit_predicts_no_label_that_it_has_seen(model):
    features = model.features(TEXT_A, TEXT_B, VECTORS.get)
    labels = LABELS.copy()
    before = model.cross_predict(features, labels, NAMES, TEXT_A, folds=5)
    labels[0] = 1 - labels[0]
    after = model.cross_predict(features, labels, NAMES, TEXT_A, folds=5)
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before, after)  # the other folds have seen it


def test_rows_of_a_group_are_in_one_fold_and_every_row_is_predicted():
    model = Memory()
    texts = ["a", "b", "c", "d", "e", "f", "g"] * 2
    log_probs = model.cross_predict(np.array(texts, dtype=object), np.arange(14) % 2, NAMES, texts, folds=3)
    assert (log_probs.argmax(axis=1) == 0).all()  # no text was fitted on
    assert len(model.fits) == 3
    assert all(0 < len(seen) < 7 for seen in model.fits)


@pytest.mark.parametrize("kind", [ClaimBias, NgramBias, OverlapBias])
def test_folds_cross_fit_by_first_texts(kind):
    first, labels = [text for text in TEXT_A[:30] for _ in range(2)], np.repeat(LABELS[:30], 2)
    plain, folded = (kind(folds=folds).fit_predict(first, TEXT_B, labels, NAMES, VECTORS.get) for folds in (None, 6))
    model = kind()
    features = model.features(first, TEXT_B, VECTORS.get)
    np.testing.assert_array_equal(folded, model.cross_predict(features, labels, NAMES, first, folds=6))
    assert folded.dtype == np.float32
    np.testing.assert_allclose(np.exp(folded).sum(1), 1, rtol=1e-5)
    right = np.arange(60), labels
    assert np.exp(folded)[right].mean() < np.exp(plain)[right].mean()
    assert len({json.dumps(kind(folds=folds).fingerprint()) for folds in (None, 6)}) == 2


def test_a_row_is_predicted_by_a_fit_on_the_other_folds():
    groups = [str(number) for number in range(12) for _ in range(5)]  # one fold each
    model = NgramBias()
    features = model.features(TEXT_A, TEXT_B, VECTORS.get)
    found = model.cross_predict(features, LABELS, NAMES, groups, folds=12)
    for fold in range(12):
        inside = np.arange(60) // 5 == fold
        oracle = model.fit(features[~inside], LABELS[~inside], NAMES)
        np.testing.assert_allclose(found[inside], oracle(features[inside]), rtol=1e-6)


def test_labels_without_a_pattern_are_predicted_at_chance_only_if_cross_fitted():
    labels = np.random.default_rng(1).integers(2, size=60)
    accuracy = {
        folds: (
            ClaimBias(C=1000.0, folds=folds).fit_predict(TEXT_A, TEXT_B, labels, NAMES, VECTORS.get).argmax(1) == labels
        ).mean()
        for folds in (None, 5)
    }
    assert accuracy[None] > 0.85
    assert accuracy[5] < 0.65


@pytest.mark.parametrize("kind", [ClaimBias, NgramBias, OverlapBias])
def test_numbers_of_folds_that_rows_do_not_allow_are_errors(kind):
    with pytest.raises(UserError, match="folds of a bias model must be at least 2, got 1"):
        kind(folds=1)
    with pytest.raises(UserError, match="folds of a bias model must be at most 2, got 5"):
        kind(folds=5).fit_predict([*TEXT_A[:2]] * 9, TEXT_B[:18], LABELS[:18], NAMES, VECTORS.get)


def test_a_class_that_was_not_fitted_is_ruled_out():
    class Model:
        classes_ = np.array([0, 2])

        def predict_log_proba(self, features):
            return np.log([[0.25, 0.75]] * len(features))

    shares = np.exp(predictor(Model(), 3)(np.zeros((2, 1))))
    np.testing.assert_allclose(shares, [[0.25, 0, 0.75]] * 2, atol=1e-30)


@pytest.mark.parametrize("kind", [OverlapBias, ClaimBias])
def test_a_number_of_folds_makes_a_bias_model_cross_fitted(kind):
    plain, folded = (kind(folds=folds).fit_predict(TEXT_A, TEXT_B, LABELS, NAMES, VECTORS.get) for folds in (None, 5))
    features = kind().features(TEXT_A, TEXT_B, VECTORS.get)
    np.testing.assert_array_equal(folded, kind().cross_predict(features, LABELS, NAMES, TEXT_A, 5))
    right = np.arange(len(LABELS)), LABELS  # labels are random: only a model that has seen them predicts them
    assert np.exp(folded)[right].mean() < np.exp(plain)[right].mean()
    assert kind(folds=5).fingerprint() != kind().fingerprint()


def test_one_fold_is_an_error():
    with pytest.raises(UserError, match="folds of a bias model must be at least 2, got 1"):
        OverlapBias(folds=1)
