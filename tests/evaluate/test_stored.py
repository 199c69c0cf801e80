"""Stored logits are read again only for what they were computed from, and only whole."""

from pathlib import Path

import datasets
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file

from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.evaluate.stored import logits_path, read_logits, write_logits

ROWS = {"input_ids": [[1, 2, 3], [4], [5, 6]], "label": [0, 1, 0]}
COLUMNS = ["attention_mask", "input_ids"]  # the first is not there


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", Path(tmp_path))


def a_set(rows=ROWS, task="own", **options):
    return EvaluationSet(task, "train", Dataset.from_dict(rows), ("no", "yes"), (0, 1), **options)


def test_logits_are_read_as_they_were_written():
    logits = torch.randn(3, 2)
    path = logits_path(["weights"], a_set(), COLUMNS)
    assert read_logits(path, a_set()) is None
    write_logits(path, logits)
    assert torch.equal(read_logits(path, a_set()), logits)


def test_the_file_is_of_what_the_model_reads():
    path = logits_path(["weights", "bert"], a_set(), COLUMNS)
    assert logits_path(["weights", "bert"], a_set(ROWS | {"label": [1, 1, 1]}), COLUMNS) == path
    assert logits_path(["other", "bert"], a_set(), COLUMNS) != path
    assert logits_path(["weights", "bert"], a_set(task="another"), COLUMNS) != path
    for tokens in ([[1, 2, 3], [4], [5, 7]], [[1, 2], [3, 4], [5, 6]], [[4], [1, 2, 3], [5, 6]]):
        assert logits_path(["weights", "bert"], a_set(ROWS | {"input_ids": tokens}), COLUMNS) != path


def test_rows_that_were_selected_are_those_that_were_written():
    many = Dataset.from_dict({"input_ids": [[9], *ROWS["input_ids"], [8, 8]], "label": [0, *ROWS["label"], 1]})
    chosen = EvaluationSet("own", "train", many.select([1, 2, 3]), ("no", "yes"), (0, 1))
    assert logits_path(["weights"], chosen, COLUMNS) == logits_path(["weights"], a_set(), COLUMNS)


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def shorten(path):
    write_logits(path, load_file(path)["logits"][:2])


def rename(path):
    save_file({"other": torch.zeros(3, 2)}, path)


@pytest.mark.parametrize("damage", [cut, flip, shorten, rename, Path.unlink])
def test_a_damaged_file_is_none(damage):
    path = logits_path(["weights"], a_set(), COLUMNS)
    write_logits(path, torch.randn(3, 2))
    damage(path)
    assert read_logits(path, a_set()) is None
