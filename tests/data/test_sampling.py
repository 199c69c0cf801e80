"""Rows drawn with unequal weights: their frequencies over many passes of the sampler."""

import math
from collections import Counter

import numpy as np
import pytest
from datasets import Dataset

from lit_prune.data.groups import GROUP
from lit_prune.data.sampler import TaskBatchSampler
from lit_prune.data.sampling import BalancedGroups, JustTrainTwice, row_shares
from lit_prune.errors import UserError

LABELS = [0, 1, 0, 1, 0, 1, 0, 1, 1, 0]
ROWS = Dataset.from_dict(
    {
        GROUP: [7, 7, 7, 7, 7, 7, 8, 8, 8, 9],
        "label": LABELS,
        "bias": np.log([[0.8, 0.2] if label == 0 or row == 3 else [0.1, 0.9] for row, label in enumerate(LABELS)]),
    }
)


def drawn(sampling, num_passes=600):
    """How often each row comes, for each row of a pass."""
    shares = {"nli": row_shares(sampling, "nli", ROWS)}
    sampler = TaskBatchSampler({"nli": 10}, {"nli": 4}, seed=3, row_shares=shares, num_batches=3 * num_passes)
    counts = Counter(row for batch in sampler for _, row in batch)
    assert counts.total() == 10 * num_passes
    return np.array([counts[row] for row in range(10)]) / counts.total()


def test_balanced_groups_are_drawn_equally_often_and_their_rows_too():
    expected = np.repeat([1 / 18, 1 / 9, 1 / 3], [6, 3, 1])
    np.testing.assert_allclose(drawn(BalancedGroups()), expected, atol=4 * math.sqrt(0.25 / 6000))


def test_a_misclassified_row_is_drawn_more_often_by_the_factor():
    expected = np.where(np.arange(10) == 3, 5, 1) / 14
    np.testing.assert_allclose(drawn(JustTrainTwice(5.0)), expected, atol=4 * math.sqrt(0.25 / 6000))


def test_a_factor_of_one_draws_all_rows_equally_often():
    assert row_shares(JustTrainTwice(1.0), "nli", ROWS).tolist() == pytest.approx([0.1] * 10)
    for factor in (0.5, math.inf, math.nan):
        with pytest.raises(UserError, match="factor of JustTrainTwice must be finite and at least 1"):
            JustTrainTwice(factor)


@pytest.mark.parametrize(
    ("sampling", "column", "remedy"),
    [(BalancedGroups(), GROUP, "set data.groups"), (JustTrainTwice(4.0), "bias", "set the `bias` of the task")],
)
def test_rows_without_what_weights_depend_on_are_an_error(sampling, column, remedy):
    name = type(sampling).__name__
    with pytest.raises(
        UserError, match=f"data.sampling must fit task 'nli', got {name}, which needs {column}: {remedy}"
    ):
        row_shares(sampling, "nli", ROWS.remove_columns(column))
