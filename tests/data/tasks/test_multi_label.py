"""Tasks of several labels: label sets from rows to batches, their thresholds, metrics and predictions."""

from itertools import product
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from rows import Rows

from lit_prune.data import BalancedGroups, GeneratedTopics, MultiLabelTask, MultitaskDataModule
from lit_prune.data.preparation import Preparation, read_split
from lit_prune.data.sources import LabelsRow
from lit_prune.data.tasks.multi_label import LabelSet
from lit_prune.errors import UserError
from lit_prune.heads import Classification
from lit_prune.losses import BinaryCrossEntropy, Examples

LABELS = ["sport", "food", "art"]
SETS = [["sport"], [], ["art", "sport"], ["food"]]


class Labelled(Rows):
    """Rows with these label sets in every split."""

    def rows(self, split, root):
        for number, labels in enumerate(self.labels):
            row = LabelsRow(id=f"{split}-{number}", text_a=f"a {number}", text_b="", label="", group="", labels=labels)
            yield row


def task(sets=SETS, **settings):
    return MultiLabelTask("t", LABELS, Labelled(labels=sets), **settings)


def label_set(labels, groups=None, **settings):
    rows = {"id": list(map(str, range(len(labels)))), "label": labels, "group": groups or [""] * len(labels)}
    return LabelSet("t", "id", Dataset.from_dict(rows), tuple(LABELS), (0, 1, 2), **settings)


def test_label_sets_arrive_as_ones_in_rows_and_in_batches(tokenizer):
    data = MultitaskDataModule([task(SETS * 10)], tokenizer, torch.zeros(0, 0), batch_size=8)
    data.setup("fit")
    hot = {f"train-{number}": [float(name in SETS[number % 4]) for name in LABELS] for number in range(40)}
    train = data.train["t"]
    assert train["label"][:] == [hot[each] for each in train["id"]]
    batch = next(iter(data.train_dataloader()))
    assert batch.labels.dtype == torch.float32
    assert batch.labels.tolist() == [train["label"][row] for row in batch.index.tolist()]


def test_groups_of_training_rows_are_of_label_sets(tokenizer):
    source = GeneratedTopics(num_train=200, num_eval=20)
    topics = MultiLabelTask("t", ["sport", "politics", "science", "music", "food", "travel"], source)
    data = MultitaskDataModule(
        [topics], tokenizer, torch.zeros(0, 0), groups="group", sampling=BalancedGroups(), max_length=32
    )
    data.setup("fit")
    train = data.train["t"]
    sets = [(tuple(labels), group) for labels, group in zip(train["label"], train["group"], strict=True)]
    numbers = dict(zip(sets, train["group_number"], strict=True))
    assert [numbers[each] for each in sets] == list(train["group_number"])
    assert len({*numbers.values()}) == len(numbers) == len(data.group_sizes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            Labelled(labels=[["sport"], ["music"]]),
            r"unknown label 'music' of row 'train-1' in split 'train': choose fr",
        ),
        (Rows(labels=["sport"]), r"labels of row 'train-0' in split 'train' must be a list of names, got 'sport'"),
    ],
)
def test_a_row_of_another_kind_is_an_error(tokenizer, rows, message):
    how = Preparation(tokenizer, None, 64, 0.1, seed=3)
    with pytest.raises(UserError, match=message):
        read_split(MultiLabelTask("t", LABELS, rows), "train", how)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": []}, r"labels of task 't' must be one or more different names, got \[\]"),
        ({"labels": ["a", "a"]}, r"labels of task 't' must be one or more different names"),
        ({"labels": ["a;b"]}, r"labels of task 't' must have no ';', .* got 'a;b'"),
        ({"labels": ["micro_a"]}, r"not be macro, micro or micro_..., which name metrics, got 'micro_a'"),
        ({"thresholds": [0.5]}, r"thresholds of task 't' must be 3 probabilities, one for each label, got \[0.5\]"),
        ({"thresholds": [0.5, 0.5, 2.0]}, r"thresholds of task 't' must be 3 probabilities"),
        ({"selection": "accuracy"}, r"unknown selection 'accuracy' of task 't': choose from f1_micro, .*f1_art$"),
    ],
)
def test_settings_that_do_not_fit_are_errors(settings, message):
    with pytest.raises(UserError, match=message):
        MultiLabelTask(**{"name": "t", "labels": LABELS, "source": Rows(), **settings})


