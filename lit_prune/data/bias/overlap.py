"""The bias-only model of word overlap (SRNets, section 2; Clark et al. 2019, MNLI)."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from lit_prune.data.bias.fitted import Features, FittedBias, Predict, check_folds
from lit_prune.data.bias.model import calibration
from lit_prune.data.bias.vectors import FloatArray, WordVectors
from lit_prune.data.bias.words import lowered, word_overlap, words
from lit_prune.errors import UserError

NUM_FEATURES = 7


def overlap_features(premise: str, hypothesis: str, word_vector: WordVectors) -> FloatArray:
    """Compute features of how the hypothesis repeats the premise; 0 if undefined (Clark et al. 2019).

    Tokens are compared in lower case, vectors looked up in the original case.

    Args:
        premise: First text.
        hypothesis: Second text; without a word only `log-len-diff` can differ from 0.
        word_vector: Unit vectors by word.

    Returns:
        (7,) float64:
        0. 1 if the hypothesis is a contiguous part of the premise.
        1. 1 if every hypothesis token occurs in the premise.
        2. `word_overlap`.
        3. ln(max(premise length - hypothesis length, 1)), lengths in tokens.
        4. Sum over hypothesis words with a vector of their largest cosine to a premise word, over all its tokens.
        5. The smallest of those cosines.
        6. The second smallest.
    """
    premise_words, hypothesis_words = words(premise), words(hypothesis)
    p, h = lowered(premise_words), lowered(hypothesis_words)
    features = np.zeros(NUM_FEATURES)
    features[3] = math.log(max(len(p) - len(h), 1))
    if not h:
        return features
    features[2] = word_overlap(premise, hypothesis)
    features[1] = features[2] == 1
    features[0] = features[1] and any(p[i : i + len(h)] == h for i in range(len(p) - len(h) + 1))
    premise_vectors, hypothesis_vectors = _vectors(premise_words, word_vector), _vectors(hypothesis_words, word_vector)
    if premise_vectors and hypothesis_vectors:
        cosines = np.sort((np.stack(hypothesis_vectors) @ np.stack(premise_vectors).T).max(axis=1))
        features[4] = cosines.sum() / len(h)
        features[5 : 5 + len(cosines[:2])] = cosines[:2]
    return features


def _vectors(tokens: list[str], word_vector: WordVectors) -> list[FloatArray]:
    return [vector for vector in map(word_vector, tokens) if vector is not None]


class OverlapBias(FittedBias):
    """A logistic regression on seven overlap features, one class against the rest (SRNets, section 2).

    For paraphrases the first text stands for the premise and `positive` is `duplicate`.

    Args:
        vectors: A fastText `.vec` file. None for the encoder's word embeddings.
        positive: The class that overlap predicts.
        C: Inverse strength of the L2 penalty.
        balanced: Give both sides equal weight when fitting, as the paper does. If `positive` is the smaller side, this
            overstates it, and a debiased model compensates for that. False fits the examples as they are.
        folds: Number of folds: each example is predicted by a model that was not fitted on its first text. None for one
            model, fitted on all examples, as in the paper.
    """

    def __init__(
        self,
        vectors: str | None = None,
        positive: str = "entailment",
        C: float = 100.0,  # noqa: N803  scikit-learn's name
        balanced: bool = True,
        folds: int | None = None,
    ) -> None:
        self.vectors = vectors
        self.positive = positive
        self.C = C
        self.balanced = balanced
        self.folds = check_folds(folds)

    def features(self, text_a: Sequence[str], text_b: Sequence[str], word_vector: WordVectors) -> Features:
        """Compute `overlap_features` of the rows, (rows, 7)."""
        word_vector = self.word_vectors([*text_a, *text_b], word_vector)
        return np.stack([overlap_features(a, b, word_vector) for a, b in zip(text_a, text_b, strict=True)])

    def fit(self, features: Features, labels: npt.NDArray[np.integer], label_names: Sequence[str]) -> Predict:
        """See `FittedBias.fit`; the classes other than `positive` share their probability equally.

        Raises:
            UserError: `positive` is no class, or all rows or none have it.
        """
        if self.positive not in label_names:
            raise UserError(
                f"unknown positive {self.positive!r} of the bias model: choose from {', '.join(label_names)}"
            )
        positive = list(label_names).index(self.positive)
        is_positive = np.asarray(labels) == positive
        if is_positive.all() or not is_positive.any():
            raise UserError(
                f"positive must be the class of some training rows, not of all, got {self.positive!r} for "
                f"{is_positive.sum()} of {len(is_positive)}: name another class, or add rows"
            )
        weight = "balanced" if self.balanced else None
        model = LogisticRegression(solver="liblinear", class_weight=weight, C=self.C, random_state=0)
        model.fit(features, is_positive)
        return lambda features: _spread(model.decision_function(features), positive, len(label_names))

    def report(
        self, log_probs: FloatArray, labels: npt.NDArray[np.integer], label_names: Sequence[str]
    ) -> dict[str, float]:
        """Compute the figures of `BiasModel.report` for `positive` against the rest, and its share, positive_rate."""
        number = list(label_names).index(self.positive)
        probability = np.exp(log_probs[:, number].astype(float))
        is_positive = labels == number
        values = calibration(np.maximum(probability, 1 - probability), (probability > 0.5) == is_positive)
        return {**values, "positive_rate": float(is_positive.mean())}


def _spread(logits: FloatArray, positive: int, num_classes: int) -> npt.NDArray[np.float32]:
    """Turn binary logits (rows,) into log-probabilities (rows, classes); finite for every finite logit."""
    rest = -np.logaddexp(0, logits) - math.log(num_classes - 1)
    log_probs = np.repeat(rest[:, None], num_classes, axis=1)
    log_probs[:, positive] = -np.logaddexp(0, -logits)
    return log_probs.astype(np.float32)
