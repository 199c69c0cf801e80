"""Regression: numbers as labels, read once, predicted by one output, and measured against scipy and sklearn."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from rows import Rows
from scipy import stats
from sklearn import metrics

from lit_prune.data import GeneratedNli, MultitaskDataModule, RegressionTask
from lit_prune.data.preparation import Preparation, prepare_task, read_split
from lit_prune.data.tasks.regression import NumberSet, correlation, regression
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Predicted
from lit_prune.heads import Regression
from lit_prune.losses import MeanSquaredError


@pytest.fixture
def how(tokenizer):
    return Preparation(tokenizer, None, 64, 0.1, seed=3)


def test_labels_arrive_as_numbers_in_rows_and_in_batches(tokenizer):
    source = Rows(labels=[f"{number / 4:.3f}" for number in range(40)])
    data = MultitaskDataModule([RegressionTask("score", source)], tokenizer, torch.zeros(0, 0), batch_size=4)
    data.setup("fit")
    by_id = {f"train-{number}": number / 4 for number in range(40)}
    train = data.train["score"]
    assert list(train["label"]) == [by_id[each] for each in train["id"]]
    batch = next(iter(data.train_dataloader()))
    assert batch.labels.dtype == torch.float32
    assert batch.labels.tolist() == [train["label"][row] for row in batch.index.tolist()]
    assert set(batch.inputs) == set(tokenizer.model_input_names)
    assert [each.name for each in data.evaluation_sets] == ["score/validation", "score/id"]
    assert list(data.evaluation_sets[1].rows["label"]) == [number / 4 for number in range(40)]


def test_the_task_cuts_what_its_source_lacks(how):
    task = RegressionTask("score", Rows(labels="0123456789", splits=["train"]))
    train, sets = prepare_task(task, how, torch.zeros(0, 0))
    assert [(each.split, len(each.rows)) for each in sets] == [("validation", 1), ("id", 1)]
    assert len(train) == 8


@pytest.mark.parametrize("label", ["nan", "inf", "", "high"])
def test_a_label_that_is_no_number_is_an_error(how, label):
    with pytest.raises(UserError, match=rf"label of row 'train-1' in split 'train' must be a number, got '{label}'"):
        read_split(RegressionTask("score", Rows(labels=["1", label])), "train", how)


def test_classes_are_an_error_and_so_is_a_split_without_rows(how):
    with pytest.raises(UserError, match=r"must be a number, .* read a task of classes \(lit_prune.data.Task\)"):
        read_split(RegressionTask("score", GeneratedNli(num_train=3)), "train", how)
    with pytest.raises(UserError, match="split 'train' of Rows must have rows, got none"):
        read_split(RegressionTask("score", Rows(labels=())), "train", how)


def test_its_head_has_one_output_and_its_loss_is_its_own():
    task = RegressionTask("score", Rows())
    head = task.make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.25, has_pooler=True, head_transform=None))
    assert isinstance(head, Regression)
    assert head.classifier.weight.shape == (1, 16)
    assert isinstance(task.loss, MeanSquaredError)


def test_it_is_selected_by_r2_or_a_correlation_and_by_no_error():
    assert RegressionTask("score", Rows()).selection == "r2"
    assert RegressionTask("score", Rows(), selection="spearman").selection == "spearman"
    with pytest.raises(UserError, match="unknown selection 'mean_absolute_error' of task 'score': choose from r2, "):
        RegressionTask("score", Rows(), selection="mean_absolute_error")


def numbers(labels, groups=None):
    rows = {"id": list(map(str, range(len(labels)))), "label": labels, "group": groups or [""] * len(labels)}
    return NumberSet("score", "id", Dataset.from_dict(rows))


def test_a_set_has_numbers_for_logits_and_texts_for_rows():
    each = numbers([0.0, 2.5, 5.0])
    assert each.logits_shape == (3, 1)
    logits = torch.tensor([[1.0], [2.0], [4.5]])
    values = Predicted(each, logits).metrics()
    assert values["score/id/spearman"] == pytest.approx(1, abs=1e-5)
    assert values["score/id/loss"] == pytest.approx((1 + 0.25 + 0.25) / 3)
    assert set(RegressionTask("score", Rows()).metric_names) < each.metrics(logits).keys()
    rows = Predicted(each, logits).to_rows()
    assert rows["label"][:] == ["0.0", "2.5", "5.0"]
    assert rows["prediction"][:] == ["1.0", "2.0", "4.5"]
    assert rows["logits"][:] == logits.tolist()
    assert rows["loss"][:] == [1.0, 0.25, 0.25]


def test_the_baseline_is_the_mean_label():
    each = numbers([0.0, 1.0, 5.0])
    assert each.constant_metrics() == pytest.approx({"pearson": 0, "spearman": 0, "r2": 0}, abs=1e-6)
    assert each.metrics(torch.full((3, 1), 1.9))["r2"] < 0
    assert each.undefined == ()
    assert set(numbers([2.0, 2.0]).undefined) == {"pearson", "spearman", "r2"}


def draw(seed):
    """Labels, predictions and groups; of every fourth draw one side is constant, and there are ties in the others."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 80))
    right = rng.integers(0, 6, size) / 2.0
    predicted = np.round(right + rng.normal(0, 2, size), int(rng.integers(0, 3)))
    if seed % 4 == 0:
        (right if seed % 8 else predicted)[:] = 1.5
    return right, predicted, rng.choice(["", "a", "b_c"], size).tolist()


@pytest.mark.parametrize("seed", range(200))
def test_metrics_are_those_of_scipy_and_sklearn(seed):
    right, predicted, groups = draw(seed)
    values = regression(torch.tensor(predicted), torch.tensor(right), groups)
    if np.ptp(right) and np.ptp(predicted):
        assert values["pearson"] == pytest.approx(stats.pearsonr(predicted, right).statistic, abs=1e-6)
        assert values["spearman"] == pytest.approx(stats.spearmanr(predicted, right).statistic, abs=1e-5)
    else:
        assert values["pearson"] == values["spearman"] == 0
    r2 = metrics.r2_score(right, predicted) if np.ptp(right) else 0
    assert values["r2"] == pytest.approx(r2, abs=1e-9)
    assert values["mean_absolute_error"] == pytest.approx(metrics.mean_absolute_error(right, predicted))
    assert values["loss"] == pytest.approx(metrics.mean_squared_error(right, predicted))
    in_group = {name: np.array(groups) == name for name in {*groups} - {""}}
    of_group = {name: metrics.mean_absolute_error(right[rows], predicted[rows]) for name, rows in in_group.items()}
    found = {name: value for name, value in values.items() if name.startswith("mean_absolute_error_")}
    assert found == pytest.approx({f"mean_absolute_error_{name}": value for name, value in of_group.items()})
    large = [of_group[name] for name, rows in in_group.items() if rows.sum() >= 10]
    assert values.get("worst_group_mean_absolute_error") == (pytest.approx(max(large)) if large else None)


@pytest.mark.parametrize(("predicted", "right"), [([2.0, 2, 2], [0.0, 1, 2]), ([0.0, 1, 2], [2.0, 2, 2])])
def test_a_constant_side_correlates_with_nothing(predicted, right):
    values = correlation(torch.tensor(predicted), torch.tensor(right))
    assert (values["pearson"], values["spearman"]) == (0, 0)
