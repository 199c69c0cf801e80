"""The bounds of a certificate."""

import pytest

from lit_prune.certify.certificate import Certificate, Check, at_chance, check_headroom, check_shallow
from lit_prune.data import GeneratedNli, Task


def metrics(auroc, accuracy=0.9):
    splits = {"id": (0.99, 0.95), "ood": (auroc, accuracy), "ood_heldout": (0.5, 0.5)}
    return {
        f"nli/{split}/{name}": value
        for split, values in splits.items()
        for name, value in zip(("auroc", "accuracy"), values, strict=True)
    }


GOOD = {"unbiased": metrics(0.99, 0.96), "short": metrics(0.6), "long": metrics(0.8), "balanced": metrics(0.95)}


def holds(models):
    biased = {name: models[name]["nli/ood/auroc"] for name in ("short", "long")}
    return [check.holds for check in check_headroom(models["unbiased"], biased, models["balanced"], "nli/ood")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [True, True, True]),
        ({"unbiased": metrics(0.99, 0.94)}, [False, True, True]),
        ({"long": metrics(0.9), "balanced": metrics(0.99)}, [True, False, False]),
        ({"short": metrics(0.9), "balanced": metrics(0.99)}, [True, False, False]),  # the best of them counts
        ({"balanced": metrics(0.85)}, [True, True, False]),
    ],
    ids=["all hold", "not learned", "dissolves", "dissolves soon", "cannot be resisted"],
)
def test_each_bound_can_fail(change, expected):
    assert holds(GOOD | change) == expected


def test_the_set_farthest_from_chance_counts():
    check = at_chance("model", {"ood": 0.55, "ood_heldout": 0.3})
    assert check.value == pytest.approx(0.2)
    assert "on ood_heldout" in check.name
    assert not check.holds
    assert at_chance("model", {"ood": 0.45}).holds


def test_shallow_models_are_checked_on_all_ood_sets():
    source = GeneratedNli(num_train=120, num_eval=60, num_ood_train=5)
    task = Task("nli", ["contradiction", "entailment", "neutral"], source, positive="entailment")
    checks = check_shallow(task, None, ["ood", "ood_heldout"])
    assert len(checks) == 8
    assert sum("trained on OOD rows" in check.name for check in checks) == 4


def test_a_certificate_shows_what_fails():
    checks = [Check("one", 0.2, 0.1, is_maximum=True), Check("other", 0.2, 0.1)]
    certificate = Certificate("nli", 2, 101, ["ood", "ood_heldout"], checks, GOOD)
    assert not certificate.holds
    values = certificate.values()
    assert [each["holds"] for each in values["checks"]] == [False, True]
    assert values["models"]["long"]["ood/auroc"] == 0.8
    bounds, models = certificate.tables()
    assert bounds.rows == [["FAILS", "one", "0.200", "<= 0.1"], ["holds", "other", "0.200", ">= 0.1"]]
    assert "not certified" in bounds.title
    splits = ("id", "ood", "ood_heldout")
    assert models.header == ["model", *(f"{split}/{metric}" for split in splits for metric in ("accuracy", "auroc"))]
