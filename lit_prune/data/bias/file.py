"""Predictions of a bias model that somebody else made, from a file."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lit_prune.data.bias.model import MIN_LOG_PROBABILITY, BiasModel
from lit_prune.data.bias.vectors import FloatArray, WordVectors
from lit_prune.data.sources.readers import READERS, IncompleteError, shown
from lit_prune.errors import UserError

TOLERANCE = 0.02  # of a row's sum of probabilities, which may be rounded


class BiasFile(BiasModel):
    """Bias predictions in a file, by id, for every training example.

    A column per class, named `<class>` or, as `lit_prune predict` writes it, `probability_<class>`, has probabilities
    or log-probabilities, which their sign distinguishes. Or one column `logits` has lists in the order of the task's
    labels, as in a run's `predictions.parquet`.

    Args:
        path: A csv, tsv, jsonl or parquet file with a column `id`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        if Path(path).suffix not in READERS:
            raise UserError(f"path of BiasFile must end in one of {', '.join(READERS)}, got {path}: convert the file")

    def fingerprint(self) -> dict[str, Any]:
        """Return a small value that changes whenever the predictions might: the file's name, size and change time."""
        path = Path(self.path).expanduser()
        status = path.stat() if path.is_file() else None
        return {"path": str(path.resolve()), "file": status and (status.st_size, status.st_mtime_ns)}

    def fit_predict(
        self,
        text_a: Sequence[str],
        text_b: Sequence[str],
        labels: npt.NDArray[np.integer],
        label_names: Sequence[str],
        word_vector: WordVectors,
        ids: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return the file's predictions of the rows.

        Args:
            text_a: (rows) first texts: rows of one id are to have the same.
            text_b: Not read.
            labels: Not read.
            label_names: (classes) names.
            word_vector: Not read.
            ids: (rows) the rows' ids.

        Returns:
            Log-probabilities (rows, classes), float32, finite.

        Raises:
            UserError: there is no such file, it lacks a column or rows, has two predictions for a row, or numbers that
                are no probabilities; or an id stands for rows of different texts.
        """
        assert ids is not None, "the caller hands the ids"
        _check_unambiguous(ids, text_a)
        found = self._read(set(ids), label_names)
        missing = [each for each in ids if each not in found]
        if missing:
            raise UserError(
                f"{self.path} must have predictions for all {len(ids)} training rows, got none for {len(missing)}, "
                f"first for id {missing[0]!r}: add them, or correct its column `id`"
            )
        values = np.array([found[each] for each in ids])
        return self._log_probs(values, ids).astype(np.float32)

    def _read(self, wanted: set[str], names: Sequence[str]) -> dict[str, list[float]]:
        """Read the numbers of each wanted row, in the order of the classes; logits become log-probabilities."""
        path = Path(self.path).expanduser()
        if not path.is_file():
            raise UserError(f"path of BiasFile must be a file, got {path}: correct it")
        found: dict[str, list[float]] = {}
        for number, record in READERS[path.suffix](path):
            if isinstance(record, IncompleteError):
                raise record
            where = f"{path}:{number}"
            row_id = str(_column(record, "id", where))
            if row_id in wanted:
                values = _values(record, names, where)
                if found.setdefault(row_id, values) != values:
                    raise UserError(f"{where}: an id must have one prediction, got a second of {row_id!r}: keep one")
        return found

    def _log_probs(self, values: FloatArray, ids: Sequence[str]) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = values if (values <= 0).all() else np.log(values)  # of a negative one NaN
        sums = np.exp(logs).sum(axis=1, keepdims=True)
        wrong = np.flatnonzero(~(np.abs(sums - 1) <= TOLERANCE))
        if len(wrong):
            raise UserError(
                f"{self.path}: predictions must be probabilities of the classes that sum to 1, or their logarithms, "
                f"got {values[wrong[0]].tolist()} for id {ids[wrong[0]]!r}: name unnormalised ones `logits`"
            )
        log_probs: FloatArray = np.maximum(logs - np.log(sums), MIN_LOG_PROBABILITY)
        return log_probs


def _check_unambiguous(ids: Sequence[str], texts: Sequence[str]) -> None:
    of_id: dict[str, str] = {}
    for each, text in zip(ids, texts, strict=True):
        if of_id.setdefault(each, text) != text:
            raise UserError(
                f"ids of training rows must be unique for a BiasFile, got {each!r} for different texts: give each row "
                "its own id (columns: {id: ...} of the source)"
            )


def _column(record: Mapping[str, Any], name: str, where: str) -> Any:
    if name not in record:
        raise UserError(f"{where}: unknown column {name!r}: choose from {', '.join(record)}")
    return record[name]


def _values(record: Mapping[str, Any], names: Sequence[str], where: str) -> list[float]:
    if names[0] not in record and f"probability_{names[0]}" not in record and "logits" in record:
        return _of_logits(record["logits"], names, where)
    prefix = "probability_" if f"probability_{names[0]}" in record else ""
    values = [_column(record, prefix + name, where) for name in names]
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{where}: columns {', '.join(names)} must be numbers, got others: correct the row") from None


def _of_logits(logits: Any, names: Sequence[str], where: str) -> list[float]:
    if not isinstance(logits, list) or len(logits) != len(names) or not all(map(_is_finite, logits)):
        raise UserError(
            f"{where}: logits must be a list of {len(names)} numbers, got {shown(logits)}: {', '.join(names)}"
        )
    largest = max(logits)
    log_sum = largest + math.log(sum(math.exp(each - largest) for each in logits))
    return [min(0.0, each - log_sum) for each in logits]


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max
