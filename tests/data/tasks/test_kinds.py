"""Tasks told in plain values and made again."""

import json

import pytest

from lit_prune.data import (
    ChoiceTask,
    GeneratedNli,
    MentionTask,
    MultiLabelTask,
    RegressionTask,
    Similarity,
    SpanTask,
    Task,
    TokenTask,
    Windows,
)
from lit_prune.data.tasks.kinds import describe, kind_of, rebuild
from lit_prune.errors import UserError

SOURCE = GeneratedNli(bias_rate=0.9, num_train=20, num_eval=10)
TASKS = [
    Task("nli", ["a", "b", "c"], SOURCE, positive="a", merge={"b": "not_a", "c": "not_a"}, max_length=12),
    Task("plain", ["a", "b"], SOURCE),
    MultiLabelTask("topics", ["a", "b"], SOURCE, max_length=7),
    MultiLabelTask("chosen", ["a", "b"], SOURCE, thresholds=[0.25, 0.5]),
    RegressionTask("score", SOURCE, max_length=7),
    Similarity("sts", SOURCE, max_length=7),
    ChoiceTask("copa", SOURCE, num_choices=3, max_length=7),
    MentionTask("wsc", ["other", "same"], SOURCE, positive="same", max_length=7),
    SpanTask("qa", SOURCE, Windows(max_length=40, stride=4, max_question_length=9)),
    TokenTask("ner", ["a", "b"], SOURCE, max_length=7, window_overlap=0.5),
    TokenTask("pos", ["a", "b"], SOURCE, entities=False),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_comes_back_from_what_is_told_of_it(task):
    again = rebuild(json.loads(json.dumps(describe(task))), SOURCE)
    assert type(again) is type(task)
    for name in ("name", "labels", "positive", "merge", "max_length"):
        assert getattr(again, name) == getattr(task, name)
    for name in task.settings:
        assert getattr(again, name) == getattr(task, name)


def test_a_class_of_another_package_is_one_of_classes():
    assert kind_of("lit_prune.data.SpanTask") == kind_of("lit_prune.data.tasks.span.SpanTask") == "SpanTask"
    assert kind_of("someone.SpanTask") == kind_of("lit_prune.data.Files") == "Task"

    class Own(Task):
        pass

    assert describe(Own("own", ["a", "b"], SOURCE))["kind"] == "Task"


def test_a_task_that_is_none_of_the_package_and_has_no_labels_is_refused():
    with pytest.raises(UserError, match=r"of task 'ranks', which has no labels"):
        rebuild({"kind": "Task", "name": "ranks"}, SOURCE)


class Wide(Task):
    """A task with a head of its own."""

    def make_head(self, encoder):
        return super().make_head(encoder)


def test_a_class_with_a_head_of_its_own_is_described_by_its_path_and_comes_back_by_its_plugin():
    described = describe(Wide("own", ["a", "b"], SOURCE, max_length=9))
    assert (described["kind"], described["class_path"]) == ("Task", f"{__name__}.Wide")
    again = rebuild(described, SOURCE, {f"{__name__}.Wide": Wide})
    assert (type(again), again.labels, again.max_length) == (Wide, ("a", "b"), 9)
