"""Real rows in which a bias is amplified: a bias model predicts the label of a given share of the training rows."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lit_prune.data.bias.fitted import Features, FittedBias
from lit_prune.data.bias.words import words
from lit_prune.data.sources.matching import count_kinds, draw_at_rate, draw_matched, largest_size
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError

CONFLICTING = "ood_conflicting"


class BiasAmplified(Source):
    """Rows of another source, drawn so that a bias model predicts the label at a chosen rate.

    A row is aligned if the bias model predicts its label, otherwise conflicting. Training rows are predicted by fits on
    other training rows (in its `folds`, else 5), test rows by a fit on all training rows. Word vectors of the encoder
    are not used, so that the rows are the same for every encoder.

    - `train`: `num_train` rows of the source's `train`. Their number, and their numbers of each class in each bin of
      lengths, are the same at every rate.
    - `id`, `ood_conflicting`: aligned and conflicting rows of the source's `id`, equally many of each class in each bin
      of lengths. Rows whose first text is in the source's `train` are left out.
    - All other splits are the source's.

    The group of these rows is `aligned` or `conflicting`.

    Args:
        source: The rows of a task of classes, with the splits `train` and `id`.
        bias: The bias model that is amplified. Debiasing with the same model is circular: give the task another one.
        rate: Share of aligned training rows, from 0 to 1. None to draw them whether aligned or not: the control without
            amplification.
        num_train: Training rows.
        length_bins: Number of bins of lengths (words of both texts), at quantiles of the source's `train`.
        seed: Seed of the draw; not the seed of the training.

    Raises:
        UserError: A setting is out of range.
    """

    def __init__(
        self,
        source: Source,
        bias: FittedBias,
        rate: float | None = 0.9,
        num_train: int = 2000,
        length_bins: int = 4,
        seed: int = 0,
    ) -> None:
        if rate is not None and not 0 <= rate <= 1:
            raise UserError(f"rate of BiasAmplified must be from 0 to 1, got {rate}: it is a share of the rows")
        for name, number in (("num_train", num_train), ("length_bins", length_bins)):
            if number < 1:
                raise UserError(f"{name} of BiasAmplified must be at least 1, got {number}: set a larger number")
        self.source = source
        self.version = source.version
        self.bias = bias
        self.rate = rate
        self.num_train = num_train
        self.length_bins = length_bins
        self.seed = seed

    def available(self, root: str | None) -> list[str]:
        """See `Source.available`.

        Raises:
            UserError: The source has no `id`, or already has a split of conflicting rows.
        """
        splits = self.source.available(root)
        if "id" not in splits or CONFLICTING in splits:
            raise UserError(
                f"source of BiasAmplified must have the split id and no {CONFLICTING}, got {', '.join(splits)}: "
                "name other splits"
            )
        return [*splits, CONFLICTING]

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the fingerprints of the source and the bias model, and the settings."""
        if split not in ("train", "id", CONFLICTING):
            return self.source.fingerprint(split, root)
        used = {each: self.source.fingerprint(each, root) for each in ("train", "id")}
        settings = {**vars(self), "source": used, "bias": self.bias.fingerprint()}
        return {"amplified": split, **settings}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`.

        Raises:
            UserError: There are too few rows for `rate` and `num_train`, or the bias model cannot be fitted.
        """
        if split == "train":
            return self._train(root)
        if split in ("id", CONFLICTING):
            return self._test(root, aligned=split == "id")
        return self.source.rows(split, root)

    def _train(self, root: str | None) -> Iterator[Row]:
        rows = list(self.source.rows("train", root))
        names, labels = _classes(rows)
        first, folds = [row["text_a"] for row in rows], self.bias.folds or 5
        predicted = self.bias.cross_predict(self._features(rows), labels, names, first, folds)
        is_aligned = predicted.argmax(axis=1) == labels
        stratum = self._strata(rows, labels, len(rows))
        self._check_size(stratum, is_aligned)
        for number in draw_at_rate(stratum, is_aligned, self.num_train, self.rate, self.seed):
            yield _with_group(rows[number], is_aligned[number])

    def _test(self, root: str | None, aligned: bool) -> Iterator[Row]:
        train = list(self.source.rows("train", root))
        seen = {row["text_a"] for row in train}
        test = [row for row in self.source.rows("id", root) if row["text_a"] not in seen]
        if not test:
            return
        rows, num_train = [*train, *test], len(train)
        names, labels = _classes(rows)
        features = self._features(rows)
        predict = self.bias.fit(features[:num_train], labels[:num_train], names)
        is_aligned = predict(features[num_train:]).argmax(axis=1) == labels[num_train:]
        drawn = draw_matched(self._strata(rows, labels, num_train)[num_train:], is_aligned, self.seed)
        for number in drawn[is_aligned[drawn] == aligned]:
            yield _with_group(test[number], aligned)

    def _features(self, rows: Sequence[Row]) -> Features:
        return self.bias.features([row["text_a"] for row in rows], [row["text_b"] for row in rows], _no_vectors)

    def _strata(self, rows: Sequence[Row], labels: npt.NDArray[np.integer], num_train: int) -> npt.NDArray[np.integer]:
        """Number the pairs of class and bin of lengths, (rows,); bins are quantiles of the first, the training rows."""
        lengths = [len(words(row["text_a"])) + len(words(row["text_b"])) for row in rows]
        inner = np.linspace(0, 1, self.length_bins + 1)[1:-1]
        bins = np.searchsorted(np.quantile(lengths[:num_train], inner), lengths, side="right")
        return labels * self.length_bins + bins

    def _check_size(self, stratum: npt.NDArray[np.integer], is_aligned: npt.NDArray[np.bool_]) -> None:
        largest, at_rate = len(stratum), ""
        if self.rate is not None:
            largest = largest_size(count_kinds(stratum, is_aligned), self.rate, limit=self.num_train)
            at_rate = f" at rate {self.rate} with {self.length_bins} length_bins"
        if self.num_train > largest:
            raise UserError(
                f"num_train of BiasAmplified must be at most {largest}{at_rate}, got {self.num_train}: "
                f"of {len(stratum)} rows {is_aligned.sum()} are aligned and {(~is_aligned).sum()} conflicting; set a "
                "smaller number, or another rate"
            )


def _classes(rows: Sequence[Row]) -> tuple[list[str], npt.NDArray[np.integer]]:
    """Return the names of the classes, sorted, and the number of each row's class, (rows,)."""
    names, labels = np.unique([row["label"] for row in rows], return_inverse=True)
    return names.tolist(), labels


def _with_group(row: Row, is_aligned: bool) -> Row:
    return {**row, "group": "aligned" if is_aligned else "conflicting"}


def _no_vectors(word: str) -> None:
    """Return no vector: those of the encoder would make the rows depend on it."""
