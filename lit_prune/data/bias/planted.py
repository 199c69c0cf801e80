"""The bias that the generated NLI corpus was given: the exact probability of each label given word overlap."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lit_prune.data.bias.model import MIN_LOG_PROBABILITY, BiasModel
from lit_prune.data.bias.vectors import WordVectors
from lit_prune.data.bias.words import word_overlap
from lit_prune.errors import UserError


class PlantedOverlap(BiasModel):
    """The exact posterior of the labels of `GeneratedNli`, given whether overlap is full: a control without estimation.

    Classes are equally likely, and a row has full overlap with probability `bias_rate` if it is `positive`, 1 -
    `bias_rate` if not. For a tempered posterior see `lit_prune.losses.Annealed`.

    Args:
        bias_rate: The `bias_rate` of the source.
        positive: The class that full overlap predicts.
    """

    def __init__(self, bias_rate: float, positive: str = "entailment") -> None:
        if not 0 <= bias_rate <= 1:
            raise UserError(f"bias_rate of PlantedOverlap must be from 0 to 1, got {bias_rate}: set that of the source")
        self.bias_rate = bias_rate
        self.positive = positive

    def fit_predict(
        self,
        text_a: Sequence[str],
        text_b: Sequence[str],
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        word_vector: WordVectors,
        ids: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """See `BiasModel.fit_predict`; nothing is fitted.

        Raises:
            UserError: `positive` is no class.
        """
        if self.positive not in label_names:
            raise UserError(
                f"unknown positive {self.positive!r} of PlantedOverlap: choose from {', '.join(label_names)}"
            )
        is_full = np.array([word_overlap(a, b) == 1 for a, b in zip(text_a, text_b, strict=True)])
        is_positive = np.array(label_names) == self.positive
        likelihood = np.where(is_full[:, None] == is_positive, self.bias_rate, 1 - self.bias_rate)
        with np.errstate(divide="ignore"):
            log_probs = np.log(likelihood / likelihood.sum(axis=1, keepdims=True))
        posterior: npt.NDArray[np.float32] = np.maximum(log_probs, MIN_LOG_PROBABILITY).astype(np.float32)
        return posterior
