"""Models that should not solve a task of two texts: n-grams of either text or both, and lengths."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

_C = (0.001, 0.01, 0.1, 1.0, 10.0)
_FOLDS = 5


class Pairs(NamedTuple):
    """Pairs of texts with a binary label.

    Args:
        texts: The texts, (pairs, 2).
        is_positive: The labels, (pairs,) bool.
    """

    texts: NDArray[np.object_]
    is_positive: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, bool]]) -> "Pairs":
        """Return the pairs of rows (first text, second text, is positive)."""
        texts = np.array([row[:2] for row in rows], dtype=object)
        return cls(texts, np.array([row[2] for row in rows]))


def _lengths(texts: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the numbers of words and characters of both texts, and their differences (pairs, 6)."""
    counts = np.array([[[len(text.split()), len(text)] for text in pair] for pair in texts], dtype=float)
    return np.concatenate([counts[:, 0], counts[:, 1], counts[:, 0] - counts[:, 1]], axis=1)


def _ngrams() -> CountVectorizer:
    return CountVectorizer(ngram_range=(1, 2), binary=True)


FEATURES: dict[str, Callable[[], Pipeline]] = {
    "n-grams of the first text": lambda: make_column_transformer((_ngrams(), 0)),
    "n-grams of the second text": lambda: make_column_transformer((_ngrams(), 1)),
    "n-grams of both texts": lambda: make_column_transformer((_ngrams(), 0), (_ngrams(), 1)),
    "lengths": lambda: make_pipeline(FunctionTransformer(_lengths), StandardScaler()),
}
"""Name of a model -> its features of pairs."""


def shallow_aurocs(train: Pairs, tests: Mapping[str, Pairs]) -> dict[str, dict[str, float]]:
    """Train logistic regressions, with C tuned by cross-validation.

    Args:
        train: The training pairs.
        tests: Evaluation sets by name.

    Returns:
        Model -> set -> area under the ROC curve.
    """
    found: dict[str, dict[str, float]] = {}
    for name, features in FEATURES.items():
        logistic = LogisticRegression(max_iter=2000)
        classifier = GridSearchCV(logistic, {"C": _C}, scoring="roc_auc", cv=_FOLDS)
        model = make_pipeline(features(), classifier).fit(train.texts, train.is_positive)
        found[name] = {
            split: float(roc_auc_score(test.is_positive, model.decision_function(test.texts)))
            for split, test in tests.items()
        }
    return found
