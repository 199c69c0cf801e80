"""Word vectors: from an encoder's own embedding table, or from a fastText file."""

from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lit_prune.errors import UserError

FloatArray: TypeAlias = npt.NDArray[np.floating]
WordVectors: TypeAlias = Callable[[str], FloatArray | None]
"""A word -> its vector of unit L2 norm, None where it has none. Case matters."""


def embedding_vectors(tokenize: Callable[[str], list[int]], embeddings: FloatArray) -> WordVectors:
    """Return word vectors from an encoder's own embeddings: the mean over a word's pieces.

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
    """Read word vectors from a text file of fastText or word2vec: a line "<words> <dimension>", then a word a line.

    Args:
        path: The `.vec` file (SRNets: `crawl-300d-2M.vec`).
        vocabulary: The words to keep; two million would fill the memory.

    Raises:
        UserError: No such file, or a line that is not "<word> <dimension numbers>" (named by file and line).
    """
    if not Path(path).is_file():
        raise UserError(f"vectors must be a file, got {path}: correct it, or set null for the encoder's embeddings")
    wanted = {word.encode(): word for word in vocabulary}
    vectors: dict[str, FloatArray] = {}
    with open(path, "rb") as file:
        header = file.readline().split()
        if len(header) != 2 or not all(field.isdigit() for field in header):
            raise UserError(
                f'{path}:1 must be "<words> <dimension>", got {b" ".join(header)[:40]!r}: pass a fastText text file '
                "(.vec, not .bin)"
            )
        dimension = int(header[1])
        for number, line in enumerate(file, start=2):
            name, _, rest = line.partition(b" ")
            if name not in wanted:
                continue
            try:
                vector = np.array([float(field) for field in rest.split()], dtype=np.float32)
            except ValueError as error:
                raise UserError(
                    f"{path}:{number}: vectors must be numbers, got others ({error}): fetch it again"
                ) from None
            if len(vector) != dimension:
                raise UserError(
                    f"{path}:{number}: vectors must have {dimension} numbers, got {len(vector)}: fetch it again"
                )
            unit = _unit(vector)
            if unit is not None:
                vectors[wanted[name]] = unit
    return vectors.get


def _unit(vector: FloatArray) -> FloatArray | None:
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0 else None
