"""Predictions of a bias model's classifier for the rows that it is fitted on, or cross-fitted ones."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict

from lit_prune.data.bias.vectors import FloatArray
from lit_prune.errors import UserError


def check_folds(folds: int | None) -> int | None:
    """Return the number of folds; a UserError if it is below 2."""
    if folds is not None and folds < 2:
        raise UserError(f"folds of a bias model must be at least 2, got {folds}: null fits it on all rows")
    return folds


def fit_predict(
    model: LogisticRegression,
    features: FloatArray,
    targets: npt.NDArray[Any],
    method: str,
    folds: int | None,
    texts: npt.NDArray[np.integer] | None = None,
) -> FloatArray:
    """Fit a classifier, and predict the rows.

    Args:
        model: The classifier.
        features: (rows, features).
        targets: Classes (rows,).
        method: The method of the classifier that predicts.
        folds: Number of folds; a classifier fitted on the other folds predicts a row. If None, one fitted on all rows.
        texts: Number of each row's text (rows,): rows of one text are in one fold. If None, all differ.

    Returns:
        What the method returns; columns are the classes that occur, sorted.

    Raises:
        UserError: There are more folds than rows of a class, or than texts.
    """
    if folds is None:
        in_sample: FloatArray = getattr(model.fit(features, targets), method)(features)
        return in_sample
    _, sizes = np.unique(targets, return_counts=True)
    most = sizes.min() if texts is None else min(sizes.min(), len(np.unique(texts)))
    if most < folds:
        raise UserError(
            f"folds of a bias model must be at most {most}, got {folds}: a class, or the task, has no more examples"
        )
    splitter = StratifiedKFold(folds) if texts is None else GroupKFold(folds)
    predicted: FloatArray = cross_val_predict(model, features, targets, cv=splitter, method=method, groups=texts)
    return predicted
