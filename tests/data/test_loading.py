"""The rows that a process gets of a batch; whole loaders are in test_module.py."""

from types import SimpleNamespace

import pytest
from datasets import Dataset

from lit_prune.data.loading import TaskRows

ROWS = Dataset.from_dict({"input_ids": [[number] for number in range(10)], "text_a": ["x"] * 10})
COLLATE = SimpleNamespace(columns=lambda task: {"input_ids"})


@pytest.mark.parametrize(("rank", "index", "weight"), [(0, [4, 6], 4 / 3), (1, [5], 2 / 3)])
def test_processes_share_a_batch_and_know_their_part(rank, index, weight):
    rows = TaskRows({"nli": ROWS}, COLLATE, rank, 2)
    batch = rows.__getitems__([("nli", number) for number in (4, 5, 6)])
    assert batch == {
        "task": "nli",
        "index": index,
        "weight": pytest.approx(weight),
        "input_ids": [[each] for each in index],
    }


def test_a_process_without_a_row_gets_one_of_no_weight():
    batch = TaskRows({"nli": ROWS}, COLLATE, 1, 2).__getitems__([("nli", 7)])
    assert (batch["index"], batch["weight"]) == ([7], 0.0)
