"""A bias model whose predictions have lost their rows: the control for what debiasing losses do besides debiasing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lit_prune.data.bias.model import BiasModel
from lit_prune.data.bias.vectors import FloatArray, WordVectors


class ShuffledBias(BiasModel):
    """The predictions of another bias model, shuffled among the examples of each label, as a control.

    Losses and weights keep their distribution, but predictions no longer belong to their examples. A loss that gains as
    much with shuffled predictions gains nothing by debiasing.

    Args:
        bias: The bias model.
        seed: Seed of the shuffling.
    """

    def __init__(self, bias: BiasModel, seed: int = 0) -> None:
        self.bias = bias
        self.seed = seed

    def fingerprint(self) -> dict[str, Any]:
        """Return a small value that changes whenever the predictions might."""
        return {"shuffled": self.bias.fingerprint(), "seed": self.seed}

    def fit_predict(
        self,
        text_a: Sequence[str],
        text_b: Sequence[str],
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        word_vector: WordVectors,
        ids: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """See `BiasModel.fit_predict`: the bias model's result, rows of equal label exchanged."""
        log_probs = self.bias.fit_predict(text_a, text_b, labels, label_names, word_vector, ids)
        generator = np.random.default_rng(self.seed)
        shuffled = np.empty_like(log_probs)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            shuffled[rows] = log_probs[generator.permutation(rows)]
        return shuffled

    def report(
        self, log_probs: FloatArray, labels: npt.NDArray[np.integer], label_names: Sequence[str]
    ) -> dict[str, float]:
        """Compute the bias model's figures: within a class, shuffling changes none of them."""
        return self.bias.report(log_probs, labels, label_names)
