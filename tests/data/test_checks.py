import pytest
from rows import nli

from lit_prune.data.checks import check_lengths, check_numbers, chosen_tasks, selecting_tasks
from lit_prune.errors import UserError


def test_tasks_are_chosen_by_name_in_the_order_named():
    first, second = nli(), nli()
    second.name = "second"
    assert chosen_tasks([first, second], None) == {"nli": first, "second": second}
    assert list(chosen_tasks([first, second], ["second", "nli"])) == ["second", "nli"]
    assert chosen_tasks([first, second], ["second"]) == {"second": second}


def test_a_target_selects_alone():
    tasks = {"rte": nli(), "mnli": nli()}
    assert selecting_tasks(tasks, "rte") == {"rte": tasks["rte"]}
    assert selecting_tasks(tasks, None) == tasks


def test_an_unknown_target_is_an_error():
    with pytest.raises(UserError, match=r"unknown task 'cola' as data.target: choose from rte, mnli"):
        selecting_tasks({"rte": nli(), "mnli": nli()}, "cola")


@pytest.mark.parametrize(
    ("tasks", "only", "message"),
    [
        ([], None, r"data.tasks must be one or more tasks with different names, got \[\]"),
        ([nli(), nli()], None, r"data.tasks must be .*, got \['nli', 'nli'\]"),
        ([nli()], [], r"data.only must be names of data.tasks, each once, got \[\]: choose from \['nli'\]"),
        ([nli()], ["nli", "nli"], r"data.only must be .*, got \['nli', 'nli'\]"),
        ([nli()], ["mnli"], r"data.only must be .*, got \['mnli'\]"),
    ],
)
def test_no_task_two_of_one_name_and_unknown_names_are_errors(tasks, only, message):
    with pytest.raises(UserError, match=message):
        chosen_tasks(tasks, only)


@pytest.mark.parametrize(
    ("sizes", "fraction", "workers", "message"),
    [
        ({}, 1.0, 0, r"data.validation_fraction must be in \[0, 1\), got 1.0"),
        ({}, -0.1, 0, r"must be in \[0, 1\), got -0.1"),
        ({}, float("nan"), 0, r"must be in \[0, 1\), got nan"),
        ({"epoch_length": "sum", "batch_size": 0}, 0.0, 0, r"data.batch_size must be at least 1, got 0"),
        ({"epoch_length": 0}, 0.0, 0, r"data.epoch_length must be at least 1, got 0"),
        ({}, 0.0, -1, r"data.num_workers must be at least 0, got -1"),
    ],
)
def test_numbers_out_of_range_are_errors(sizes, fraction, workers, message):
    check_numbers({"epoch_length": "sum", "batch_size": None}, 0.0, 0)
    with pytest.raises(UserError, match=message):
        check_numbers(sizes, fraction, workers)


@pytest.mark.parametrize(
    ("max_length", "message"),
    [
        (-1, r"data.max_length must be at least 5, got -1: 3 are special tokens"),
        (4, r"data.max_length must be at least 5, got 4"),
        (57, r"data.max_length must be at most 56, got 57: the encoder has 60 positions"),
    ],
)
def test_a_length_is_one_for_the_encoder(tokenizer, max_length, message):
    tokenizer.model_max_length = 60
    check_lengths(56, [nli(max_length=5)], tokenizer)
    with pytest.raises(UserError, match=message):
        check_lengths(max_length, [], tokenizer)
    with pytest.raises(UserError, match=message.replace("max_length", "tasks: max_length of 'nli'", 1)):
        check_lengths(56, [nli(max_length=max_length)], tokenizer)
