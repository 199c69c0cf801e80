"""Logits of whole sets, from batches in any order, as metrics and rows; the mean over tasks."""

import math
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.multi_label import LabelSet
from lit_prune.evaluate.collector import Collector, Predicted, macro_average, mean_selection, settled

LABELS = ("contradiction", "entailment", "neutral")


def evaluation_set(split="id", labels=(0, 1, 2, 1, 0), text_b="b", **columns):
    merged = split.startswith("ood")
    rows = {
        "id": [f"{split}-{row}" for row in range(len(labels))],
        "text_b": [text_b] * len(labels),
        "group": [""] * len(labels),
        "overlap": [0.5] * len(labels),
        "label": list(labels),
    }
    return EvaluationSet(
        task="nli",
        split=split,
        rows=Dataset.from_dict(rows | columns),
        labels=("non_entailment", "entailment") if merged else LABELS,
        class_map=(0, 1, 0) if merged else (0, 1, 2),
        positive=1,
    )


def batch(*index, weight=1.0):
    rows = torch.tensor(index)
    return Batch("nli", inputs={}, labels=torch.zeros_like(rows), index=rows, weight=weight)


LOGITS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("batches", [[(0, 1, 2), (3, 4)], [(4, 0), (2,), (3, 1)]])
def test_rows_come_back_in_order_whatever_the_batches(batches):
    collector = Collector([evaluation_set()])
    for index in batches:
        collector.add(0, batch(*index), LOGITS[list(index)])
    (predicted,) = collector.predicted()
    assert torch.equal(predicted.logits, LOGITS)
    assert predicted.labels.tolist() == [0, 1, 2, 1, 0]


def test_sets_are_gathered_apart():
    collector = Collector([evaluation_set("id"), evaluation_set("ood", labels=(0, 1))])
    collector.add(1, batch(1, 0), LOGITS[[1, 0]])
    collector.add(0, batch(0, 1, 2, 3, 4), LOGITS + 1)
    assert [each.of.name for each in collector.predicted()] == ["nli/id", "nli/ood"]
    assert [each.logits.tolist() for each in collector.predicted()] == [(LOGITS + 1).tolist(), LOGITS[:2].tolist()]


def test_a_set_that_was_not_seen_whole_is_left_out():
    collector = Collector([evaluation_set("id"), evaluation_set("ood", labels=(0, 1)), evaluation_set("ood_more")])
    collector.add(0, batch(0, 1, 2, 3), LOGITS[:4])
    collector.add(1, batch(0, 1), LOGITS[:2])
    assert [each.of.name for each in collector.predicted()] == ["nli/ood"]


def test_processes_add_up_and_rows_without_weight_do_not_count():
    here, there = Collector([evaluation_set()]), Collector([evaluation_set()])
    here.add(0, batch(0, 2, 4), LOGITS[[0, 2, 4]])
    here.add(0, batch(1, weight=0.0), LOGITS[[1]])
    there.add(0, batch(3, 1), LOGITS[[3, 1]])
    assert here.predicted() == []
    (predicted,) = here.predicted(Adding(there))
    assert torch.equal(predicted.logits, LOGITS)


class Adding:
    """Adds what another process would, in the order it is asked: how often rows were seen, then logits."""

    def __init__(self, other):
        self.parts = [other.num_seen[0], other.logits[0]]

    def __call__(self, own):
        return own + self.parts.pop(0)


def test_logits_of_half_precision_are_kept_in_single():
    collector = Collector([evaluation_set()])
    collector.add(0, batch(0, 1, 2, 3, 4), LOGITS.bfloat16())
    assert collector.predicted()[0].logits.dtype == torch.float32


def test_metrics_go_by_the_sets_name_group_and_overlap():
    each = evaluation_set("ood", labels=(0, 1, 0), group=["x", "x", "y"], overlap=[0.1, 1.0, 0.5])
    logits = torch.tensor([[2.0, 0, 0], [0, 0, 2], [0, 2, 0]])  # right; merged and wrong; wrong
    values = Predicted(each, logits).metrics()
    assert values["nli/ood/accuracy"] == pytest.approx(1 / 3)
    assert values["nli/ood/accuracy_non_entailment"] == values["nli/ood/accuracy_x"] == 0.5
    assert values["nli/ood/accuracy_y"] == values["nli/ood/accuracy_overlap_high"] == 0
    assert values["nli/ood/accuracy_overlap_low"] == 1
    assert all(name.startswith("nli/ood/") for name in values)


