"""Predictions on disk, and the shifted dense model against cases worked out by hand."""

from dataclasses import replace

import pytest
import torch
from datasets import Dataset

from lit_prune.callbacks.predictions import read_logits, shifted_metrics, write_predictions
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.span import SpanSet
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Predicted


def evaluation_set(split, labels, task="nli"):
    merged = split.startswith("ood")
    rows = {
        "id": [f"{split}-{row}" for row in range(len(labels))],
        "text_b": ["b"] * len(labels),
        "group": [""] * len(labels),
        "overlap": [0.5] * len(labels),
        "label": list(labels),
    }
    return EvaluationSet(
        task=task,
        split=split,
        rows=Dataset.from_dict(rows),
        labels=("non_entailment", "entailment") if merged else ("contradiction", "entailment", "neutral"),
        class_map=(0, 1, 0) if merged else (0, 1, 2),
        positive=1,
    )


def by_margin(split, margins, labels, task="nli"):
    """Predictions whose entailment logit lies this much above both others."""
    logits = torch.tensor([[0.0, margin, 0.0] for margin in margins])
    return Predicted(evaluation_set(split, labels, task), logits)


def random_predictions(seed, num_rows=41, bias=0.0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(num_rows, 3, generator=generator) + torch.tensor([0, bias, 0])
    return Predicted(evaluation_set("ood", [0, 1] * (num_rows // 2) + [0] * (num_rows % 2)), logits)


def of_predictions(values):
    """The metrics that depend on the predicted classes alone."""
    return {name: value for name, value in values.items() if not name.endswith(("/loss", "/ece"))}


def test_logits_come_back_bit_for_bit(tmp_path):
    generator = torch.Generator().manual_seed(0)
    sets = [evaluation_set("id", [0, 1, 2]), evaluation_set("ood", [0, 1]), evaluation_set("ood", [1], task="other")]
    written = [Predicted(each, torch.randn(len(each.rows), 3, generator=generator)) for each in sets]
    write_predictions(written, tmp_path / "predictions.parquet")
    read = read_logits(sets[::-1], tmp_path / "predictions.parquet")
    assert [each.of for each in read] == sets[::-1]
    assert all(torch.equal(one.logits, other.logits) for one, other in zip(read[::-1], written, strict=True))


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "dense_predictions.parquet"
    path.write_bytes(b"garbage")
    with pytest.raises(UserError, match=rf"{path} must be readable as parquet"):
        read_logits([], path)
    write_predictions([Predicted(evaluation_set("id", [0, 1]), torch.zeros(2, 3))], path)
    with pytest.raises(UserError, match=rf"{path} must have logits \(3, 3\) of nli/id, got others"):
        read_logits([evaluation_set("id", [0, 1, 2])], path)


def test_one_row_per_row_of_every_set(tmp_path):
    path = tmp_path / "predictions.parquet"
    write_predictions([by_margin("id", [1, -1], [1, 1]), by_margin("ood", [1], [0])], path)
    rows = Dataset.from_parquet(str(path), cache_dir=str(tmp_path))
    assert rows.column_names == ["id", "task", "split", "label", "prediction", "logits", "loss"]
    assert list(rows["id"]) == ["id-0", "id-1", "ood-0"]
    assert list(rows["split"]) == ["id", "id", "ood"]
    assert list(rows["prediction"]) == ["entailment", "contradiction", "entailment"]


def test_a_set_that_was_not_written_is_not_read(tmp_path):
    path = tmp_path / "predictions.parquet"
    predicted = by_margin("id", [1], [1])
    write_predictions([predicted], path)
    assert [each.of.name for each in read_logits([predicted.of, evaluation_set("ood", [0])], path)] == ["nli/id"]


def test_spans_have_no_logits_to_read(tmp_path):
    path = tmp_path / "predictions.parquet"
    predicted = by_margin("id", [1], [1])
    write_predictions([predicted], path)
    without_classes = SpanSet("nli", "id", predicted.of.rows)
    assert read_logits([without_classes], path) == []


def test_the_shift_matches_the_number_of_positives_and_is_read_on_id_too():
    dense = [by_margin("id", [3.4, 3.6], [1, 1]), by_margin("ood", [4, 3, 2, -1], [1, 0, 1, 0])]
    sparse = [by_margin("id", [1, 1], [1, 1]), by_margin("ood", [-1, -1, 5, -1], [1, 0, 1, 0])]
    values = shifted_metrics(dense, sparse)
    assert values["nli/ood/shift"] == 3.5
    assert values["nli/ood/predicted_share_entailment"] == 0.25
    assert values["nli/ood/accuracy"] == 0.75  # 4 stays entailment, 2 no longer is
    assert values["nli/id/accuracy"] == 0.5  # 3.4 no longer is
    assert values["nli/ood/auroc"] == dense[1].metrics()["nli/ood/auroc"]


@pytest.mark.parametrize("seed", range(5))
def test_the_shifted_model_predicts_exactly_as_many_positives(seed):
    dense, sparse = random_predictions(seed, bias=1.5), random_predictions(seed + 100, bias=-0.5)
    share = sparse.metrics()["nli/ood/predicted_share_entailment"]
    assert dense.metrics()["nli/ood/predicted_share_entailment"] > share
    assert shifted_metrics([dense], [sparse])["nli/ood/predicted_share_entailment"] == share


def test_between_equal_models_the_shift_changes_no_prediction():
    dense = random_predictions(0)
    values = shifted_metrics([dense], [dense])
    del values["nli/ood/shift"]
    before, after = of_predictions(dense.metrics()), of_predictions(values)
    assert after == pytest.approx(before)


def test_id_is_read_under_the_first_ood_sets_shift():
    dense = [by_margin("ood_a", [4, 3], [1, 0]), by_margin("ood_b", [9, 8], [1, 0]), by_margin("id", [5, 5], [1, 1])]
    sparse = [by_margin("ood_a", [1, -1], [1, 0]), by_margin("ood_b", [1, -1], [1, 0])]
    values = shifted_metrics(dense, sparse)
    assert (values["nli/ood_a/shift"], values["nli/ood_b/shift"]) == (3.5, 8.5)
    assert values["nli/id/accuracy"] == 1


def test_tasks_have_shifts_of_their_own():
    dense = [by_margin(split, [4, 3], [1, 0], task) for task in "ab" for split in ("id", "ood")]
    sparse = [by_margin("ood", [1, -1], [1, 0], "a"), by_margin("ood", [-1, -1], [1, 0], "b")]
    values = shifted_metrics(dense, sparse)
    assert (values["a/ood/shift"], values["b/ood/shift"]) == (3.5, 4.5)
    assert (values["a/id/accuracy"], values["b/id/accuracy"]) == (1, 0.5)


def test_without_an_ood_set_there_is_no_shifted_model():
    predicted = [by_margin("id", [1], [1])]
    assert shifted_metrics(predicted, predicted) == {}


def test_without_a_positive_class_there_is_no_shifted_model():
    predicted = [by_margin("ood", [1, -1], [1, 0])]
    without = [Predicted(replace(each.of, positive=None), each.logits) for each in predicted]
    assert shifted_metrics(predicted, predicted)
    assert shifted_metrics(without, without) == {}
