"""The bias-only model: word overlap predicts the label (SRNets, section 2; Clark et al. 2019, MNLI)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from lit_prune.errors import UserError

FloatArray: TypeAlias = npt.NDArray[np.floating]
WordVectors: TypeAlias = Callable[[str], FloatArray | None]
"""A word -> its vector of unit L2 norm, None where it has none. Case matters."""

NUM_FEATURES = 7


def words(text: str) -> list[str]:
    """Words and punctuation marks in order, case kept: "don't." -> don ' t ."""
    return re.findall(r"\w+|[^\w\s]", text)


def word_overlap(premise: str, hypothesis: str) -> float:
    """Share of the hypothesis' tokens that occur in the premise, whatever their case; 0 without tokens."""
    known = set(_lowered(words(premise)))
    tokens = _lowered(words(hypothesis))
    return sum(token in known for token in tokens) / len(tokens) if tokens else 0.0


def _lowered(tokens: list[str]) -> list[str]:
    return [token.lower() for token in tokens]


def overlap_features(premise: str, hypothesis: str, word_vector: WordVectors) -> FloatArray:
    """How the hypothesis repeats the premise; what is undefined is 0 (Clark et al. 2019, `build_mnli_bias_only.py`).

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
    p, h = _lowered(premise_words), _lowered(hypothesis_words)
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


def embedding_vectors(tokenize: Callable[[str], list[int]], embeddings: FloatArray) -> WordVectors:
    """Word vectors from an encoder's own embeddings: the mean over a word's pieces.

    Args:
        tokenize: A word -> the ids of its pieces, without special tokens.
        embeddings: (vocabulary, dimension).

    Returns:
        Vectors of `dimension`, computed once per word; None for a word without pieces.
    """

    @cache
    def vector(word: str) -> FloatArray | None:
        pieces = tokenize(word)
        return _unit(embeddings[pieces].mean(axis=0)) if pieces else None

    return vector


def read_vec(path: str, vocabulary: Collection[str]) -> WordVectors:
    """Word vectors from a text file of fastText or word2vec: a line "<words> <dimension>", then a word a line.

    Args:
        path: The `.vec` file (SRNets: `crawl-300d-2M.vec`).
        vocabulary: The words to keep; two million would fill the memory.

    Raises:
        UserError: No such file, or a line that is not "<word> <dimension numbers>" (named by file and line).
    """
    if not Path(path).is_file():
        raise UserError(f"no word vectors {path}: correct the path, or set it to null to use the encoder's embeddings")
    wanted = {word.encode(): word for word in vocabulary}
    vectors: dict[str, FloatArray] = {}
    with open(path, "rb") as file:
        header = file.readline().split()
        if len(header) != 2 or not all(field.isdigit() for field in header):
            raise UserError(f'{path}:1: expected "<words> <dimension>"; pass a fastText text file (.vec, not .bin)')
        dimension = int(header[1])
        for number, line in enumerate(file, start=2):
            name, _, rest = line.partition(b" ")
            if name not in wanted:
                continue
            try:
                vector = np.array([float(field) for field in rest.split()], dtype=np.float32)
            except ValueError as error:
                raise UserError(f"{path}:{number}: {error}; the file is damaged, fetch it again") from None
            if len(vector) != dimension:
                raise UserError(f"{path}:{number}: {len(vector)} numbers, the header says {dimension}; fetch it again")
            unit = _unit(vector)
            if unit is not None:
                vectors[wanted[name]] = unit
    return vectors.get


def _unit(vector: FloatArray) -> FloatArray | None:
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0 else None


class OverlapBias:
    """A logistic regression on seven overlap features, one class against the rest (SRNets, section 2.1).

    It predicts the rows it was trained on, as in the paper. In the debiasing losses its log-probabilities say how much
    of a label can be had from word overlap alone.

    Args:
        vectors: A fastText `.vec` file; null takes the encoder's own word embeddings.
        positive: The class that overlap speaks for.
        C: Inverse strength of the L2 penalty.
        balanced: Weigh both sides alike when fitting, as the paper does. Where `positive` is the smaller side this
            overstates it, and a debiased model makes up for that too; false fits the rows as they are.
    """

    def __init__(
        self,
        vectors: str | None = None,
        positive: str = "entailment",
        C: float = 100.0,  # noqa: N803  scikit-learn's name
        balanced: bool = True,
    ) -> None:
        self.vectors = vectors
        self.positive = positive
        self.C = C
        self.balanced = balanced

    def fingerprint(self) -> dict[str, Any]:
        """A small value that changes whenever the predictions might: the settings, and the file of vectors."""
        status = Path(self.vectors).stat() if self.vectors and Path(self.vectors).is_file() else None
        return {**vars(self), "file": status and (status.st_size, status.st_mtime_ns)}

    def fit_predict(
        self,
        text_a: Sequence[str],
        text_b: Sequence[str],
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        word_vector: WordVectors | None,
        ids: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Train on the rows and predict them.

        Args:
            text_a: (rows) premises.
            text_b: (rows) hypotheses.
            labels: (rows) class numbers.
            label_names: (classes) names.
            word_vector: The encoder's unit word vectors; only read when `vectors` is null.
            ids: Not read.

        Returns:
            Log-probabilities (rows, classes), float32; the classes other than `positive` share theirs equally.

        Raises:
            UserError: `positive` is no class, or all rows or none have it, or the vectors cannot be read.
        """
        if self.positive not in label_names:
            raise UserError(f"positive {self.positive!r} is none of the classes {', '.join(label_names)}")
        is_positive = np.asarray(labels) == list(label_names).index(self.positive)
        if is_positive.all() or not is_positive.any():
            raise UserError(
                f"{is_positive.sum()} of {len(is_positive)} rows are {self.positive!r}; both sides are needed"
            )
        if self.vectors is not None:
            word_vector = read_vec(self.vectors, {word for text in (*text_a, *text_b) for word in words(text)})
        assert word_vector is not None, "without a file of vectors the caller hands the encoder's"
        features = np.stack([overlap_features(a, b, word_vector) for a, b in zip(text_a, text_b, strict=True)])
        weight = "balanced" if self.balanced else None
        model = LogisticRegression(solver="liblinear", class_weight=weight, C=self.C, random_state=0)
        logits = model.fit(features, is_positive).decision_function(features)
        return _spread(logits, list(label_names).index(self.positive), len(label_names))

    def report(
        self, log_probs: FloatArray, labels: npt.NDArray[np.integer], label_names: Sequence[str]
    ) -> dict[str, float]:
        """What the bias model knows of `positive` against the rest, on the rows it was fitted on.

        Args:
            log_probs: (rows, classes), from `fit_predict`.
            labels: (rows) class numbers.
            label_names: (classes) names.

        Returns:
            accuracy; confidence (mean probability of the predicted side); calibration_error (expected, 10 bins of
            confidence); positive_rate (share of rows of that class).
        """
        number = list(label_names).index(self.positive)
        probability = np.exp(log_probs[:, number].astype(float))
        is_positive = labels == number
        correct = (probability > 0.5) == is_positive
        figures = calibration(np.maximum(probability, 1 - probability), correct)
        return figures | {"positive_rate": float(is_positive.mean())}


def calibration(confidence: FloatArray, correct: npt.NDArray[np.bool_]) -> dict[str, float]:
    """How right predictions are, and how far their confidence is from that.

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


def _spread(logits: FloatArray, positive: int, num_classes: int) -> npt.NDArray[np.float32]:
    """Binary logits (rows,) -> log-probabilities (rows, classes); finite for every finite logit."""
    rest = -np.logaddexp(0, logits) - math.log(num_classes - 1)
    log_probs = np.repeat(rest[:, None], num_classes, axis=1)
    log_probs[:, positive] = -np.logaddexp(0, -logits)
    return log_probs.astype(np.float32)
