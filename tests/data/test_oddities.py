"""Warnings before training."""

import warnings

import pytest
from datasets import Dataset

from lit_prune.data.oddities import warn_of_oddities


def rows(*texts):
    return Dataset.from_dict(
        {
            "text_a": [text[0] for text in texts],
            "text_b": [text[1:] for text in texts],
        }
    )


def test_what_is_as_it_should_be_is_not_spoken_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_oddities("t", [], rows("ab", "ac"), {"id": rows("ba", "ad", "bc")})


def test_evaluation_rows_whose_both_texts_are_trained_on_are_counted():
    sets = {"id": rows("ab", "xb", "ac", "ab"), "ood": rows("xy"), "ood_more": rows("ac")}
    with pytest.warns(UserWarning, match="^task 't': 3 of 4 rows of id, 1 of 1 rows of ood_more have the texts of a "):
        warn_of_oddities("t", [], rows("ab", "ac"), sets)


def test_a_row_with_other_mentions_than_those_trained_on_is_not_counted():
    train = rows("ab", "ab").add_column("mentions", [[[0, 1], [4, 5]], [[2, 3], [4, 5]]])
    other = rows("ab", "ab").add_column("mentions", [[[2, 3], [4, 5]], [[0, 1], [2, 3]]])
    with pytest.warns(UserWarning, match="^task 't': 1 of 2 rows of id have the texts of a training row"):
        warn_of_oddities("t", [], train, {"id": other})


def test_classes_without_a_training_row_are_named():
    with pytest.warns(UserWarning, match="^task 't': no training row is b, d; if your data lack a class, remove it"):
        warn_of_oddities("t", ["b", "d"], rows("ab", "ac"), {})
