"""`Similarity`: how alike two texts are, as a number (STS-B: Cer et al. 2017; in GLUE: Wang et al. 2018)."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from lit_prune.data.published import check_published
from lit_prune.data.sources.source import Row, Source
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, Regression
from lit_prune.losses import MeanSquaredError


class NumberSet(EvaluationSet):
    """A set whose labels are numbers, as are a model's logits (rows, 1)."""

    whole_metrics: ClassVar[tuple[str, ...]] = ("pearson", "spearman", "mean_correlation")

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (rows, 1)."""
        return len(self.rows), 1

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are the same for all models: all correlations, if all labels are the same."""
        labels = self.row_labels
        return self.whole_metrics if bool((labels == labels[:1]).all()) else ()

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute pearson, spearman, mean_correlation and loss."""
        return correlation(logits.squeeze(-1), self.row_labels)

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the columns of `predict`: id, and the number as the prediction."""
        return {"id": list(self.rows["id"]), "prediction": logits.squeeze(-1).tolist()}

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """Return id, label, prediction, logits and loss of each row; numbers as texts, like names of classes."""
        predicted, right = logits.squeeze(-1), self.row_labels
        return {
            "id": list(self.rows["id"]),
            "label": [str(number) for number in self.rows["label"][:]],
            "prediction": [str(number) for number in predicted.tolist()],
            "logits": logits.tolist(),
            "loss": ((predicted - right) ** 2).tolist(),
        }


class Similarity(Task):
    """Regression of a number on a pair of texts (or on one), with the squared error as its loss in every phase.

    Metrics are `pearson`, `spearman` and their mean, `mean_correlation`, GLUE's for STS-B; none depends on the scale,
    but the loss does. OOD rows in training and bias models are for tasks of classes only.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: The rows; their labels are numbers.
        max_length: Maximum number of tokens of a row. If None, the data module's.
        batch_size: Rows per training batch. If None, the data module's.
        selection: The metric that selects checkpoints. If None, `mean_correlation`.
        validation: A published validation cut of the training set, such as `fu2023/STS-B`. If None, a random cut of the
            data module's share.
    """

    features = {**dict.fromkeys(("id", "text_a", "text_b", "group"), "string"), "label": "float64"}
    settings = ("max_length",)
    set_class = NumberSet
    card_metrics = ("pearson", "spearman")

    def __init__(
        self,
        name: str,
        source: Source,
        max_length: int | None = None,
        batch_size: int | None = None,
        selection: str | None = None,
        validation: str | None = None,
    ) -> None:
        self.name = name
        self.source = source
        self.max_length = max_length
        self.batch_size = batch_size
        self.validation = None if validation is None else check_published(validation)
        self.loss = MeanSquaredError()
        self.selection = self.checked(selection or "mean_correlation")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints."""
        return "mean_correlation", "pearson", "spearman"

    def converter(self, split: str, labelled: bool) -> Callable[[Row], dict[str, Any]]:
        """Return the function that reads a row's label as a number."""
        return partial(with_number, split=split, labelled=labelled)

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build a head of one output."""
        return Regression(encoder.hidden_size, encoder.hidden_dropout, encoder.has_pooler, encoder.head_transform)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return "a number"

    @property
    def num_outputs(self) -> int:
        """One number for a row."""
        return 1

    @property
    def transformers_settings(self) -> dict[str, Any]:
        """Settings of the task in the configuration of its model in transformers."""
        return {"num_labels": 1, "problem_type": "regression"}


def with_number(row: Row, split: str, labelled: bool) -> dict[str, Any]:
    """Return a row with its label as a number, NaN if it has none.

    Raises:
        UserError: a label is no finite number.
    """
    try:
        label = float(row["label"])
    except ValueError:
        label = math.nan
    if labelled and not math.isfinite(label):
        raise UserError(
            f"label of row {row['id']!r} in split {split!r} must be a number, got {row['label']!r}: correct the row, "
            "or read a task of classes (lit_prune.data.Task)"
        )
    return {**row, "label": label}


def correlation(predicted: Tensor, right: Tensor) -> dict[str, float]:
    """Compute GLUE's metrics for STS-B (Wang et al. 2018).

    Args:
        predicted: Predicted numbers (rows,).
        right: Labels (rows,).

    Returns:
        `pearson`, `spearman` and their mean, `mean_correlation`, each 0 if one side is constant; and `loss`, the mean
        squared error.
    """
    from torchmetrics.functional import pearson_corrcoef, spearman_corrcoef  # not above: a served model has no metrics

    predicted, right = predicted.double(), right.double()
    result = {"pearson": 0.0, "spearman": 0.0}
    if all(bool(each.min() < each.max()) for each in (predicted, right)):
        result = {
            "pearson": float(pearson_corrcoef(predicted, right)),
            "spearman": float(spearman_corrcoef(predicted, right)),
        }
    result["mean_correlation"] = (result["pearson"] + result["spearman"]) / 2
    return result | {"loss": float(((predicted - right) ** 2).mean())}
