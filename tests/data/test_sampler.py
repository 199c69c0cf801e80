"""The sampler: a pure function of (seed, step) that shows every row once a pass."""

from collections import Counter
from itertools import chain

import numpy as np
import pytest

from lit_prune.data.sampler import TaskBatchSampler, batches_per_pass, epoch_length

SETS = {
    "one": ({"nli": 10}, {"nli": 3}),
    "exact": ({"nli": 9}, {"nli": 3}),
    "three": ({"nli": 10, "qqp": 5, "sts": 2}, {"nli": 3, "qqp": 2, "sts": 4}),
}
NUM_EPOCHS = 5


LENGTHS = {"nli": [7, 3, 9, 1, 5, 5, 2, 8, 4, 6], "qqp": [2, 9, 4, 1, 7], "sts": [3, 1]}


def sampler(sets, first=0, seed=1, lengths=None):
    return TaskBatchSampler(*SETS[sets], seed=seed, lengths=lengths, first_batch=lambda: first)


def taken(sets, first, seed=1, lengths=None):
    """The batches from `first` to the end of the last epoch, an iterator per epoch, as a trainer asks for them."""
    batches = []
    while first + len(batches) < NUM_EPOCHS * len(sampler(sets)):
        batches += sampler(sets, first + len(batches), seed, lengths)
    return batches


grouped = pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["shuffled", "grouped"])


@grouped
@pytest.mark.parametrize("sets", SETS)
def test_an_iterator_begun_anywhere_gives_the_rest(sets, lengths):
    whole = taken(sets, 0, lengths=lengths)
    assert len(whole) == NUM_EPOCHS * len(sampler(sets))
    for first in range(len(whole)):
        assert taken(sets, first, lengths=lengths) == whole[first:]


@grouped
@pytest.mark.parametrize("sets", SETS)
def test_each_pass_over_a_task_shows_every_row_once(sets, lengths):
    whole = taken(sets, 0, lengths=lengths)
    for task, num_rows in SETS[sets][0].items():
        rows = [row for batch in whole for name, row in batch if name == task]
        passes = [rows[start : start + num_rows] for start in range(0, len(rows), num_rows)]
        assert len(passes) > 1
        assert all(sorted(each) == list(range(num_rows)) for each in passes[:-1])
        assert len(set(passes[-1])) == len(passes[-1])


@grouped
def test_an_iterator_over_weighted_rows_begun_anywhere_gives_the_rest(lengths):
    shares = {"nli": np.array([0.55, *[0.05] * 9])}

    def rest(first):
        return list(
            TaskBatchSampler(
                *SETS["one"], seed=1, lengths=lengths, first_batch=lambda: first, num_batches=12, row_shares=shares
            )
        )

    whole = rest(0)
    assert [len(batch) for batch in whole] == [3, 3, 3, 1] * 3
    for first in range(12):
        assert rest(first)[: 12 - first] == whole[first:]


def test_orders_differ_between_passes_and_seeds():
    whole = taken("one", 0)
    epochs = [tuple(chain(*whole[start : start + 4])) for start in range(0, len(whole), 4)]
    assert len(set(epochs)) == NUM_EPOCHS
    assert taken("one", 0, seed=2) != whole


def test_a_batch_is_of_one_task_and_full_but_for_the_last_of_a_pass():
    for batch in taken("three", 0):
        (task,) = {name for name, _ in batch}
        assert len(batch) in {"nli": (3, 1), "qqp": (2, 1), "sts": (2,)}[task]


def test_an_epoch_is_one_pass_over_every_task():
    assert {sets: len(sampler(sets)) for sets in SETS} == {"one": 4, "exact": 3, "three": 4 + 3 + 1}
    assert len(list(sampler("three"))) == 8


def test_tasks_are_drawn_alike_whatever_their_size():
    many = TaskBatchSampler({"large": 2999, "small": 1}, {"large": 1, "small": 1}, seed=0)
    counts = Counter(batch[0][0] for batch in many)
    assert counts["small"] == pytest.approx(1500, abs=100)


def test_every_epoch_draws_its_tasks_anew():
    whole = taken("three", 0)
    drawn = [tuple(batch[0][0] for batch in whole[start : start + 8]) for start in range(0, len(whole), 8)]
    assert len(set(drawn)) == NUM_EPOCHS


def test_the_start_is_read_when_the_iterator_is_made():
    position = 2
    each = TaskBatchSampler(*SETS["one"], seed=1, first_batch=lambda: position)
    batches = iter(each)
    position = 3
    assert list(batches) == list(sampler("one"))[2:]


def test_grouping_by_length_puts_rows_of_like_length_together_in_shuffled_batches():
    tokens = {"nli": [(17 * row) % 101 for row in range(101)]}
    batches = list(TaskBatchSampler({"nli": 101}, {"nli": 10}, seed=0, lengths=tokens))
    spans = [max(lengths) - min(lengths) for batch in batches if (lengths := [tokens["nli"][row] for _, row in batch])]
    assert max(spans) == 9
    longest = [max(tokens["nli"][row] for _, row in batch) for batch in batches]
    assert longest != sorted(longest)


def test_tasks_are_drawn_by_their_shares_and_small_ones_begin_anew_in_another_order():
    rows, sizes = {"large": 3000, "small": 2}, {"large": 1, "small": 1}
    batches = list(TaskBatchSampler(rows, sizes, seed=0, shares=np.array([0.9, 0.1]), num_batches=3000))
    small = [row for ((name, row),) in batches if name == "small"]
    assert len(batches) == 3000
    assert len(small) == pytest.approx(300, abs=50)
    passes = {tuple(small[start : start + 2]) for start in range(0, len(small) - 1, 2)}
    assert passes == {(0, 1), (1, 0)}


@pytest.mark.parametrize("per_step", [1, 2, 3])
def test_a_step_is_of_one_task_wherever_it_begins(per_step):
    def names(first, num_batches):
        rows, sizes = SETS["three"]
        drawn = TaskBatchSampler(
            rows, sizes, seed=1, first_batch=lambda: first, num_batches=num_batches, batches_per_step=per_step
        )
        return [batch[0][0] for batch in drawn]

    whole = names(0, 60)
    steps = [set(whole[start : start + per_step]) for start in range(0, 60, per_step)]
    assert all(len(step) == 1 for step in steps)
    assert len(set.union(*steps)) == 3
    assert names(12, 60) == whole[12:]
    assert names(0, 24) == whole[:24]  # how long an epoch is changes no draw


def test_an_epoch_is_as_long_as_is_said():
    per_pass = batches_per_pass(*SETS["three"])
    assert per_pass == {"nli": 4, "qqp": 3, "sts": 1}
    lengths = {given: epoch_length(per_pass, given) for given in (None, "sum", "max", "mean", 5)}
    assert lengths == {None: 8, "sum": 8, "max": 4, "mean": 3, 5: 5}
