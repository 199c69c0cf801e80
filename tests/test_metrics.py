"""Metrics against scikit-learn and by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef, roc_auc_score

from lit_prune.metrics import classification, losses, matched_shift, of_groups, overlap_group, predictions

NLI = ("entailment", "neutral", "contradiction")
HANS = ("entailment", "non_entailment")
MERGE = (0, 1, 1)


def random_case(num_rows=200, num_labels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_rows, 3, generator=generator), torch.randint(num_labels, (num_rows,), generator=generator)


def test_three_classes_against_scikit_learn():
    logits, labels = random_case()
    values = classification(logits, labels, NLI, (0, 1, 2), positive=0)
    predicted, probabilities = logits.argmax(-1), logits.double().softmax(-1)
    assert values["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert values["auroc"] == pytest.approx(roc_auc_score(labels == 0, probabilities[:, 0]))
    assert values["f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert values["matthews"] == pytest.approx(matthews_corrcoef(labels, predicted))
    assert values["loss"] == pytest.approx(log_loss(labels, probabilities), rel=1e-5)
    for number, name in enumerate(NLI):
        rows = labels == number
        assert values[f"accuracy_{name}"] == pytest.approx(accuracy_score(labels[rows], predicted[rows]))
        assert values[f"predicted_share_{name}"] == pytest.approx((predicted == number).double().mean().item())


def test_merged_classes_against_scikit_learn():
    logits, labels = random_case(num_labels=2)
    values = classification(logits, labels, HANS, MERGE, positive=0)
    assert values["accuracy"] == pytest.approx(accuracy_score(labels, (logits.argmax(-1) != 0).long()))
    assert values["auroc"] == pytest.approx(roc_auc_score(labels == 0, logits.softmax(-1)[:, 0]))
    assert values["predicted_share_entailment"] + values["predicted_share_non_entailment"] == pytest.approx(1)
    assert set(values) == {
        "auroc",
        "f1",
        "f1_macro",
        "f1_weighted",
        "mean_f1_accuracy",
        "accuracy",
        "matthews",
        "loss",
        "ece",
        "worst_group_accuracy",
    } | {f"{metric}_{name}" for metric in ("accuracy", "predicted_share") for name in HANS}


@pytest.mark.parametrize(("names", "class_map"), [(NLI, (0, 1, 2)), (HANS, MERGE)])
def test_the_calibration_error_against_numpy(names, class_map):
    logits, labels = random_case(num_labels=len(names))
    logits = 3 * logits
    logits[0] = torch.tensor([100.0, 0.0, 0.0])  # confidence 1 belongs to the last bin
    probabilities = np.exp(logits.double().numpy())
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    merged = np.stack([probabilities[:, np.array(class_map) == number].sum(axis=1) for number in range(len(names))], 1)
    predicted = np.array(class_map)[probabilities.argmax(axis=1)]
    confidence = merged[np.arange(len(merged)), predicted]
    bins = np.minimum((15 * confidence).astype(int), 14)
    expected = 0.0
    for number in np.unique(bins):
        rows = bins == number
        expected += rows.mean() * abs((predicted == labels.numpy())[rows].mean() - confidence[rows].mean())
    assert expected > 0.05
    assert classification(logits, labels, names, class_map, positive=0)["ece"] == pytest.approx(expected)


def test_a_sure_model_has_a_calibration_error_of_its_errors():
    logits = 1000 * torch.eye(3)[[0, 1, 2, 0]]
    assert classification(logits, torch.tensor([0, 1, 2, 1]), NLI, (0, 1, 2), None)["ece"] == pytest.approx(1 / 4)


def test_the_worst_group_against_numpy():
    logits, labels = random_case(num_rows=400)
    rng = np.random.default_rng(0)
    groups = {"group": rng.choice(["a", "b", "", "rare"], 400, p=[0.4, 0.4, 0.18, 0.02])}
    groups["overlap"] = rng.choice(["overlap_high", ""], 400)
    correct = (logits.argmax(-1) == labels).numpy()
    cells = [
        (grouping == group) & (labels.numpy() == label)
        for grouping in groups.values()
        for group in set(grouping.tolist()) - {""}
        for label in range(3)
    ]
    of_rare = [correct[rows].mean() for rows in cells if 0 < rows.sum() < 10]
    expected = min(correct[rows].mean() for rows in cells if rows.sum() >= 10)
    assert min(of_rare) < expected  # the group with few rows would decide
    values = classification(logits, labels, NLI, (0, 1, 2), 0, {name: each.tolist() for name, each in groups.items()})
    assert values["worst_group_accuracy"] == pytest.approx(expected)


def test_a_class_whose_groups_are_small_counts_as_a_whole():
    labels = torch.tensor([0] * 20 + [1] * 12)
    groups = {"group": ["a"] * 20 + ["a", "b", "c"] * 4}
    logits = torch.eye(2)[torch.zeros(32, dtype=torch.long)]
    assert classification(logits, labels, HANS, (0, 1), 0, groups)["worst_group_accuracy"] == 0


def test_without_groups_the_worst_group_is_the_worst_class_of_enough_rows():
    logits, labels = random_case()
    values = classification(logits, labels, NLI, (0, 1, 2), positive=0)
    assert values["worst_group_accuracy"] == min(values[f"accuracy_{name}"] for name in NLI)
    few = classification(logits[:9], labels[:9], NLI, (0, 1, 2), positive=0)
    assert "worst_group_accuracy" not in few


def test_the_largest_class_decides_before_classes_are_merged():
    logits = torch.tensor([[0.4, 0.3, 0.3]]).log()  # merged probabilities .4 and .6 would say non_entailment
    assert predictions(logits, MERGE).tolist() == [0]
    assert classification(logits, torch.tensor([0]), HANS, MERGE, positive=0)["accuracy"] == 1


def test_the_loss_adds_merged_probabilities_up():
    logits = torch.tensor([[0.4, 0.3, 0.3], [0.4, 0.5, 0.1]]).log() + 5
    expected = torch.tensor([-math.log(0.6), -math.log(0.4)])
    torch.testing.assert_close(losses(logits, torch.tensor([1, 0]), MERGE), expected)


def test_the_auroc_is_of_the_positive_class_wherever_it_stands():
    logits, labels = random_case()
    values = classification(logits, labels, NLI, (0, 1, 2), positive=2)
    assert values["auroc"] == pytest.approx(roc_auc_score(labels == 2, logits.softmax(-1)[:, 2]))


def test_without_a_positive_class_there_is_no_auroc_and_all_else():
    logits, labels = random_case()
    with_it, without = (classification(logits, labels, NLI, (0, 1, 2), positive=positive) for positive in (0, None))
    assert with_it.keys() - without.keys() == {"auroc"}
    assert without.items() <= with_it.items()


@pytest.mark.parametrize("positive", [0, 1])
def test_f1_of_two_classes_against_scikit_learn(positive):
    logits, labels = random_case(num_labels=2)
    labels[:150] = 1  # few rows of class 0
    values = classification(logits[:, :2], labels, ("no", "yes"), (0, 1), positive)
    predicted = logits[:, :2].argmax(-1)
    assert values["f1"] == pytest.approx(f1_score(labels, predicted, pos_label=positive))
    assert values["f1_weighted"] == pytest.approx(f1_score(labels, predicted, average="weighted"))
    assert values["f1"] != pytest.approx(values["f1_weighted"])


@pytest.mark.parametrize(
    ("predicted", "labels"),
    [
        ([0, 1, 1, 0, 1], [0, 1, 0, 0, 1]),
        ([1, 1, 1, 1], [0, 1, 1, 0]),
        ([0, 1, 1, 0], [1, 1, 1, 1]),
        ([1, 1, 1], [1, 1, 1]),
        ([0, 0, 0], [1, 1, 1]),
        ([0, 1, 0, 1], [1, 0, 1, 0]),
    ],
)
def test_matthews_and_macro_f1_of_two_classes_against_scikit_learn_also_where_one_is_never_said(predicted, labels):
    values = classification(torch.eye(2)[predicted], torch.tensor(labels), ("no", "yes"), (0, 1), positive=1)
    assert values["matthews"] == pytest.approx(matthews_corrcoef(labels, predicted), abs=1e-6)
    assert values["f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro", zero_division=0))
    assert values["mean_f1_accuracy"] == pytest.approx((values["accuracy"] + values["f1"]) / 2)


def test_f1_of_merged_classes_by_hand():
    logits = torch.eye(3)[torch.tensor([0, 1, 2, 0])]
    values = classification(logits, torch.tensor([0, 1, 0, 0]), HANS, MERGE, positive=0)
    assert values["f1"] == pytest.approx(0.8)  # precision 1, recall 2/3
    assert values["f1_weighted"] == pytest.approx(3 / 4 * 0.8 + 1 / 4 * 2 / 3)  # the other: precision 1/2, recall 1


def test_f1_is_zero_where_the_class_is_neither_there_nor_predicted():
    values = classification(torch.eye(2)[[1, 1]], torch.tensor([1, 1]), ("no", "yes"), (0, 1), positive=0)
    assert (values["f1"], values["f1_weighted"]) == (0, 1)


def test_three_classes_or_no_positive_one_have_no_f1():
    logits, labels = random_case(num_labels=2)
    assert "f1" not in classification(logits, labels, NLI, (0, 1, 2), positive=0)
    assert "f1" not in classification(logits[:, :2], labels, ("no", "yes"), (0, 1), positive=None)


def test_confident_rows_are_ranked_not_tied():
    margins = torch.tensor([20.0, 22.0, 24.0, 26.0, 28.0, 30.0])  # all of probability 1 in single precision
    logits = torch.stack([margins, torch.zeros(6), torch.zeros(6)], dim=1)
    assert (logits.softmax(-1)[:, 0] == 1).all()
    values = classification(logits, torch.tensor([1, 0, 1, 0, 0, 0]), HANS, MERGE, positive=0)
    assert values["auroc"] == pytest.approx(7 / 8)


@pytest.mark.parametrize("label", [0, 1])
def test_a_set_of_one_side_has_no_auroc(label):
    values = classification(random_case(5)[0], torch.full((5,), label), HANS, MERGE, positive=0)
    assert "auroc" not in values
    assert f"accuracy_{HANS[1 - label]}" not in values


def test_accuracy_by_group_and_class_in_it():
    logits = torch.eye(3)[torch.tensor([0, 0, 1, 0, 2])]
    labels = torch.tensor([0, 1, 1, 0, 0])
    groups = {"group": ["lexical", "lexical", "lexical", "", "other"], "overlap": ["overlap_high", "", "", "", ""]}
    values = classification(logits, labels, HANS, MERGE, positive=0, groups=groups)
    assert values["accuracy"] == pytest.approx(3 / 5)
    assert {name: value for name, value in values.items() if name.startswith("accuracy_")} == pytest.approx(
        {
            "accuracy_entailment": 2 / 3,
            "accuracy_non_entailment": 1 / 2,
            "accuracy_lexical": 2 / 3,
            "accuracy_lexical_entailment": 1,
            "accuracy_lexical_non_entailment": 1 / 2,
            "accuracy_other": 0,
            "accuracy_other_entailment": 0,
            "accuracy_overlap_high": 1,
            "accuracy_overlap_high_entailment": 1,
        }
    )


@pytest.mark.parametrize(
    ("overlap", "group"),
    [
        (0.0, "overlap_low"),
        (1 / 5, "overlap_low"),
        (0.21, ""),
        (0.79, ""),
        (4 / 5, "overlap_high"),
        (1.0, "overlap_high"),
    ],
)
def test_overlap_groups_include_their_bounds(overlap, group):
    assert overlap_group(overlap) == group


@pytest.mark.parametrize("positive", [0, 1, 2])
def test_the_shift_gives_every_number_of_positives(positive):
    logits, _ = random_case(60)
    for number in range(61):
        shifted = logits.clone()
        shifted[:, positive] -= matched_shift(logits, positive, number)
        assert (shifted.argmax(-1) == positive).sum() == number


def test_a_metric_of_groups_leaves_out_those_without_one_and_counts_large_ones_as_worst():
    groups = ["", *["a"] * 10, *["b"] * 12, *["c"] * 9, *["d"] * 10]
    values = torch.tensor([5.0, *[1.0] * 10, *[2.0] * 12, *[0.0] * 9, *[torch.nan] * 10])

    def mean(rows):
        return None if values[rows].isnan().any() else float(values[rows].mean())

    assert of_groups("m", groups, mean) == {"m_a": 1, "m_b": 2, "m_c": 0, "worst_group_m": 1}
    assert of_groups("m", groups, mean, worst=max)["worst_group_m"] == 2
    assert of_groups("m", groups[-19:-10], lambda rows: 1.0) == {"m_c": 1}
