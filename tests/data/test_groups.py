import numpy as np
import pytest
from datasets import Dataset
from rows import nli

from lit_prune.data import Similarity
from lit_prune.data.groups import GROUP, bias_predicts, group_sizes, with_groups
from lit_prune.data.sources import GeneratedSimilarity
from lit_prune.errors import UserError

ROWS = Dataset.from_dict(
    {
        "label": [0, 0, 1, 1, 1, 2],
        "overlap": [1.0, 0.5, 1.0, 1.0, 0.9, 0.0],
        "group": ["b", "a", "b", "b", "b", "b"],
        "bias": np.log(
            [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [0.4, 0.4, 0.2], [0.4, 0.2, 0.4]]
        ),
    }
)
TASKS = {"a": nli(), "b": nli()}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("overlap", [1, 0, 3, 3, 2, 4]),
        ("group", [1, 0, 2, 2, 2, 3]),
        ("bias", [1, 0, 3, 2, 3, 4]),  # of equal probabilities each is a prediction
    ],
)
def test_a_group_is_of_one_label_and_one_value(by, expected):
    train = with_groups({"a": ROWS}, TASKS, by)
    assert train["a"][GROUP][:] == expected
    assert group_sizes(train).tolist() == np.bincount(expected).tolist()


def test_the_groups_of_several_tasks_are_different_ones():
    few = ROWS.select([0, 1, 2])
    train = with_groups({"a": few, "b": ROWS}, TASKS, "overlap")
    assert train["a"][GROUP][:] == [1, 0, 2]
    assert train["b"][GROUP][:] == [4, 3, 6, 6, 5, 7]
    assert group_sizes(train).tolist() == [1, 1, 1, 1, 1, 1, 2, 1]
    assert group_sizes({"a": ROWS}).tolist() == []


def test_the_bias_model_predicts_every_label_of_rows_that_it_never_saw():
    uniform = Dataset.from_dict({"label": [0, 2, 3], "bias": np.full((3, 3), np.log(1 / 3)).tolist()})  # 3: merged
    assert bias_predicts(uniform).all()


def test_groups_that_rows_do_not_have_are_an_error():
    with pytest.raises(UserError, match=r"data.groups must be known for .* task 'a', got 'bias': set the `bias`"):
        with_groups({"a": ROWS.remove_columns("bias")}, TASKS, "bias")
    similarity = Similarity("a", GeneratedSimilarity())
    with pytest.raises(UserError, match=r"data.groups must be known for .* task 'a', got 'overlap'"):
        with_groups({"a": ROWS}, {"a": similarity}, "overlap")
