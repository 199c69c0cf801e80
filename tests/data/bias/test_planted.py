"""The posterior of the generated corpus: by hand, and against the frequencies of its rows."""

import numpy as np
import pytest

from lit_prune.data import GeneratedNli, PlantedOverlap
from lit_prune.data.bias.model import MIN_LOG_PROBABILITY
from lit_prune.data.bias.words import word_overlap
from lit_prune.errors import UserError

NAMES = ["contradiction", "entailment", "neutral"]


def posterior(bias_rate, text_a=("a b", "a b"), text_b=("b", "c"), names=NAMES, **options):
    model = PlantedOverlap(bias_rate, **options)
    return np.exp(model.fit_predict(text_a, text_b, np.zeros(len(text_a)), names, lambda word: None))


def test_posterior_by_hand():
    np.testing.assert_allclose(posterior(0.9), [[1 / 11, 9 / 11, 1 / 11], [9 / 19, 1 / 19, 9 / 19]], rtol=1e-5)
    np.testing.assert_allclose(posterior(0.5), np.full((2, 3), 1 / 3), rtol=1e-6)
    np.testing.assert_allclose(posterior(0.8, names=["duplicate", "other"], positive="duplicate")[0], [0.8, 0.2])


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("bias_rate", [0.7, 0.95])
def test_it_is_the_frequency_of_the_labels_in_the_corpus(version, bias_rate):
    rows = list(GeneratedNli(bias_rate=bias_rate, num_train=4000, version=version).rows("train", None))
    labels = np.array([NAMES.index(row["label"]) for row in rows])
    texts = [[row[name] for row in rows] for name in ("text_a", "text_b")]
    found = posterior(bias_rate, *texts)
    is_full = np.array([word_overlap(*pair) == 1 for pair in zip(*texts, strict=True)])
    for chosen in (is_full, ~is_full):
        assert len(np.unique(found[chosen], axis=0)) == 1
        frequencies = np.bincount(labels[chosen], minlength=3) / chosen.sum()
        np.testing.assert_allclose(found[chosen][0], frequencies, atol=4 * np.sqrt(0.25 / chosen.sum()))


def test_a_sure_posterior_is_finite():
    log_probs = PlantedOverlap(1.0).fit_predict(["a"], ["a"], np.zeros(1), NAMES, lambda word: None)
    np.testing.assert_allclose(log_probs, [[MIN_LOG_PROBABILITY, 0, MIN_LOG_PROBABILITY]], rtol=1e-6)
    assert log_probs.dtype == np.float32


def test_a_rate_that_is_no_probability_and_an_unknown_class_are_errors():
    with pytest.raises(UserError, match=r"bias_rate of PlantedOverlap must be from 0 to 1, got 1.5"):
        PlantedOverlap(1.5)
    with pytest.raises(UserError, match="unknown positive 'duplicate' of PlantedOverlap: choose from contradiction"):
        posterior(0.9, positive="duplicate")
