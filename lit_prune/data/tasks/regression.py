"""`RegressionTask`: a number for a text or a pair of texts."""

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
from lit_prune.metrics import of_groups


class NumberSet(EvaluationSet):
    """A set whose labels are numbers, as are a model's logits (rows, 1)."""

    whole_metrics: ClassVar[tuple[str, ...]] = ("pearson", "spearman", "r2")
    error_metrics: ClassVar[tuple[str, ...]] = ("mean_absolute_error", "worst_group_mean_absolute_error", "loss")

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (rows, 1)."""
        return len(self.rows), 1

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are the same for all models: all that may select, if all labels are the same."""
        labels = self.row_labels
        return self.whole_metrics if bool((labels == labels[:1]).all()) else ()

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute the metrics by name; see `regression`."""
        return regression(logits.squeeze(-1), self.row_labels, self.rows["group"][:])

    def teacher_predictions(self, logits: Tensor) -> Tensor:
        """Return the teacher's numbers."""
        return logits

    def constant_logits(self) -> Tensor:
        """Return the mean label, (1, 1), the constant prediction of the smallest squared error."""
        return self.row_labels.mean().reshape(1, 1)

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


class RegressionTask(Task):
    """Regression of a number on a text or a pair of texts, with the squared error as its loss in every phase.

    Metrics are those of `regression`. The correlations and R² do not depend on the scale of the labels, but training
    does: bring labels that are far from 1 in size to about unit variance. OOD rows in training and bias models are for
    tasks of classes only.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: The rows; their labels are numbers.
        max_length: Maximum number of tokens of a row. If None, the data module's.
        batch_size: Rows per training batch. If None, the data module's.
        selection: The metric that selects checkpoints. If None, `default_selection`: R², which ranks models by their
            squared error.
        validation: A published validation cut of the training set, such as `fu2023/STS-B`. If None, a random cut of the
            data module's share.
    """

    features = {**dict.fromkeys(("id", "text_a", "text_b", "group"), "string"), "label": "float64"}
    settings = ("max_length",)
    set_class: ClassVar[type[EvaluationSet]] = NumberSet
    card_metrics: ClassVar[tuple[str, ...]] = ("pearson", "spearman", "r2", "mean_absolute_error")
    default_selection: ClassVar[str] = "r2"

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
        self.selection = self.checked(selection or self.default_selection)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints; errors may not, as they are better when smaller."""
        return "r2", "pearson", "spearman"

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


def regression(predicted: Tensor, right: Tensor, groups: Sequence[str]) -> dict[str, float]:
    """Compute the metrics of predicted numbers.

    Args:
        predicted: Predicted numbers (rows,).
        right: Labels (rows,).
        groups: Each row's group ("" is none).

    Returns:
        The metrics of `correlation`; `r2` (R², the coefficient of determination; 0 if all labels are equal);
        `mean_absolute_error`, `mean_absolute_error_<group>` and `worst_group_mean_absolute_error`, see `of_groups`.
    """
    from torchmetrics.functional import r2_score  # not above: a served model has no metrics

    predicted, right = predicted.double(), right.double()
    varies = bool(right.min() < right.max())
    errors = (predicted - right).abs()
    result = {
        **correlation(predicted, right),
        "r2": float(r2_score(predicted, right)) if varies else 0.0,
        "mean_absolute_error": float(errors.mean()),
    }
    return result | of_groups("mean_absolute_error", groups, lambda rows: float(errors[rows].mean()), worst=max)


def correlation(predicted: Tensor, right: Tensor) -> dict[str, float]:
    """Compute the correlations of predicted numbers with labels, and the loss.

    Args:
        predicted: Predicted numbers (rows,).
        right: Labels (rows,).

    Returns:
        `pearson` and `spearman`, each 0 if one side is constant; and `loss`, the mean squared error.
    """
    from torchmetrics.functional import pearson_corrcoef, spearman_corrcoef  # not above: a served model has no metrics

    predicted, right = predicted.double(), right.double()
    result = {"pearson": 0.0, "spearman": 0.0}
    if all(bool(each.min() < each.max()) for each in (predicted, right)):
        result = {
            "pearson": float(pearson_corrcoef(predicted, right)),
            "spearman": float(spearman_corrcoef(predicted, right)),
        }
    return result | {"loss": float(((predicted - right) ** 2).mean())}
