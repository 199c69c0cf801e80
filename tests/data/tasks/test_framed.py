"""Tasks of tables in memory: the kind of task follows from the labels, or is given."""

import pandas
import pytest

from lit_prune.data import EmbeddingTask, MultiLabelTask, RegressionTask, Similarity, Task, TokenTask
from lit_prune.data.tasks.framed import framed_task
from lit_prune.errors import UserError

TEXTS = {"text_a": ["one", "two"], "text_b": ["first", "second"]}


def framed(table, kind=None, options=None, columns=None, labels=None):
    return framed_task("own", {"train": pandas.DataFrame(table)}, labels, columns, False, kind, options)


@pytest.mark.parametrize(
    ("table", "kind", "labels"),
    [
        (TEXTS | {"label": ["yes", "no"]}, Task, ("no", "yes")),
        (TEXTS | {"label": [0.5, 1.0]}, RegressionTask, ()),
        (TEXTS | {"label": [["a", "b"], []]}, MultiLabelTask, ("a", "b")),
        ({"words": [["Ann"], ["in", "Bonn"]], "tags": [["B-who"], ["O", "B-where"]]}, TokenTask, ("where", "who")),
    ],
)
def test_the_kind_follows_from_the_labels(table, kind, labels):
    task = framed(table)
    assert type(task) is kind
    assert task.labels == labels


def test_a_kind_is_given_with_its_options():
    assert type(framed(TEXTS | {"label": [0.5, 1.0]}, Similarity)) is Similarity
    task = framed(TEXTS | {"label": [2.5, 5.0]}, EmbeddingTask, {"max_score": 5, "pooling": "first"})
    assert (task.max_score, task.pooling) == (5, "first")
    assert [row["label"] for row in task.source.rows("train", None)] == ["2.5", "5.0"]


def test_pairs_to_embed_need_no_labels():
    table = {"question": TEXTS["text_a"], "answer": TEXTS["text_b"]}
    task = framed(table, EmbeddingTask, columns={"text_a": "question", "text_b": "answer"})
    rows = list(task.source.rows("train", None))
    assert [(row["text_a"], row["text_b"], row["label"]) for row in rows] == [
        ("one", "first", ""),
        ("two", "second", ""),
    ]
    with pytest.raises(UserError, match="unknown column 'label' in `columns`"):
        framed(TEXTS)
    with pytest.raises(UserError, match=r"train set, row 1: column 'text_a' must hold a text, got none"):
        framed({"text_a": ["one", None], "text_b": TEXTS["text_b"]}, EmbeddingTask)
