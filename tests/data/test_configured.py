import pytest

from lit_prune.data.configured import configured_tasks

TASKS = [{"class_path": "a.Task", "init_args": {"name": name, "labels": ["x"]}} for name in ("nli", "qqp")]


def test_the_tasks_that_a_run_has_are_those_it_was_told_to_use():
    assert list(configured_tasks({"data": {"tasks": TASKS}})) == ["nli", "qqp"]
    assert list(configured_tasks({"data": {"tasks": TASKS, "only": None}})) == ["nli", "qqp"]
    chosen = {"qqp": {"kind": "Task", "class_path": "a.Task", "name": "qqp", "labels": ["x"]}}
    assert configured_tasks({"data": {"tasks": TASKS, "only": ["qqp"]}}) == chosen


def test_a_task_without_a_name_is_no_key():
    with pytest.raises(KeyError, match="name"):
        configured_tasks({"data": {"tasks": [{"init_args": {}}]}})
