"""`FittedBias`: a bias model that can predict other rows than those it was fitted on."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold

from lit_prune.data.bias.model import MIN_LOG_PROBABILITY, BiasModel
from lit_prune.data.bias.vectors import WordVectors
from lit_prune.errors import UserError

Features: TypeAlias = npt.NDArray[Any]
Predict: TypeAlias = Callable[[Features], npt.NDArray[np.float32]]
"""Features (rows, ...) -> log-probabilities (rows, classes), float32, finite."""


class FittedBias(BiasModel):
    """A bias model that is fitted on features of the texts, and predicts the rows that it was fitted on or others.

    Attributes:
        folds: Number of folds of `fit_predict`. If None, one fit on all rows predicts them.
    """

    folds: int | None = None

    @abstractmethod
    def features(self, text_a: Sequence[str], text_b: Sequence[str], word_vector: WordVectors) -> Features:
        """Compute the features of rows, without their labels.

        Args:
            text_a: (rows) first texts.
            text_b: (rows) second texts.
            word_vector: The encoder's unit word vectors.

        Returns:
            (rows, ...)

        Raises:
            UserError: The vectors cannot be read.
        """

    @abstractmethod
    def fit(self, features: Features, labels: npt.NDArray[np.integer], label_names: Sequence[str]) -> Predict:
        """Train on rows.

        Args:
            features: (rows, ...), from `features`.
            labels: (rows) class numbers.
            label_names: (classes) names.

        Returns:
            The function that predicts rows from their features.

        Raises:
            UserError: The rows or the settings do not allow it.
        """

    def fit_predict(
        self,
        text_a: Sequence[str],
        text_b: Sequence[str],
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        word_vector: WordVectors,
        ids: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """See `BiasModel.fit_predict`; errors are those of `features`, `fit` and `cross_predict`."""
        features = self.features(text_a, text_b, word_vector)
        if self.folds is not None:
            return self.cross_predict(features, labels, label_names, text_a, self.folds)
        return self.fit(features, labels, label_names)(features)

    def cross_predict(
        self,
        features: Features,
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        groups: Sequence[str],
        folds: int,
    ) -> npt.NDArray[np.float32]:
        """Predict each row by a fit on the other folds.

        Args:
            features: (rows, ...), from `features`.
            labels: (rows) class numbers.
            label_names: (classes) names.
            groups: (rows) Rows with the same value are in the same fold.
            folds: Number of folds. Their draw is always the same.

        Returns:
            Log-probabilities (rows, classes), float32, finite.

        Raises:
            UserError: There are fewer groups than folds, or the rows or the settings do not allow a fit.
        """
        if (num_groups := len(set(groups))) < folds:
            raise UserError(
                f"folds of a bias model must be at most {num_groups}, got {folds}: the task has no more different texts"
            )
        log_probs = np.empty((len(labels), len(label_names)), dtype=np.float32)
        for fitted, predicted in GroupKFold(folds, shuffle=True, random_state=0).split(features, groups=groups):
            log_probs[predicted] = self.fit(features[fitted], labels[fitted], label_names)(features[predicted])
        return log_probs


def check_folds(folds: int | None) -> int | None:
    """Return the number of folds; a UserError if it is below 2."""
    if folds is not None and folds < 2:
        raise UserError(f"folds of a bias model must be at least 2, got {folds}: null fits it on all rows")
    return folds


def check_classes(labels: npt.NDArray[np.integer], label_names: Sequence[str]) -> None:
    """Raise a UserError if the rows to fit are all of one class."""
    if len(present := np.unique(labels)) < 2:
        raise UserError(
            f"training rows of a bias model must have two classes or more, got {label_names[present[0]]!r} for all "
            f"{len(labels)}: add rows"
        )


def predictor(model: Any, num_classes: int) -> Predict:
    """Return the predictions of a fitted classifier of scikit-learn; a class that it has not seen is ruled out."""

    def predict(features: Features) -> npt.NDArray[np.float32]:
        log_probs = np.full((len(features), num_classes), MIN_LOG_PROBABILITY)
        log_probs[:, model.classes_] = np.maximum(model.predict_log_proba(features), MIN_LOG_PROBABILITY)
        return log_probs.astype(np.float32)

    return predict
