"""Tasks of tables in memory: the kind of task follows from the labels, or is given."""

import pandas
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

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
        ({"words": [["Ann"], ["in", "Bonn"]], "tags": [["who"], ["O", "where"]]}, TokenTask, ("where", "who")),
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


def test_plain_tags_are_the_labels():
    table = {"words": [["Ann"], ["in", "Bonn"]], "tags": [["NOUN"], ["ADP", "NOUN"]]}
    assert framed(table, options={"entities": False}).labels == ("ADP", "NOUN")


def test_options_and_labels_that_a_kind_lacks_are_errors():
    with pytest.raises(UserError, match="unknown option 'pooling' of Task: choose from name, labels"):
        framed(TEXTS | {"label": ["yes", "no"]}, options={"pooling": "mean"})
    for hot in ([[1.0, 0.0], [0.0, 1.0]], [[1, 0], [1, 1]]):
        with pytest.raises(UserError, match="must be lists of names, got only lists of 0 and 1"):
            framed(TEXTS | {"label": hot}, labels=["a", "b"])


def test_lists_of_class_labels_have_their_names():
    features = Features({"text_a": Value("string"), "label": List(ClassLabel(names=["x", "y"]))})
    table = Dataset.from_dict({"text_a": ["one", "two"], "label": [[0, 1], []]}, features=features)
    task = framed_task("own", {"train": table}, None, None, False, None, None)
    assert task.labels == ("x", "y")
    assert [row["labels"] for row in task.source.rows("train", None)] == [["x", "y"], []]


def test_tables_of_words_are_checked():
    table = {"words": [["Ann"], []], "tags": [["B-who"], []]}
    with pytest.raises(UserError, match="words and tags must be lists of texts of one length"):
        framed(table)
    with pytest.warns(UserWarning, match="train set: 1 rows lack words or tags and are left out"):
        task = framed_task("own", {"train": pandas.DataFrame(table)}, None, None, True, None, None)
    assert len(list(task.source.rows("train", None))) == 1
    with pytest.raises(UserError, match="unknown field 'foo' in columns"):
        framed(table, columns={"foo": "bar"})
    with pytest.raises(UserError, match="rows must have different ids, got 'a' twice"):
        framed({"words": [["Ann"]] * 2, "tags": [["B-who"]] * 2, "id": ["a", "a"]})