def test_one_label_is_enough_and_macro_alone_is_reserved():
    assert MultiLabelTask("t", ["spam"], Rows()).selection == "f1_micro"
    assert MultiLabelTask("t", ["macros"], Rows()).labels == ("macros",)


def test_its_head_is_a_classifier_and_its_loss_the_binary_cross_entropy():
    head = task().make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.2, has_pooler=True, head_transform=None))
    assert isinstance(head, Classification)
    assert head.classifier.weight.shape == (3, 16)
    assert isinstance(task().loss, BinaryCrossEntropy)
    logits, labels = torch.randn(4, 3), torch.tensor([[1.0, 0, 1]] * 4)
    expected = -(labels * logits.sigmoid().log() + (1 - labels) * (-logits).sigmoid().log()).mean()
    torch.testing.assert_close(task().loss(logits, Examples(labels)), expected)


def test_labels_without_a_training_row_are_named():
    assert task().absent_labels(Dataset.from_dict({"label": [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]})) == ["sport", "art"]


def test_thresholds_are_chosen_on_a_set_unless_the_task_has_some():
    each = label_set([[1.0, 0, 0], [0, 0, 0], [1, 1, 0]])
    logits = torch.tensor([[-1.0, 0, 0], [-3, 2, 0], [-1, 3, 0]])
    chosen = each.choose(logits)
    assert list(chosen) == ["threshold_sport", "threshold_food", "threshold_art"]
    assert chosen["threshold_art"] == 0.5
    settled = each.settled(chosen)
    assert settled.thresholds == tuple(chosen.values())
    values = settled.metrics(logits)
    assert (values["exact_match"], values["f1_sport"]) == (0, 1)
    assert settled.columns(logits)["prediction"] == ["sport;art", "art", "sport;food;art"]
    assert settled.columns(logits)["label"] == ["sport", "", "sport;food"]
    assert each.columns(logits)["prediction"] == ["food;art", "food;art", "food;art"]
    assert settled.choose(logits) == {}
    assert each.settled({}) is each


def test_a_task_takes_the_thresholds_of_a_run_from_the_set_that_selects():
    names = [f"threshold_{label}" for label in LABELS]
    of_id = {f"t/id/{name}": 0.1 for name in names}
    of_validation = {f"t/validation/{name}": number / 10 for number, name in enumerate(names, start=2)}
    for values, expected in ((of_id, (0.1,) * 3), (of_id | of_validation, (0.2, 0.3, 0.4))):
        settled = task()
        settled.settle(values)
        assert settled.thresholds == expected
        assert settled.evaluation_set("id", Dataset.from_dict({})).thresholds == expected
    own = task(thresholds=[0.9, 0.8, 0.7])
    own.settle(of_id)
    assert own.thresholds == (0.9, 0.8, 0.7)
    assert own.label_sets(torch.tensor([[3.0, 1.0, 1.0]])) == [["sport", "art"]]
    with pytest.raises(UserError, match="metrics must have threshold_<label> of task 't', got none"):
        task().settle({"t/ood/threshold_sport": 0.5})


def test_predictions_are_names_with_a_probability_for_each_label():
    logits = torch.tensor([[0.0, 3.0, -1.0], [-9.0, -9.0, -9.0]])
    found = label_set([[-1.0] * 3] * 2, thresholds=(0.6, 0.5, 0.2)).predictions(logits, LABELS)
    assert found["prediction"] == ["food;art", ""]
    assert found["probability_food"] == pytest.approx(logits[:, 1].double().sigmoid().tolist())


@pytest.mark.parametrize("seed", range(20))
def test_the_baseline_is_the_best_constant_set(seed):
    torch.manual_seed(seed)
    each = label_set((torch.rand(12, 3) < torch.rand(3)).float().tolist(), thresholds=(0.9, 0.5, 0.1))
    found = each.constant_metrics()
    sets = (torch.tensor(bits).expand(12, 3) * 20.0 - 10 for bits in product([0, 1], repeat=3))
    every = [each.metrics(logits) for logits in sets]
    for name in ("f1_micro", "f1_macro", "exact_match"):
        assert found[name] == pytest.approx(max(values[name] for values in every))


def test_f1_of_labels_that_never_occur_selects_nothing():
    assert label_set([[1.0, 0, 0]]).undefined == ("f1_food", "f1_art")
    assert set(label_set([[0.0, 0, 0]]).undefined) == {"f1_micro", "f1_macro", *(f"f1_{name}" for name in LABELS)}
