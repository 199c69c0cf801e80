"""A user's own source, of whatever rows, is a task's source like ours."""

import pytest
import torch
from transformers import AutoTokenizer

from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.data.sources import Row, Source
from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.task import Task


class Poems(Source):
    """Single texts from memory."""

    def __init__(self, lines: dict[str, list[str]]) -> None:
        self.lines = lines

    def available(self, root):
        return list(self.lines)

    def fingerprint(self, split, root):
        return {"lines": self.lines[split]}

    def rows(self, split, root):
        for number, line in enumerate(self.lines[split]):
            yield Row(id=f"{split}-{number}", text_a=line, text_b="", label="ab"[number % 2], group="")


def test_a_users_own_source_becomes_a_tasks_sets(tiny_backbone):
    tokenizer = AutoTokenizer.from_pretrained(tiny_backbone)
    task = Task("poems", ["a", "b"], Poems({"train": ["x y", "y", "z"], "id": ["x"], "ood_sonnets": ["y"]}), "a")
    train, sets = prepare_task(task, Preparation(tokenizer, None, 16, 0.0, 0), torch.zeros(len(tokenizer), 16))
    assert list(train["id"]) == ["train-0", "train-1", "train-2"]
    assert list(train["label"]) == [0, 1, 0]
    assert list(train["input_ids"]) == tokenizer(["x y", "y", "z"])["input_ids"]
    assert [each.name for each in sets] == ["poems/id", "poems/ood_sonnets"]


def test_a_source_needs_all_three_methods():
    class Half(Source):
        def rows(self, split, root):
            yield

    with pytest.raises(TypeError, match=r"available.*fingerprint"):
        Half()


def test_a_source_without_rows_has_no_split():
    assert NoRows().available(None) == []
    assert list(NoRows().rows("id", None)) == []
    assert NoRows().fingerprint("id", None) == {}
