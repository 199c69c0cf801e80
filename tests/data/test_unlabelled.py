"""Unlabelled rows of a training set."""

import numpy as np
import pytest
import torch

from lit_prune.data import (
    BalancedGroups,
    EmbeddingTask,
    GeneratedEntities,
    GeneratedNli,
    GeneratedReading,
    GeneratedSimilarity,
    GeneratedTopics,
    MultiLabelTask,
    MultitaskDataModule,
    OverlapBias,
    RegressionTask,
    SpanTask,
    Task,
    TokenTask,
    Windows,
    WithUnlabelled,
)
from lit_prune.data.batch import NO_LABEL, UNKNOWN
from lit_prune.data.sources import TextSplit
from lit_prune.data.unlabelled import IS_UNLABELLED, labelled_numbers
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import CosineSquaredError

LABELS = ["contradiction", "entailment", "neutral"]
SIZES = {"num_train": 48, "num_eval": 12}
PAIRS = {"text_a": "first", "text_b": "second"}
TOPICS = ["sport", "politics", "science", "music", "food", "travel"]


@pytest.fixture
def module_of(tmp_path, tiny_backbone):
    """A function: a task, columns of the file of texts -> its data module, set up."""
    (tmp_path / "texts.tsv").write_text("first\tsecond\na b\tc d\ne\tf\n")

    def make(task, columns, **settings):
        encoder = PrunableEncoder(str(tiny_backbone))
        source = WithUnlabelled(task.source, TextSplit(paths=["texts.tsv"], columns=columns))
        options = {"root": str(tmp_path), "validation_fraction": 0.25, "max_length": 32}
        data = MultitaskDataModule(
            [task.with_source(source)], encoder.tokenizer, encoder.word_embeddings, **options, **settings
        )
        data.setup("fit")
        return data

    return make


def tasks():
    windows = Windows(max_length=48, stride=8, max_question_length=16)
    similarity = GeneratedSimilarity(**SIZES)
    return {
        "classes": (Task("own", LABELS, GeneratedNli(**SIZES)), PAIRS, [-1]),
        "labels": (MultiLabelTask("own", TOPICS, GeneratedTopics(**SIZES)), {"text_a": "first"}, [-1.0] * 6),
        "numbers": (RegressionTask("own", similarity), PAIRS, [float("nan")]),
        "embeddings": (
            EmbeddingTask("own", similarity, max_score=5, loss=CosineSquaredError()),
            PAIRS,
            [float("nan")],
        ),
        "spans": (SpanTask("own", GeneratedReading(**SIZES), windows), PAIRS, [0, 0]),
        "tokens": (
            TokenTask("own", ["person", "place", "organisation"], GeneratedEntities(**SIZES)),
            {"text_a": "first"},
            [NO_LABEL, UNKNOWN, UNKNOWN, NO_LABEL],
        ),
    }


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers", "embeddings", "spans", "tokens"])
def test_they_come_last_and_have_no_label(kind, module_of):
    task, columns, label = tasks()[kind]
    data = module_of(task, columns)
    train = data.train["own"]
    labelled = labelled_numbers(train)
    np.testing.assert_array_equal(labelled, np.arange(len(train) - 2))
    assert train["text_a"][-2:] == ["a b", "e"] if "text_a" in train.column_names else True
    assert train[IS_UNLABELLED][-2:] == [True, True]
    batch = data.batch_of("own", [0, len(train) - 2])
    found = batch.labels[1].reshape(-1)[: len(label)]
    torch.testing.assert_close(found, torch.tensor(label, dtype=found.dtype), equal_nan=True)
    assert all(IS_UNLABELLED not in each.rows.column_names for each in data.evaluation_sets)


def test_a_bias_model_is_not_fitted_on_them(module_of):
    task = Task("own", LABELS, GeneratedNli(**SIZES), bias=OverlapBias())
    data = module_of(task, PAIRS)
    alone = Task("own", LABELS, GeneratedNli(**SIZES), bias=OverlapBias())
    settings = {"validation_fraction": 0.25, "max_length": 32}
    encoder = data.preparation.tokenizer, data.word_embeddings
    other = MultitaskDataModule([alone], *encoder, **settings)
    other.setup("fit")
    assert data.train["own"]["bias"][:-2] == other.train["own"]["bias"][:]
    np.testing.assert_allclose(data.train["own"]["bias"][-2:], np.full((2, 3), -np.log(3)), rtol=1e-6)
    assert data.bias_report == other.bias_report


def test_single_texts_beside_pairs_and_groups_by_label_are_errors(module_of):
    task, *_ = tasks()["classes"]
    with pytest.raises(UserError, match="unlabelled rows of task 'own' must have a second text"):
        module_of(task, {"text_a": "first"})
    for settings in ({"groups": "overlap"}, {"groups": "overlap", "sampling": BalancedGroups()}):
        with pytest.raises(UserError, match=r"data.groups and data.sampling must be unset for task 'own'"):
            module_of(task, PAIRS, **settings)
