"""Metrics of classes from logits: accuracy by class and group, AUROC, F1, calibration, and predicted shares.

If a model has more classes than a set, its predictions are merged after the arg-max (the way HANS scores three-class
models: McCoy et al. 2019, and Liu et al. 2022).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

OVERLAP_BINS = {"low": (0.0, 0.2), "high": (0.8, 1.0)}
SMALLEST_GROUP = 10  # rows; the accuracy of fewer is too noisy to be the worst group's
CALIBRATION_BINS = 15


def predictions(logits: Tensor, class_map: Sequence[int]) -> Tensor:
    """Return the classes of a set (rows,) that logits (rows, classes) predict."""
    return torch.tensor(class_map)[logits.argmax(dim=-1)]


def losses(logits: Tensor, labels: Tensor, class_map: Sequence[int]) -> Tensor:
    """Compute the negative log-likelihood of each row's label (rows,), merged classes' probabilities added up."""
    log_probs = logits.float().log_softmax(dim=-1)
    of_label = torch.tensor(class_map)[None, :] == labels[:, None]
    return -log_probs.masked_fill(~of_label, -torch.inf).logsumexp(dim=-1)


def classification(
    logits: Tensor,
    labels: Tensor,
    label_names: Sequence[str],
    class_map: Sequence[int],
    positive: int | None,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, float]:
    """Compute all metrics of one set.

    Args:
        logits: (rows, classes).
        labels: Classes of the set (rows,).
        label_names: Names of the set's classes.
        class_map: For each class of the logits, its class in the set.
        positive: Index in the logits of the class that the AUROC ranks and F1 measures. If None, neither.
        groups: Name of a grouping -> each row's group ("" is none); accuracy is added for each group and class in it.

    Returns:
        `accuracy`, `accuracy_<class>`, `f1_macro` (mean over the classes that occur or are predicted), `matthews`
        (Matthews' correlation, GLUE's for CoLA; 0 where a single class occurs or is predicted), `auroc` (of the
        positive class against the rest; absent if the set has only one of the two), `predicted_share_<class>`, `loss`,
        and `accuracy_<group>`, `accuracy_<group>_<class>`. `worst_group_accuracy` is the lowest `accuracy_<class>` or
        `accuracy_<group>_<class>` over at least `SMALLEST_GROUP` rows, if any. `ece` is the expected calibration error:
        the gap between confidence and accuracy in `CALIBRATION_BINS` equally wide bins of the confidence, weighted by
        their rows (Guo et al. 2017). In sets of two classes also `f1` (of the positive class; 0 if it neither occurs
        nor is predicted) and `f1_weighted` (mean over both classes, weighted by their rows), as for paraphrases
        (SRNets), and `mean_f1_accuracy` (of `f1` and accuracy, GLUE's for MRPC and QQP).
    """
    from torchmetrics.functional import accuracy, auroc, f1_score  # not above: a served model has no metrics

    predicted = predictions(logits, class_map)
    correct = predicted == labels
    result = {
        "accuracy": float(accuracy(predicted, labels, task="multiclass", num_classes=len(label_names))),
        "f1_macro": float(
            f1_score(predicted, labels, task="multiclass", num_classes=len(label_names), average="macro")
        ),
        "matthews": _matthews(predicted, labels, len(label_names)),
        "loss": float(losses(logits, labels, class_map).mean()),
        "ece": _calibration_error(logits, predicted, correct, class_map),
    }
    if positive is not None:
        is_positive = labels == class_map[positive]
        if is_positive.any() and not is_positive.all():
            scores = logits.double().softmax(dim=-1)[:, positive]  # single precision would tie confident rows
            result["auroc"] = float(auroc(scores, is_positive.long(), task="binary"))
        if len(label_names) == 2:
            by_class = f1_score(predicted, labels, task="multiclass", num_classes=2, average=None)
            result["f1"] = float(by_class[class_map[positive]])
            result["mean_f1_accuracy"] = (result["accuracy"] + result["f1"]) / 2
            result["f1_weighted"] = float(by_class @ (labels.bincount(minlength=2) / len(labels)))
    of_class = {name: labels == number for number, name in enumerate(label_names)}
    for number, (name, rows) in enumerate(of_class.items()):
        result[f"predicted_share_{name}"] = float((predicted == number).float().mean())
        result |= _share(f"accuracy_{name}", correct[rows])
    of_one_class = list(of_class.values())
    for grouping in (groups or {}).values():
        for group in sorted(set(grouping) - {""}):
            in_group = torch.tensor([each == group for each in grouping])
            result |= _share(f"accuracy_{group}", correct[in_group])
            for name, rows in of_class.items():
                of_one_class.append(in_group & rows)
                result |= _share(f"accuracy_{group}_{name}", correct[in_group & rows])
    large = [rows for rows in of_one_class if rows.sum() >= SMALLEST_GROUP]
    if large:
        result["worst_group_accuracy"] = min(float(correct[rows].float().mean()) for rows in large)
    return result


def _calibration_error(logits: Tensor, predicted: Tensor, correct: Tensor, class_map: Sequence[int]) -> float:
    """Compute the expected calibration error; the confidence is the probability of the predicted class of the set."""
    from torchmetrics.functional.classification import binary_calibration_error

    probabilities = logits.double().softmax(dim=-1)
    confidences = probabilities.masked_fill(torch.tensor(class_map)[None, :] != predicted[:, None], 0).sum(dim=-1)
    confidences = confidences.clamp(max=1 - torch.finfo(torch.float64).eps)  # torchmetrics has a further bin for 1
    # That of classes would take the arg-max after the merge; that of "binary" takes confidences and what was right.
    return float(binary_calibration_error(confidences, correct.long(), n_bins=CALIBRATION_BINS))


def _matthews(predicted: Tensor, labels: Tensor, num_classes: int) -> float:
    from torchmetrics.functional import matthews_corrcoef

    if not all(bool(each.min() < each.max()) for each in (predicted, labels)):
        return 0.0
    return float(matthews_corrcoef(predicted, labels, task="multiclass", num_classes=num_classes))


def of_groups(
    name: str,
    groups: Sequence[str],
    value: Callable[[Tensor], float | None],
    worst: Callable[[Iterable[float]], float] = min,
) -> dict[str, float]:
    """Compute a metric of groups of rows.

    Args:
        name: The metric.
        groups: Each row's group ("" is none).
        value: Returns the metric of rows, (rows,) bool, or None if they have none.
        worst: Chooses the worst value: the smallest, or the largest of errors.

    Returns:
        `<name>_<group>` of each group, and `worst_group_<name>`, the worst of groups of at least `SMALLEST_GROUP` rows,
        if any.
    """
    result, large = dict[str, float](), []
    for group in sorted({*groups} - {""}):
        rows = torch.tensor([each == group for each in groups])
        if (found := value(rows)) is not None:
            result[f"{name}_{group}"] = found
            large += [found] * bool(rows.sum() >= SMALLEST_GROUP)
    return result | ({f"worst_group_{name}": worst(large)} if large else {})


def _share(name: str, values: Tensor) -> dict[str, float]:
    return {name: float(values.float().mean())} if len(values) else {}


def overlap_group(overlap: float) -> str:
    """Return `overlap_low`, `overlap_high` or "" for the share of a hypothesis' words that occur in its premise."""
    return next((f"overlap_{name}" for name, (low, high) in OVERLAP_BINS.items() if low <= overlap <= high), "")


def matched_shift(logits: Tensor, positive: int, num_positive: int) -> float:
    """Compute the shift of the positive logit that makes exactly `num_positive` rows positive (ties aside).

    The shift is subtracted. It alone gains a biased model accuracy on the other classes; a debiased one must do better.

    Args:
        logits: (rows, classes).
        positive: Index of the positive class.
        num_positive: Rows to be predicted positive, 0 to rows.
    """
    logits = logits.double()
    others = torch.cat([logits[:, :positive], logits[:, positive + 1 :]], dim=1).amax(dim=1)
    margins = (logits[:, positive] - others).sort(descending=True).values
    bounds = torch.cat([margins[:1] + 1, margins, margins[-1:] - 1])
    return float((bounds[num_positive] + bounds[num_positive + 1]) / 2)
