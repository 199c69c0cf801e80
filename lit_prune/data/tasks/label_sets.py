"""Sets of labels from logits: a threshold for each label, and the metrics of the sets that they give."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lit_prune.metrics import of_groups

DEFAULT_THRESHOLD = 0.5  # of a label that never occurs where thresholds are chosen


def predicted_labels(logits: Tensor, thresholds: Sequence[float] | None) -> Tensor:
    """Return the labels whose probability is at least their threshold, (rows, labels) bool.

    Args:
        logits: (rows, labels).
        thresholds: A probability for each label. If None, `DEFAULT_THRESHOLD`.
    """
    least = torch.tensor(DEFAULT_THRESHOLD if thresholds is None else thresholds, dtype=torch.double)
    return logits.double().sigmoid() >= least


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the binary cross-entropy of each row (rows,), the mean over the labels."""
    return F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none").mean(dim=-1)


def best_thresholds(logits: Tensor, labels: Tensor) -> list[float]:
    """Choose the threshold of each label by which its F1 is largest.

    A threshold lies midway between the two probabilities that it parts, so that rounding moves no row across it. Among
    equally good ones the one nearest to .5 is chosen. A label that occurs in no row has `DEFAULT_THRESHOLD`.

    Args:
        logits: (rows, labels).
        labels: 1 where a row has the label, else 0, (rows, labels).
    """
    ranked, order = logits.double().sort(dim=0, descending=True)  # not their sigmoid, which rounds equal ones apart
    following = torch.cat([ranked[1:], torch.full_like(ranked[:1], -torch.inf)])
    num_right = labels.gather(0, order).double().cumsum(0)  # if the rows down to this one are predicted
    num_predicted = torch.arange(1, len(ranked) + 1)[:, None]
    f1 = 2 * num_right / (num_predicted + num_right[-1:])
    f1 = f1.masked_fill(ranked == following, -1)  # no threshold parts them
    between = (ranked.sigmoid() + following.sigmoid()) / 2
    distances = (between - 0.5).abs().masked_fill(f1 < f1.amax(0), torch.inf)
    chosen = between.gather(0, distances.argmin(0, keepdim=True))[0]
    return torch.where(labels.any(0), chosen, DEFAULT_THRESHOLD).tolist()


def label_metrics(
    logits: Tensor,
    labels: Tensor,
    names: Sequence[str],
    thresholds: Sequence[float] | None,
    groups: Sequence[str],
) -> dict[str, float]:
    """Compute the metrics of predicted label sets.

    Args:
        logits: (rows, labels).
        labels: 1 where a row has the label, else 0, (rows, labels).
        names: Names of the labels.
        thresholds: Their thresholds; see `predicted_labels`.
        groups: Each row's group ("" is none).

    Returns:
        `f1_micro` (over all pairs of a row and a label) and `f1_<label>`, each 0 if nothing is predicted right;
        `f1_macro`, the mean of `f1_<label>` over the labels that occur or are predicted, 0 if there are none;
        `exact_match`, the share of rows whose set is right; `auroc_macro`, the mean AUROC over the labels that some
        rows have and others lack, if any; `loss`; and of groups with a label `f1_micro_<group>` and
        `worst_group_f1_micro`, see `of_groups`.
    """
    from sklearn.metrics import roc_auc_score  # not above: a served model has no metrics

    predicted, right = predicted_labels(logits, thresholds), labels.bool()
    by_label, seen = _f1(predicted, right), (predicted | right).any(0)
    result = {
        "f1_micro": _micro(predicted, right),
        "f1_macro": float(by_label[seen].mean()) if seen.any() else 0.0,
        "exact_match": float((predicted == right).all(-1).double().mean()),
        "loss": float(losses(logits, labels).mean()),
        **{f"f1_{name}": value for name, value in zip(names, by_label.tolist(), strict=True)},
    }
    varied = [number for number in range(len(names)) if 0 < right[:, number].sum() < len(right)]
    if varied and logits.isfinite().all():
        areas = [float(roc_auc_score(right[:, number], logits[:, number])) for number in varied]
        result["auroc_macro"] = sum(areas) / len(areas)
    return result | of_groups(
        "f1_micro", groups, lambda rows: _micro(predicted[rows], right[rows]) if right[rows].any() else None
    )


def _f1(predicted: Tensor, right: Tensor) -> Tensor:
    """Compute F1 over the first dimension of two bool tensors; 0 if both are False throughout."""
    return 2 * (predicted & right).sum(0).double() / (predicted.sum(0) + right.sum(0)).clamp(min=1)


def _micro(predicted: Tensor, right: Tensor) -> float:
    return float(_f1(predicted.flatten(), right.flatten()))
