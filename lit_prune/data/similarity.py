"""`Similarity`: how alike two texts are, as a number (STS-B: Cer et al. 2017; in GLUE: Wang et al. 2018)."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from datasets import Dataset, Value
from torch import Tensor, nn

from lit_prune import metrics
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.published import check_published
from lit_prune.data.sources.source import Source
from lit_prune.data.table import read_table, tokenise_table
from lit_prune.data.task import Task, tokenise_pairs
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, Regression
from lit_prune.losses import MeanSquaredError

if TYPE_CHECKING:
    from lit_prune.data.preparation import Preparation

FEATURES = {name: Value("string") for name in ("id", "text_a", "text_b", "group")} | {"label": Value("float64")}


class Similarity(Task):
    """Regression of a number on a pair of texts (or on one), with the squared error as its loss in every phase.

    Metrics are `pearson`, `spearman` and their mean, `mean_correlation`, GLUE's for STS-B; none depends on the scale,
    but the loss does. OOD rows in training and bias models are of tasks of classes.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: Where the rows come from; their labels are numbers.
        max_length: Tokens kept of a row, None: the data module's.
        batch_size: Rows per training batch, None: the data module's.
        selection: The metric that selects checkpoints, None: `mean_correlation`.
        validation: A published cut of the training set for selection, as `fu2023/STS-B`, None: the data module's share.
    """

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

    def make_head(self, encoder: Encoder) -> nn.Module:
        """A fresh head of one output."""
        return Regression(encoder.hidden_size, encoder.hidden_dropout, encoder.has_pooler)

    def read(self, split: str, how: "Preparation", labelled: bool = True) -> Dataset:
        """The tokenised rows of a split; cached by content.

        Raises:
            UserError: a missing or malformed file, a label that is no number, no rows.
        """
        rows = read_table(_rows, FEATURES, self.source, split, how.root, labelled=labelled)
        return tokenise_table(rows, tokenise_pairs, how.tokenizer, max_length=self.max_length or how.max_length)

    def evaluation_set(self, split: str, rows: Dataset) -> EvaluationSet:
        """Tokenised rows of a split as a set to evaluate on."""
        return NumberSet(self.name, split, rows)


class NumberSet(EvaluationSet):
    """A set whose labels are numbers, and so are a model's logits (rows, 1)."""

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (rows, 1)."""
        return len(self.rows), 1

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """pearson, spearman, mean_correlation, and loss."""
        return metrics.correlation(logits.squeeze(-1), self.row_labels)

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """What a model says of each example: id, and the number as its prediction."""
        return {"id": list(self.rows["id"]), "prediction": logits.squeeze(-1).tolist()}

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """What is known of each row: id, label, prediction, logits, loss; numbers as texts, as others' classes are."""
        predicted, right = logits.squeeze(-1), self.row_labels
        return {
            "id": list(self.rows["id"]),
            "label": [str(number) for number in self.rows["label"][:]],
            "prediction": [str(number) for number in predicted.tolist()],
            "logits": logits.tolist(),
            "loss": ((predicted - right) ** 2).tolist(),
        }


def _rows(source: Source, split: str, root: str | None, labelled: bool, key: str) -> Iterator[dict[str, Any]]:
    row = None
    for row in source.rows(split, root):
        try:
            label = float(row["label"])
        except ValueError:
            label = math.nan
        if labelled and not math.isfinite(label):
            raise UserError(
                f"split {split!r}, row {row['id']!r}: the label {row['label']!r} is no number, as one of similarity "
                "has to be; correct the row, or read a task of classes (lit_prune.data.Task)"
            )
        yield {**row, "label": label}
    if row is None:
        raise UserError(f"the split {split!r} of {type(source).__name__} has no rows")
