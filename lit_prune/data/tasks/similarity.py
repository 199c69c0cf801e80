"""`Similarity`: how alike two texts are, as a number (STS-B: Cer et al. 2017; in GLUE: Wang et al. 2018)."""

from typing import ClassVar

from torch import Tensor

from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.regression import NumberSet, RegressionTask, correlation


class SimilaritySet(NumberSet):
    """A set of similarity scores, with GLUE's metrics for STS-B."""

    whole_metrics: ClassVar[tuple[str, ...]] = ("pearson", "spearman", "mean_correlation")
    error_metrics: ClassVar[tuple[str, ...]] = ("loss",)

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute `pearson`, `spearman` and their mean, `mean_correlation`, and the loss; see `correlation`."""
        values = correlation(logits.squeeze(-1), self.row_labels)
        return values | {"mean_correlation": (values["pearson"] + values["spearman"]) / 2}


class Similarity(RegressionTask):
    """Regression of a similarity score, as GLUE has it for STS-B.

    Metrics are `pearson`, `spearman` and their mean, `mean_correlation`, which selects checkpoints; none depends on the
    scale of the scores. The arguments are those of `RegressionTask`.
    """

    set_class: ClassVar[type[EvaluationSet]] = SimilaritySet
    card_metrics = ("pearson", "spearman")
    default_selection = "mean_correlation"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints."""
        return "mean_correlation", "pearson", "spearman"
