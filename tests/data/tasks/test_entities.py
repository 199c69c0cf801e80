"""Metrics of entities, against seqeval's default mode, which is conlleval's."""

import random
import warnings

import pytest
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score

from lit_prune.data.tasks.entities import entity_metrics
from lit_prune.data.tasks.tags import find_entities

TYPES = ("x", "y", "z")


def random_documents(seed):
    """Right and predicted tags: none or all in entities, neighbours of one type, and illegal sequences."""
    draw = random.Random(seed)
    weight = draw.choice([0.0, 0.2, 1.0, 20.0])  # of O; 0: every word is in an entity
    tags = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in TYPES[: draw.randint(1, 3)])]
    weights = [weight, *[1.0] * (len(tags) - 1)]
    documents = []
    for _ in range(draw.randint(1, 8)):
        right = draw.choices(tags, weights, k=draw.randint(1, 12))
        changed = [draw.choice(tags) if draw.random() < 0.3 else tag for tag in right]
        documents.append((right, draw.choice([right, changed, ["O"] * len(right)])))
    return documents


@pytest.mark.parametrize("seed", range(200))
def test_metrics_are_seqevals(seed):
    documents = random_documents(seed)
    right, predicted = ([*each] for each in zip(*documents, strict=True))
    found = entity_metrics(
        [find_entities(each) for each in predicted], [find_entities(each) for each in right], TYPES, [""] * len(right)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of seqeval about sets without entities
        assert found["f1"] == pytest.approx(f1_score(right, predicted))
        assert found["precision"] == pytest.approx(precision_score(right, predicted))
        assert found["recall"] == pytest.approx(recall_score(right, predicted))
        has_entity = any(tag != "O" for each in (*right, *predicted) for tag in each)
        report = classification_report(right, predicted, output_dict=True) if has_entity else {}
    assert found["f1_macro"] == pytest.approx(report["macro avg"]["f1-score"] if has_entity else 0.0)
    for kind in TYPES:
        assert found[f"f1_{kind}"] == pytest.approx(report.get(kind, {}).get("f1-score", 0.0))
    assert set(found) == {"precision", "recall", "f1", "f1_macro", *(f"f1_{kind}" for kind in TYPES)}


def test_groups_have_an_f1_and_large_ones_may_be_the_worst():
    one, none = find_entities(["B-x"]), find_entities(["O"])
    right = [one] * 10 + [one] * 10 + [one] + [none] * 20
    predicted = [one] * 10 + [one] * 4 + [none] * 6 + [none] + [none] * 20
    groups = ["easy"] * 10 + ["hard"] * 10 + ["small"] + ["empty"] * 20
    found = entity_metrics(predicted, right, TYPES, groups)
    hard = 2 * 4 / (4 + 10)
    assert {name: value for name, value in found.items() if name[3:] in groups} == {
        "f1_easy": 1.0,
        "f1_hard": pytest.approx(hard),
        "f1_small": 0.0,
    }
    assert found["worst_group_f1"] == pytest.approx(hard)
