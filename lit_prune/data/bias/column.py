"""The predictions of a bias model as a column of the training set, cached by content."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from datasets.fingerprint import Hasher
from torch import Tensor
from transformers import PreTrainedTokenizerBase

import lit_prune
from lit_prune.data.bias.model import BiasModel
from lit_prune.data.bias.vectors import embedding_vectors

IS_OOD = "is_ood"  # true in OOD rows, null in the others; a column of training sets that have both


def with_bias(
    train: Dataset, model: BiasModel, labels: Sequence[str], tokenizer: PreTrainedTokenizerBase, word_embeddings: Tensor
) -> Dataset:
    """Add the column `bias` to the training set: the bias model's log-probabilities of the classes.

    Args:
        train: Rows with text_a, text_b and label.
        model: The bias model, fitted on them.
        labels: Class names.
        tokenizer: The encoder's.
        word_embeddings: The encoder's table (vocabulary, width), the default word vectors.
    """
    table = word_embeddings.float().cpu().numpy()
    key = [
        model.fingerprint(),
        tuple(labels),
        train._fingerprint,
        hashlib.sha256(table.tobytes()).hexdigest(),
        lit_prune.__version__,
    ]
    return train.map(
        _predict,
        batched=True,
        batch_size=None,  # the bias model sees all rows at once
        input_columns=["id", "text_a", "text_b", "label"],
        fn_kwargs={"model": model, "labels": labels, "tokenizer": tokenizer, "word_embeddings": table},
        new_fingerprint=Hasher.hash(key),
    )


def _predict(
    ids: list[str],
    text_a: list[str],
    text_b: list[str],
    label: list[int],
    model: BiasModel,
    labels: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    word_embeddings: np.ndarray,
) -> dict[str, Any]:
    vectors = embedding_vectors(lambda word: tokenizer.encode(word, add_special_tokens=False), word_embeddings)
    return {"bias": model.fit_predict(text_a, text_b, np.array(label), labels, vectors, ids)}


def without_bias(rows: Dataset, num_classes: int) -> Dataset:
    """Add the column `bias` to OOD rows: all classes are equally likely, as the bias model never sees them."""
    uniform = np.full((len(rows), num_classes), -np.log(num_classes), dtype=np.float32)
    return rows.add_column("bias", list(uniform)).add_column(IS_OOD, [True] * len(rows))


def biased_rows(train: Dataset) -> Dataset:
    """Return the rows of a training set that its bias model was fitted on: all but those of `without_bias`."""
    if IS_OOD not in train.column_names:
        return train
    return train.select(np.flatnonzero([not each for each in train[IS_OOD][:]]))
