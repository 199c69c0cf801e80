"""The bias-only model of claims (SRNets, section 2, FEVER)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from lit_prune.data.bias.fitted import Features, FittedBias, Predict, check_classes, check_folds, predictor
from lit_prune.data.bias.vectors import WordVectors
from lit_prune.data.bias.words import words
from lit_prune.errors import UserError


class ClaimBias(FittedBias):
    """A multinomial logistic regression on the first text alone: the largest value of its word vectors, element-wise.

    Args:
        vectors: A fastText `.vec` file. None for the encoder's word embeddings.
        C: Inverse strength of the L2 penalty (not reported in the paper; vectors have unit norm).
        balanced: Give all classes equal weight when fitting, as the paper does. False fits the examples as they are.
        folds: Number of folds: each example is predicted by a model that was not fitted on its first text. None for one
            model, fitted on all examples, as in the paper.
    """

    def __init__(
        self,
        vectors: str | None = None,
        C: float = 10.0,  # noqa: N803  scikit-learn's name
        balanced: bool = True,
        folds: int | None = None,
    ) -> None:
        self.vectors = vectors
        self.C = C
        self.balanced = balanced
        self.folds = check_folds(folds)

    def features(self, text_a: Sequence[str], text_b: Sequence[str], word_vector: WordVectors) -> Features:
        """Compute the element-wise maximum of each first text's word vectors, (rows, dimension)."""
        claims = list(dict.fromkeys(text_a))  # once each: many claims come with several pieces of evidence
        pooled = _pooled(claims, self.word_vectors(claims, word_vector))
        row = {claim: number for number, claim in enumerate(claims)}
        return pooled[[row[claim] for claim in text_a]]

    def fit(self, features: Features, labels: npt.NDArray[np.integer], label_names: Sequence[str]) -> Predict:
        """See `FittedBias.fit`.

        Raises:
            UserError: All rows have one class, or no word has a vector.
        """
        check_classes(labels, label_names)
        if not features.shape[1]:
            raise UserError(
                "vectors must have a word of the first texts, got none: name another file, or use NgramBias, which "
                "needs no vectors"
            )
        weight = "balanced" if self.balanced else None
        model = LogisticRegression(class_weight=weight, C=self.C, max_iter=1000).fit(features, labels)
        return predictor(model, len(label_names))


def _pooled(claims: Sequence[str], word_vector: WordVectors) -> npt.NDArray[np.float32]:
    """Return the element-wise maximum over each claim's words (claims, dimension); 0 for a claim without a vector."""
    found = [[vector for word in words(claim) if (vector := word_vector(word)) is not None] for claim in claims]
    dimension = next((len(vectors[0]) for vectors in found if vectors), 0)
    return np.stack([np.max(vectors, axis=0) if vectors else np.zeros(dimension) for vectors in found]).astype(
        np.float32
    )
