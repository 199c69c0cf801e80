"""The selection metric on the set that selects."""

import pytest
from datasets import Dataset
from rows import nli

from lit_prune.data.selection_metric import check_selection, selecting_set
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.similarity import Similarity, SimilaritySet
from lit_prune.errors import UserError

LABELS = ("contradiction", "entailment", "neutral")


def of(values, split="id", kind=EvaluationSet, **options):
    size = len(values)
    columns = {"id": [str(n) for n in range(size)], "text_a": ["a"] * size, "text_b": ["b"] * size}
    rows = Dataset.from_dict({**columns, "group": [""] * size, "overlap": [0.5] * size, "label": values})
    return kind(task="nli", split=split, rows=rows, **options)


def classes(labels, split="id"):
    return of(labels, split, labels=LABELS, class_map=(0, 1, 2), positive=1)


@pytest.mark.parametrize("selection", ["accuracy", "f1_macro", "matthews", "auroc", "accuracy_neutral"])
def test_a_metric_that_tells_models_apart_passes(selection):
    check_selection(nli(selection=selection), [classes([0, 1, 2, 1])])


@pytest.mark.parametrize(
    ("selection", "labels"),
    [("auroc", [1, 1, 1]), ("auroc", [0, 2, 0]), ("matthews", [1, 1, 1]), ("accuracy_neutral", [0, 1, 0])],
)
def test_one_that_the_labels_leave_undefined_is_named_with_the_set(selection, labels):
    message = rf"selection of task 'nli' must be .* defined on nli/id \(3 rows\), got '{selection}': "
    with pytest.raises(UserError, match=message):
        check_selection(nli(selection=selection), [classes(labels)])


def test_accuracy_of_one_class_is_defined():
    check_selection(nli(), [classes([1, 1])])


def test_f1_needs_a_positive_row():
    from lit_prune.data import Task

    task = Task("nli", ["no", "yes"], nli().source, positive="yes", selection="f1")
    sets = [of(labels, labels=("no", "yes"), class_map=(0, 1), positive=1) for labels in ([0, 0], [0, 1])]
    with pytest.raises(UserError, match="got 'f1'"):
        check_selection(task, sets[:1])
    check_selection(task, sets[1:])


def test_the_validation_cut_is_what_selects_where_there_is_one():
    sets = [classes([1, 1], "validation"), classes([0, 1]), classes([0, 0], "ood")]
    assert selecting_set(sets).split == "validation"
    assert selecting_set(sets[1:]).split == "id"
    with pytest.raises(UserError, match="nli/validation"):
        check_selection(nli(selection="auroc"), sets)


def test_a_correlation_needs_scores_that_differ():
    task = Similarity("nli", nli().source)
    check_selection(task, [of([0.5, 1.0, 2.0], kind=SimilaritySet)])
    with pytest.raises(UserError, match=r"nli/id \(3 rows\)"):
        check_selection(task, [of([2.0, 2.0, 2.0], kind=SimilaritySet)])
