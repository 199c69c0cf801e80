"""`BiasModel`: a model of a data set's bias, for losses that need its predictions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lit_prune.data.bias.vectors import FloatArray, WordVectors, read_vec
from lit_prune.data.bias.words import words

MIN_LOG_PROBABILITY = np.log(np.finfo(np.float32).tiny)  # of a class that is ruled out


class BiasModel(ABC):
    """A model that predicts labels from a bias only; debiasing losses correct for it (SRNets, section 2).

    It predicts the rows it was trained on, as in the paper, unless it is cross-fitted (`folds`). Your own is a subclass
    with `fit_predict`.
    """

    vectors: str | None = None

    @abstractmethod
    def fit_predict(
        self,
        text_a: Sequence[str],
        text_b: Sequence[str],
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        word_vector: WordVectors,
        ids: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Train on the rows and predict them.

        Args:
            text_a: (rows) first texts.
            text_b: (rows) second texts.
            labels: (rows) class numbers.
            label_names: (classes) names.
            word_vector: The encoder's unit word vectors.
            ids: (rows) their ids, for predictions that are looked up.

        Returns:
            Log-probabilities (rows, classes), float32, finite.

        Raises:
            UserError: The rows or the settings do not allow it.
        """

    def fingerprint(self) -> dict[str, Any]:
        """Return a small value that changes whenever the predictions might: class, settings, file of vectors."""
        status = Path(self.vectors).stat() if self.vectors and Path(self.vectors).is_file() else None
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return {"class": name, **vars(self), "file": status and (status.st_size, status.st_mtime_ns)}

    def report(
        self, log_probs: FloatArray, labels: npt.NDArray[np.integer], label_names: Sequence[str]
    ) -> dict[str, float]:
        """Compute figures of the bias model on the rows it was fitted on.

        Args:
            log_probs: (rows, classes), from `fit_predict`.
            labels: (rows) class numbers.
            label_names: (classes) names.

        Returns:
            accuracy; confidence (mean probability of the predicted class); calibration_error (expected, 10 bins of
            confidence).
        """
        return calibration(np.exp(log_probs.max(axis=1).astype(float)), log_probs.argmax(axis=1) == labels)

    def word_vectors(self, texts: Sequence[str], of_encoder: WordVectors) -> WordVectors:
        """Return the vectors of the texts' words: those of the file `vectors`, or the encoder's if it is None."""
        if self.vectors is None:
            return of_encoder
        return read_vec(self.vectors, {word for text in texts for word in words(text)})


def calibration(confidence: FloatArray, correct: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Compute the accuracy of predictions and the error of their confidence.

    Args:
        confidence: (rows) probability of what is predicted.
        correct: (rows) whether it is so.
    """
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=10)
    return {
        "accuracy": float(correct.mean()),
        "confidence": float(confidence.mean()),
        "calibration_error": float(np.abs(gaps).sum() / len(correct)),
    }
