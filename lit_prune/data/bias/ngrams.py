"""The bias-only model of the words of one text."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lit_prune.data.bias.fitted import Features, FittedBias, Predict, check_classes, check_folds, predictor
from lit_prune.data.bias.vectors import WordVectors
from lit_prune.data.bias.words import words
from lit_prune.errors import UserError


class NgramBias(FittedBias):
    """A multinomial logistic regression on the words and pairs of adjacent words of one text, weighted by TF-IDF.

    It needs no word vectors: its predictions are the same for every encoder.

    Args:
        text: The text that it reads: text_a (FEVER's claim) or text_b (NLI's hypothesis).
        C: Inverse strength of the L2 penalty.
        folds: Number of folds: each example is predicted by a model that was not fitted on its first text. None for one
            model, fitted on all examples.
    """

    def __init__(
        self,
        text: Literal["text_a", "text_b"] = "text_a",
        C: float = 10.0,  # noqa: N803  scikit-learn's name
        folds: int | None = None,
    ) -> None:
        self.text = text
        self.C = C
        self.folds = check_folds(folds)

    def features(self, text_a: Sequence[str], text_b: Sequence[str], word_vector: WordVectors) -> Features:
        """Return the text that is read, (rows,)."""
        return np.array(text_a if self.text == "text_a" else text_b, dtype=object)

    def fit(self, features: Features, labels: npt.NDArray[np.integer], label_names: Sequence[str]) -> Predict:
        """See `FittedBias.fit`.

        Raises:
            UserError: All rows have one class, or no text has a word.
        """
        check_classes(labels, label_names)
        if not any(map(words, features)):
            raise UserError(f"{self.text} of rows must have words for NgramBias, got none: set text to the other one")
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), tokenizer=words, token_pattern=None),
            LogisticRegression(C=self.C, max_iter=1000),
        )
        return predictor(model.fit(features, labels), len(label_names))