def test_single_texts_have_no_overlap():
    values = Predicted(evaluation_set(text_b="", overlap=[1.0] * 5), LOGITS).metrics()
    assert not any("overlap" in name for name in values)


def test_rows_name_their_classes_and_carry_their_loss():
    each = evaluation_set("ood", labels=(0, 1))
    logits = torch.tensor([[0.0, 0, 1], [0, 0, 1]])
    rows = Predicted(each, logits).to_rows()
    assert rows["id"] == ["ood-0", "ood-1"]
    assert set(rows["task"]) == {"nli"}
    assert set(rows["split"]) == {"ood"}
    assert rows["label"] == ["non_entailment", "entailment"]
    assert rows["prediction"] == ["non_entailment", "non_entailment"]
    assert rows["logits"] == logits.tolist()
    of_entailment = 1 / (2 + math.e)
    assert rows["loss"] == pytest.approx([-math.log(1 - of_entailment), -math.log(of_entailment)])


def test_windows_that_are_shorter_than_others_fill_the_beginning():
    class Windows(EvaluationSet):
        logits_shape = (2, 8, 2)

    collector = Collector([Windows("reading", "id", Dataset.from_dict({"label": [0, 0]}))])
    logits = torch.randn(2, 8, 2, generator=torch.Generator().manual_seed(0))
    collector.add(0, batch(1), logits[[1]])
    collector.add(0, batch(0), logits[[0], :4])
    (predicted,) = collector.predicted()
    logits[0, 4:] = 0
    assert torch.equal(predicted.logits, logits)


TASKS = {"nli": SimpleNamespace(selection="accuracy"), "sts": SimpleNamespace(selection="pearson")}


def test_the_mean_over_tasks_is_of_each_ones_own_metric():
    values = {"nli/id/accuracy": 0.5, "nli/id/f1": 0.1, "sts/id/pearson": 0.9, "sts/id/loss": 4.0}
    assert macro_average(values, TASKS) == {"macro": pytest.approx(0.7)}
    assert mean_selection(values, TASKS) == pytest.approx(0.7)
    values |= {"nli/validation/accuracy": 0.6, "sts/validation/pearson": 0.6}
    assert mean_selection(values, TASKS) == pytest.approx(0.6)
    assert macro_average(values, TASKS) == {"macro": pytest.approx(0.7)}


def test_there_is_no_mean_of_one_task_nor_where_a_set_was_not_seen_whole():
    values = {"nli/id/accuracy": 0.5}
    assert macro_average(values, {"nli": TASKS["nli"]}) == macro_average(values, TASKS) == {}
    assert math.isnan(mean_selection(values, TASKS))


def label_sets(task, split, logits, labels):
    rows = {"id": list(map(str, range(len(labels)))), "label": labels, "group": [""] * len(labels)}
    return Predicted(LabelSet(task, split, Dataset.from_dict(rows), ("a",), (0,)), torch.tensor(logits))


@pytest.mark.parametrize(("split", "further"), [("validation", "id"), ("id", "ood")])
def test_what_the_set_that_selects_chooses_holds_for_all_sets_of_its_task(split, further):
    selecting = label_sets("t", split, [[2.0], [1.0]], [[1.0], [0.0]])
    other = label_sets("t", further, [[0.5], [3.0]], [[1.0], [1.0]])
    foreign = label_sets("u", "id", [[-3.0], [-1.0]], [[0.0], [1.0]])
    classes = Predicted(evaluation_set(), torch.zeros(5, 3))
    found = settled([other, selecting, classes, foreign])
    threshold = (torch.tensor(2.0).double().sigmoid() + torch.tensor(1.0).double().sigmoid()).item() / 2
    assert [each.of.name for each in found] == [f"t/{further}", f"t/{split}", "nli/id", "u/id"]
    assert found[0].of.thresholds == found[1].of.thresholds == (pytest.approx(threshold),)
    assert found[0].metrics()[f"t/{further}/f1_micro"] == pytest.approx(2 / 3)
    assert f"t/{further}/threshold_a" not in found[0].metrics()
    assert found[1].metrics()[f"t/{split}/threshold_a"] == pytest.approx(threshold)
    assert found[2] == classes
    assert found[3].metrics()["u/id/f1_micro"] == 1


def test_without_a_set_that_selects_nothing_is_chosen():
    alone = label_sets("t", "ood", [[2.0], [1.0]], [[1.0], [0.0]])
    assert settled([alone]) == [alone]
