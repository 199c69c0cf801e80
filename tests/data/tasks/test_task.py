"""Tasks: their classes split by split, what may select, and their heads."""

from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from rows import LABELS, Rows, nli

from lit_prune.data.ood import OodTraining
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Classification
from lit_prune.losses import ConfidenceRegularisation, LearnedMixin


def test_ood_sets_have_the_merged_classes():
    task = nli()
    for split in ("train", "validation", "id", "id_mismatched", "ood_train"):
        assert task.labels_of(split) == tuple(LABELS)
        assert task.class_map(split) == (0, 1, 2)
    for split in ("ood", "ood_hans"):
        assert task.labels_of(split) == ("non_entailment", "entailment")
        assert task.class_map(split) == (0, 1, 0)


def test_without_a_merge_ood_sets_have_the_tasks_classes():
    assert nli(merge=None).labels_of("ood") == tuple(LABELS)
    assert nli(merge=None).class_map("ood") == (0, 1, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": ["a"]}, r"labels of task 't' must be two or more different names, got \['a'\]"),
        ({"labels": ["a", "a", "b"]}, r"must be two or more different names"),
        ({"positive": "c"}, r"unknown label 'c' in positive of task 't': choose from a, b"),
        ({"merge": {"c": "b"}}, r"unknown label 'c' in merge of task 't': choose from a, b"),
        (
            {"selection": "pearson"},
            r"unknown selection 'pearson' of task 't': choose from accuracy, worst_group_accuracy, f1_macro, ma",
        ),
        (
            {"selection": "f1", "positive": None},
            r"unknown selection 'f1' .*accuracy_b \(with a `positive` label also auroc",
        ),
        ({"selection": "f1", "labels": ["a", "b", "c"]}, r"unknown selection 'f1' .* matthews, auroc, accuracy_a"),
        ({"loss": LearnedMixin()}, r"loss of task 't' must not learn, got LearnedMixin: set it as a phase's loss"),
        (
            {"loss": ConfidenceRegularisation()},
            r"loss of task 't' must not need a teacher, got Confidence",
        ),
    ],
)
def test_classes_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Task(**{"name": "t", "labels": ["a", "b"], "source": Rows(), "positive": "a", **arguments})


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
@pytest.mark.parametrize("positive", ["b", None])
def test_every_metric_that_may_select_is_one_that_a_set_has(labels, positive):
    task = Task("t", labels, Rows(), positive=positive)
    num_rows = 10 * len(labels)
    rows = {"label": [0, 1, 2][: len(labels)] * 10} | {name: [""] * num_rows for name in ("text_b", "group")}
    of_set = task.evaluation_set("id", Dataset.from_dict(rows))
    values = of_set.metrics(torch.randn(num_rows, len(labels)))
    assert set(of_set.error_metrics) <= values.keys()
    assert set(task.metric_names) == {
        name for name in values if name not in of_set.error_metrics and not name.startswith("predicted_share")
    }
    for name in task.metric_names:
        assert Task("t", labels, Rows(), positive=positive, selection=name).selection == name


def test_a_task_has_a_classifier_as_the_encoder_wants_it():
    head = nli().make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.25, has_pooler=True, head_transform=None))
    assert isinstance(head, Classification)
    assert head.classifier.weight.shape == (3, 16)
    assert head.dropout.p == 0.25
    head = nli().make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.25, has_pooler=False, head_transform=None))
    assert head.out_proj.weight.shape == (3, 16)


def test_what_ood_rows_stand_for_must_fit_the_classes():
    with pytest.raises(UserError, match=r"ood_train.labels of task 'nli' must map .*, got 'contra' for 'non_"):
        nli(ood_train=OodTraining(labels={"non_entailment": "contra"}))


def test_classes_without_a_training_row_are_named():
    assert nli().absent_labels(Dataset.from_dict({"label": [2, 0, 2]})) == [LABELS[1]]


def test_a_task_with_other_rows_is_the_same_but_for_them():
    task, source = nli(max_length=9), Rows()
    other = task.with_source(source)
    assert (other.source, other.max_length, type(other)) == (source, 9, Task)
    assert task.source is not source
