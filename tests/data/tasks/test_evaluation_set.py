"""Sets to report on: their metrics and columns, and that those of every kind go into one table."""

import pytest
import torch
from datasets import Dataset

from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.similarity import SimilaritySet
from lit_prune.evaluate.collector import Predicted

ROWS = {"id": ["a", "b"], "label": [1, 0], "text_b": ["x", "y"], "group": ["", "g"], "overlap": [1.0, 0.1]}


def classes():
    return EvaluationSet("nli", "ood", Dataset.from_dict(ROWS), ("no", "yes"), (0, 1, 0), positive=1)


def test_metrics_are_of_classes_groups_and_overlap():
    logits = torch.tensor([[0.0, 2, 0], [0, 1, 0]])
    values = classes().metrics(logits)
    assert (values["accuracy"], values["accuracy_yes"], values["accuracy_g"]) == (0.5, 1, 0)
    assert (values["accuracy_overlap_high"], values["accuracy_overlap_low"]) == (1, 0)
    assert classes().name == "nli/ood"
    assert classes().logits_shape == (2, 3)
    assert classes().row_labels.tolist() == [1, 0]


def test_one_answer_to_all_rows():
    rows = {"id": list("abc"), "label": [1, 1, 0], "text_b": [""] * 3, "group": [""] * 3, "overlap": [0.0] * 3}
    found = EvaluationSet("t", "id", Dataset.from_dict(rows), ("no", "yes"), (0, 1), positive=1).constant_metrics()
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(0.8)  # of `yes` throughout
    assert found["mean_f1_accuracy"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert (found["matthews"], found["auroc"]) == (0, 0.5)
    assert not {"loss", "accuracy_yes", "predicted_share_yes"} & found.keys()
    numbers = SimilaritySet("sts", "id", Dataset.from_dict({"id": ["a", "b"], "label": [0.5, 1.0]}))
    assert numbers.constant_metrics() == {"pearson": 0, "spearman": 0, "mean_correlation": 0}


def test_columns_name_the_merged_classes():
    columns = classes().columns(torch.tensor([[0.0, 2, 0], [0, 0, 1]]))
    assert (columns["id"], columns["label"]) == (["a", "b"], ["yes", "no"])
    assert columns["prediction"] == ["yes", "no"]
    assert len(columns["logits"]) == len(columns["loss"]) == 2


def test_rows_of_all_kinds_are_of_the_same_columns():
    numbers = SimilaritySet("sts", "id", Dataset.from_dict({"id": ["a"], "label": [0.5]}))
    features = [Predicted(classes(), torch.zeros(2, 3)).to_rows().features]
    features.append(Predicted(numbers, torch.zeros(1, 1)).to_rows().features)
    assert features[0] == features[1]
    assert list(features[0]) == ["id", "task", "split", "label", "prediction", "logits", "loss"]
