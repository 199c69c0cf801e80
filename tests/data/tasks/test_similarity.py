"""Tasks of similarity: numbers as labels, read once, told by one output, and measured by correlation."""

from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from scipy import stats

from lit_prune.data import GeneratedNli, MultitaskDataModule, Similarity
from lit_prune.data.preparation import Preparation, prepare_task, read_split
from lit_prune.data.sources import Row, Source
from lit_prune.data.tasks.similarity import NumberSet, correlation
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Predicted
from lit_prune.heads import Regression
from lit_prune.losses import MeanSquaredError


class Scores(Source):
    """Pairs with these labels in every split."""

    def __init__(self, *labels, splits=("train", "id")):
        self.labels = labels
        self.splits = splits

    def available(self, root):
        return list(self.splits)

    def fingerprint(self, split, root):
        return {"labels": self.labels}

    def rows(self, split, root):
        for number, label in enumerate(self.labels):
            yield Row(id=f"{split}-{number}", text_a="the doctor slept", text_b="a nurse", label=label, group="")


@pytest.fixture
def how(tokenizer):
    return Preparation(tokenizer, None, 64, 0.1, seed=3)


def test_labels_arrive_as_numbers_in_rows_and_in_batches(tokenizer):
    labels = [f"{number / 4:.3f}" for number in range(40)]
    data = MultitaskDataModule([Similarity("sts", Scores(*labels))], tokenizer, torch.zeros(0, 0), batch_size=4)
    data.setup("fit")
    by_id = {f"train-{number}": number / 4 for number in range(40)}
    train = data.train["sts"]
    assert list(train["label"]) == [by_id[each] for each in train["id"]]
    batch = next(iter(data.train_dataloader()))
    assert batch.labels.dtype == torch.float32
    assert batch.labels.tolist() == [train["label"][row] for row in batch.index.tolist()]
    assert set(batch.inputs) == set(tokenizer.model_input_names)
    assert [each.name for each in data.evaluation_sets] == ["sts/validation", "sts/id"]
    assert list(data.evaluation_sets[1].rows["label"]) == [number / 4 for number in range(40)]


def test_the_task_cuts_what_its_source_lacks(how):
    train, sets = prepare_task(Similarity("sts", Scores(*"0123456789", splits=["train"])), how, torch.zeros(0, 0))
    assert [(each.split, len(each.rows)) for each in sets] == [("validation", 1), ("id", 1)]
    assert len(train) == 8


@pytest.mark.parametrize("label", ["nan", "inf", "", "high"])
def test_a_label_that_is_no_number_is_refused(how, label):
    with pytest.raises(UserError, match=rf"label of row 'train-1' in split 'train' must be a number, got '{label}'"):
        read_split(Similarity("sts", Scores("1", label)), "train", how)


def test_classes_are_refused_and_so_is_a_split_without_rows(how):
    with pytest.raises(UserError, match=r"must be a number, .* read a task of classes \(lit_prune.data.Task\)"):
        read_split(Similarity("sts", GeneratedNli(num_train=3)), "train", how)
    with pytest.raises(UserError, match="split 'train' of Scores must have rows, got none"):
        read_split(Similarity("sts", Scores()), "train", how)


def test_its_head_has_one_output_and_its_loss_is_its_own():
    task = Similarity("sts", Scores("1"))
    head = task.make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.25, has_pooler=True, head_transform=None))
    assert isinstance(head, Regression)
    assert head.classifier.weight.shape == (1, 16)
    assert isinstance(task.loss, MeanSquaredError)


def test_it_is_selected_by_one_of_its_correlations():
    assert Similarity("sts", Scores("1")).selection == "mean_correlation"
    assert Similarity("sts", Scores("1"), selection="spearman").selection == "spearman"
    with pytest.raises(UserError, match="unknown selection 'loss' of task 'sts': choose from mean_correlation"):
        Similarity("sts", Scores("1"), selection="loss")


def test_a_set_has_numbers_for_logits_and_texts_for_rows():
    each = NumberSet("sts", "id", Dataset.from_dict({"id": ["a", "b", "c"], "label": [0.0, 2.5, 5.0]}))
    assert each.logits_shape == (3, 1)
    logits = torch.tensor([[1.0], [2.0], [4.5]])
    values = Predicted(each, logits).metrics()
    assert values["sts/id/spearman"] == pytest.approx(1, abs=1e-5)
    assert values["sts/id/loss"] == pytest.approx((1 + 0.25 + 0.25) / 3)
    assert set(Similarity("sts", Scores("1")).metric_names) < each.metrics(logits).keys()
    rows = Predicted(each, logits).to_rows()
    assert rows["label"][:] == ["0.0", "2.5", "5.0"]
    assert rows["prediction"][:] == ["1.0", "2.0", "4.5"]
    assert rows["logits"][:] == logits.tolist()
    assert rows["loss"][:] == [1.0, 0.25, 0.25]


def test_correlations_against_scipy_with_ties():
    generator = torch.Generator().manual_seed(0)
    right = torch.randint(6, (300,), generator=generator).double()
    predicted = (right + torch.randn(300, generator=generator)).round(decimals=1)
    values = correlation(predicted.float(), right)
    assert values["pearson"] == pytest.approx(stats.pearsonr(predicted, right).statistic, abs=1e-6)
    assert values["spearman"] == pytest.approx(stats.spearmanr(predicted, right).statistic, abs=1e-5)
    assert values["mean_correlation"] == pytest.approx((values["pearson"] + values["spearman"]) / 2)
    assert values["loss"] == pytest.approx(((predicted - right) ** 2).mean().item(), rel=1e-5)


@pytest.mark.parametrize(("predicted", "right"), [([2.0, 2, 2], [0.0, 1, 2]), ([0.0, 1, 2], [2.0, 2, 2])])
def test_what_is_always_the_same_number_correlates_with_nothing(predicted, right):
    values = correlation(torch.tensor(predicted), torch.tensor(right))
    assert (values["pearson"], values["spearman"], values["mean_correlation"]) == (0, 0, 0)
