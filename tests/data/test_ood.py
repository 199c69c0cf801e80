"""What OOD rows in the training set stand for."""

import pytest

from lit_prune.data.ood import OodTraining, classes_of_labels, is_ood
from lit_prune.errors import UserError

LABELS = ("contradiction", "entailment", "neutral")


def test_a_label_is_trained_as_a_class_or_as_any_of_several():
    told = OodTraining(labels={"no": "contradiction", "open": ["neutral", "entailment"], "yes": ["entailment"]})
    assert told.label_ids(LABELS) == {"no": 0, "open": 3, "yes": 1}
    assert told.merged(LABELS) == {"open": (2, 1)}
    assert classes_of_labels(3, told.merged(LABELS)) == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [False, True, True],
    ]


def test_ood_sets_go_by_their_names():
    assert all(map(is_ood, ["ood", "ood_hans", "validation_ood"]))
    assert not any(map(is_ood, ["train", "id", "id_mismatched", "validation", "ood_train", "oodles"]))


def test_by_default_there_is_nothing_to_say():
    assert OodTraining().label_ids(LABELS) == {}
    assert OodTraining().merged(LABELS) == {}
    assert OodTraining().repeat == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repeat": 0}, r"ood_train.repeat of task t must be at least 1, got 0"),
        (
            {"labels": {"neutral": "contradiction"}},
            r"ood_train.labels of task t must not be its own, got 'neutral'",
        ),
        ({"labels": {"no": "contradicts"}}, r"got 'contradicts' for 'no': choose from .*contradiction"),
        ({"labels": {"no": []}}, r"got \[\] for 'no'"),
        ({"labels": {"no": ["neutral", "neutral"]}}, r"got \['neutral', 'neutral'\] for 'no'"),
    ],
)
def test_what_does_not_fit_the_classes_is_refused(arguments, message):
    OodTraining(labels={"no": "contradiction"}).check(LABELS, "task t")
    with pytest.raises(UserError, match=message):
        OodTraining(**arguments).check(LABELS, "task t")
