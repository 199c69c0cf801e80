"""Tasks of similarity: regression with GLUE's metrics for STS-B."""

import pytest
import torch
from datasets import Dataset
from rows import Rows

from lit_prune.data import RegressionTask, Similarity
from lit_prune.data.tasks.similarity import SimilaritySet
from lit_prune.errors import UserError


def test_it_is_selected_by_one_of_its_correlations():
    task = Similarity("sts", Rows())
    assert isinstance(task, RegressionTask)
    assert task.selection == "mean_correlation"
    assert Similarity("sts", Rows(), selection="spearman").selection == "spearman"
    with pytest.raises(UserError, match="unknown selection 'r2' of task 'sts': choose from mean_correlation, pearson"):
        Similarity("sts", Rows(), selection="r2")


def test_its_metrics_are_the_correlations_their_mean_and_the_loss():
    right = torch.randint(6, (300,), generator=torch.Generator().manual_seed(0)).tolist()
    rows = {"id": [str(number) for number in range(300)], "label": [float(each) for each in right]}
    each = SimilaritySet("sts", "id", Dataset.from_dict(rows))
    logits = torch.tensor(right)[:, None] + torch.randn(300, 1, generator=torch.Generator().manual_seed(1))
    values = each.metrics(logits)
    assert values.keys() == {"pearson", "spearman", "mean_correlation", "loss"}
    assert values["mean_correlation"] == pytest.approx((values["pearson"] + values["spearman"]) / 2)
    assert set(Similarity("sts", Rows()).metric_names) < values.keys()
    assert each.constant_metrics() == {"pearson": 0, "spearman": 0, "mean_correlation": 0}
