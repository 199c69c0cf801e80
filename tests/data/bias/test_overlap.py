"""The bias model of word overlap: its features by hand and by a slow oracle, its probabilities, the bias it finds."""

import math
import re
import warnings

import numpy as np
import pytest

from lit_prune.data.bias import OverlapBias
from lit_prune.data.bias.overlap import overlap_features
from lit_prune.data.bias.words import word_overlap
from lit_prune.errors import UserError

NAMES = ["contradiction", "entailment", "neutral"]
VECTORS = {
    "man": np.array([1.0, 0.0]),
    "boy": np.array([0.6, 0.8]),
    "dog": np.array([0.0, 1.0]),
    "Man": np.array([-1.0, 0.0]),
}


def features(premise, hypothesis):
    return overlap_features(premise, hypothesis, VECTORS.get).tolist()


@pytest.mark.parametrize(
    ("premise", "hypothesis", "expected"),
    [
        # a contiguous part, without any vector
        ("the cat sat down", "cat sat", [1, 1, 1, math.log(2), 0, 0, 0]),
        # every word, but not in one piece; lengths are equal
        ("a b c", "c a b", [0, 1, 1, 0, 0, 0, 0]),
        # a repeated word counts each time; it is no contiguous part
        ("a b c d", "a a x", [0, 0, 2 / 3, 0, 0, 0, 0]),
        # case is ignored for overlap and kept for vectors: cosines Man-man -1
        ("the man runs", "Man", [1, 1, 1, math.log(2), -1, -1, 0]),
        # largest cosines: boy-man .6, dog-man 0; "a" has no vector but counts in the mean
        ("man", "a boy dog", [0, 0, 0, 0, 0.6 / 3, 0, 0.6]),
        # no hypothesis, no premise
        ("man dog boy", "", [0, 0, 0, math.log(3), 0, 0, 0]),
        ("", "man", [0, 0, 0, 0, 0, 0, 0]),
        ("", "", [0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_features_by_hand(premise, hypothesis, expected):
    assert features(premise, hypothesis) == pytest.approx(expected)


def slow_features(premise, hypothesis, vectors):
    """The seven definitions of the specification, one loop each, without NumPy."""
    p_words, h_words = (re.findall(r"\w+|[^\w\s]", text) for text in (premise, hypothesis))
    p, h = [w.lower() for w in p_words], [w.lower() for w in h_words]
    best = sorted(
        max(sum(x * y for x, y in zip(vectors[a], vectors[b], strict=True)) for b in p_words if b in vectors)
        for a in h_words
        if a in vectors and any(b in vectors for b in p_words)
    )
    joined = " ".join(["", *p, ""])
    return [
        float(f" {' '.join(h)} " in joined),
        float(not set(h) - set(p)),
        len([w for w in h if w in p]) / len(h),
        math.log(max(len(p) - len(h), 1)),
        sum(best) / len(h),
        best[0] if best else 0,
        best[1] if len(best) > 1 else 0,
    ]


def test_features_equal_a_slow_oracle():
    rng = np.random.default_rng(0)
    vocabulary = ["man", "Man", "boy", "dog", "of", "the", ".", "x"]
    for _ in range(300):
        premise, hypothesis = (" ".join(rng.choice(vocabulary, rng.integers(1, most))) for most in (9, 5))
        assert features(premise, hypothesis) == pytest.approx(slow_features(premise, hypothesis, VECTORS))
        assert word_overlap(premise, hypothesis) == pytest.approx(features(premise, hypothesis)[2])


def planted(rate, num_rows=600, share_positive=0.5, seed=0):
    """Pairs in which full overlap means entailment at the given rate; labels in the order of NAMES."""
    rng = np.random.default_rng(seed)
    entailed = rng.random(num_rows) < share_positive
    labels = np.where(entailed, 1, rng.choice([0, 2], num_rows))
    overlapping = entailed == (rng.random(num_rows) < rate)
    premises = [" ".join(f"w{i}" for i in rng.choice(50, 8, replace=False)) for _ in labels]
    hypotheses = [
        " ".join(premise.split()[:4]) if full else "v1 v2 v3 v4"
        for premise, full in zip(premises, overlapping, strict=True)
    ]
    return premises, hypotheses, labels


def no_vectors(word):
    return None


@pytest.mark.parametrize("rate", [0.9, 0.7])
def test_a_planted_bias_is_found_at_its_rate(rate):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_probs = OverlapBias().fit_predict(*planted(rate, 3000), NAMES, no_vectors)
    report = OverlapBias().report(log_probs, planted(rate, 3000)[2], NAMES)
    assert report["accuracy"] == pytest.approx(rate, abs=0.02)
    assert report["confidence"] == pytest.approx(rate, abs=0.02)
    assert report["calibration_error"] < 0.03
    assert log_probs.dtype == np.float32


def test_the_report_by_hand():
    probability = np.array([0.95, 0.65, 0.65, 0.15])  # of entailment; the third is wrong
    log_probs = np.log(np.stack([(1 - probability) / 2, probability, (1 - probability) / 2], axis=1))
    report = OverlapBias().report(log_probs, np.array([1, 1, 0, 2]), NAMES)
    assert report == pytest.approx(
        {
            "accuracy": 0.75,
            "confidence": (0.95 + 0.65 + 0.65 + 0.85) / 4,
            "calibration_error": (0.05 + abs(0.65 + 0.65 - 1) + 0.15) / 4,
            "positive_rate": 0.5,
        }
    )


def test_log_probabilities_sum_to_one_and_the_rest_shares_equally():
    log_probs = OverlapBias().fit_predict(*planted(1.0), NAMES, no_vectors)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(log_probs[:, 0], log_probs[:, 2])
    assert np.isfinite(log_probs).all()


def test_two_classes_share_nothing():
    premises, hypotheses, labels = planted(0.9)
    labels, names = (labels == 1).astype(int), ["not_duplicate", "duplicate"]
    bias = OverlapBias(positive="duplicate")
    log_probs = bias.fit_predict(premises, hypotheses, labels, names, no_vectors)
    report = bias.report(log_probs, labels, names)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-6)
    assert (log_probs.argmax(axis=1) == labels).mean() == pytest.approx(report["accuracy"])


def test_balanced_weights_ignore_how_rare_the_positive_class_is():
    """At 10% positives and a rate of .8, unweighted odds would call every row negative (.8 x .1 < .2 x .9)."""
    rows = planted(0.8, 3000, share_positive=0.1)
    log_probs = OverlapBias().fit_predict(*rows, NAMES, no_vectors)
    report = OverlapBias().report(log_probs, rows[2], NAMES)
    assert report["positive_rate"] == pytest.approx(0.1, abs=0.02)
    predicted_positive = log_probs[:, 1] > math.log(0.5)
    assert predicted_positive.mean() == pytest.approx(0.8 * 0.1 + 0.2 * 0.9, abs=0.03)
    assert report["accuracy"] == pytest.approx(0.8, abs=0.03)


def test_without_balance_the_probabilities_are_calibrated():
    rows = planted(0.8, 3000, share_positive=0.1)
    report = OverlapBias(balanced=False).report(
        OverlapBias(balanced=False).fit_predict(*rows, NAMES, no_vectors), rows[2], NAMES
    )
    assert report["calibration_error"] < 0.01
    assert report["accuracy"] == pytest.approx(0.9, abs=0.02)


def test_the_same_rows_give_the_same_bits():
    first = OverlapBias().fit_predict(*planted(0.8), NAMES, no_vectors)
    second = OverlapBias().fit_predict(*planted(0.8), NAMES, no_vectors)
    np.testing.assert_array_equal(first, second)


def test_a_vec_file_replaces_the_encoders_vectors(tmp_path):
    path = tmp_path / "w.vec"
    path.write_text("54 1\n" + "".join(f"w{i} 1\n" for i in range(50)) + "".join(f"v{i} -1\n" for i in range(1, 5)))

    def must_not_be_asked(word):
        raise AssertionError(word)

    log_probs = OverlapBias(vectors=str(path)).fit_predict(*planted(0.9), NAMES, must_not_be_asked)
    assert not np.array_equal(log_probs, OverlapBias().fit_predict(*planted(0.9), NAMES, no_vectors))


def test_impossible_requests_are_refused():
    with pytest.raises(UserError, match="unknown positive 'duplicate' of the bias model: choose from contradiction"):
        OverlapBias(positive="duplicate").fit_predict(["a"], ["a"], np.array([0]), NAMES, no_vectors)
    with pytest.raises(UserError, match="not of all, got 'entailment' for 0 of 2"):
        OverlapBias().fit_predict(["a", "b"], ["a", "b"], np.array([0, 2]), NAMES, no_vectors)
