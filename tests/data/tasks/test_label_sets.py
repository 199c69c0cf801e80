"""Label sets: metrics against sklearn and torchmetrics, and thresholds against a search over all of them."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics
from torchmetrics.functional.classification import multilabel_f1_score

from lit_prune.data.tasks.label_sets import best_thresholds, label_metrics, losses, predicted_labels

NAMES = ["a", "b c", "d", "e"]


def draw(seed):
    """Logits with ties, labels and groups; with labels that never or always occur, and empty sets and predictions."""
    rng = np.random.default_rng(seed)
    size, num_labels = int(rng.integers(1, 60)), int(rng.integers(2, 5))
    logits = np.round(rng.normal(0, 2, (size, num_labels)), int(rng.integers(0, 3)))
    labels = (rng.random((size, num_labels)) < rng.random(num_labels)).astype(np.float32)
    kind = seed % 5
    labels[:, 0] = {1: 0, 2: 1}.get(kind, labels[:, 0])
    logits[:, 0] -= 20 * (kind == 1)  # neither occurs nor is predicted
    labels[:] *= kind != 3
    logits[:] -= 50 * (kind == 4)
    groups = rng.choice(["", "x", "y"], size).tolist()
    return torch.tensor(logits), torch.tensor(labels), groups, rng.random(num_labels).tolist()


def _area(scores, labels):
    """The share of pairs of a row with the label and one without that are in order; ties count as half."""
    with_label, without = scores[labels == 1, None], scores[labels == 0]
    return float(((with_label > without).double() + (with_label == without).double() / 2).mean())


@pytest.mark.parametrize("seed", range(200))
def test_metrics_are_those_of_sklearn_and_torchmetrics(seed):
    logits, labels, groups, thresholds = draw(seed)
    names = NAMES[: labels.shape[1]]
    values = label_metrics(logits, labels, names, thresholds, groups)
    shares = 1 / (1 + np.exp(-logits.numpy()))
    predicted, right = (shares >= thresholds).astype(int), labels.numpy().astype(int)
    micro = multilabel_f1_score(torch.tensor(predicted), labels.long(), len(names), average="micro")
    assert values["f1_micro"] == pytest.approx(float(micro))
    assert values["f1_micro"] == pytest.approx(metrics.f1_score(right, predicted, average="micro", zero_division=0))
    by_label = metrics.f1_score(right, predicted, average=None, zero_division=0)
    assert [values[f"f1_{name}"] for name in names] == pytest.approx(by_label.tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a mean over no label
        macro = np.nan_to_num(metrics.f1_score(right, predicted, average="macro", zero_division=np.nan))
    assert values["f1_macro"] == pytest.approx(macro)
    assert values["exact_match"] == pytest.approx(metrics.accuracy_score(right, predicted))
    varied = [number for number in range(len(names)) if 0 < right[:, number].sum() < len(right)]
    areas = [_area(logits[:, number], labels[:, number]) for number in varied]
    assert values.get("auroc_macro") == (pytest.approx(np.mean(areas)) if varied else None)
    loss = -np.where(right, np.log(shares), np.log1p(-shares)).mean()
    assert values["loss"] == pytest.approx(loss, rel=1e-5)
    in_group = {name: np.array(groups) == name for name in {*groups} - {""}}
    in_group = {name: rows for name, rows in in_group.items() if right[rows].any()}
    of_group = {
        name: metrics.f1_score(right[rows], predicted[rows], average="micro", zero_division=0)
        for name, rows in in_group.items()
    }
    found = {name: value for name, value in values.items() if name.startswith("f1_micro_")}
    assert found == pytest.approx({f"f1_micro_{name}": value for name, value in of_group.items()})
    large = [of_group[name] for name, rows in in_group.items() if rows.sum() >= 10]
    assert values.get("worst_group_f1_micro") == (pytest.approx(min(large)) if large else None)


@pytest.mark.parametrize("seed", range(50))
def test_no_threshold_has_a_larger_f1_and_none_is_nearer_to_one_half(seed):
    logits, labels, _, _ = draw(seed)
    chosen = best_thresholds(logits, labels)
    shares = logits.sigmoid()
    for number, threshold in enumerate(chosen):
        right = labels[:, number].bool()
        if not right.any():
            assert threshold == 0.5
            continue
        values = [*sorted({*shares[:, number].tolist()}), 1.0]
        between = [(low + high) / 2 for low, high in zip([0.0, *values], values, strict=False)][:-1]

        def f1(least, number=number, right=right):
            return metrics.f1_score(right, shares[:, number] >= least, zero_division=0)

        best = max(map(f1, between))
        assert f1(threshold) == best
        assert abs(threshold - 0.5) == pytest.approx(min(abs(each - 0.5) for each in between if f1(each) == best))


def test_a_threshold_lies_midway_and_equal_logits_stay_together():
    logits = torch.tensor([[2.0], [0.0], [0.0], [-2.0]])
    (chosen,) = best_thresholds(logits, torch.tensor([[1.0], [1.0], [0.0], [0.0]]))
    shares = torch.tensor([2.0, 0.0, -2.0]).double().sigmoid()
    assert chosen in (pytest.approx(float(shares[:2].mean())), pytest.approx(float(shares[1:].mean())))
    assert predicted_labels(logits, [chosen])[:, 0].tolist()[1:3] in ([True, True], [False, False])


def test_without_thresholds_one_half_decides():
    assert predicted_labels(torch.tensor([[0.0, -0.1, 3.0]]), None).tolist() == [[True, False, True]]


def test_a_single_label_and_the_loss_of_each_row():
    logits, labels = torch.tensor([[1.0], [-1.0]]), torch.tensor([[1.0], [1.0]])
    values = label_metrics(logits, labels, ["a"], [0.5], ["", ""])
    assert values["f1_micro"] == values["f1_a"] == values["f1_macro"] == pytest.approx(2 / 3)
    assert "auroc_macro" not in values
    expected = torch.nn.functional.softplus(torch.tensor([-1.0, 1.0]))
    assert losses(logits, labels).tolist() == pytest.approx(expected.tolist())
