"""Batches: what is padded, and how far."""

from types import SimpleNamespace

import pytest
import torch

from lit_prune.data.batch import NO_LABEL, Collate, padded_length


def task(*head_inputs):
    return SimpleNamespace(label_classes=None, head_inputs=head_inputs, labels_tokens=False)


def collate(tokenizer, *head_inputs):
    return Collate(tokenizer, {"nli": task(*head_inputs)})


def rows(tokenizer, *texts, **columns):
    count = {"task": "nli", "weight": 0.5, "index": list(range(len(texts))), "label": [1] * len(texts)}
    return {**count, **tokenizer(list(texts)), "overlap": [0.5] * len(texts), **columns}


@pytest.mark.parametrize(("num_words", "length"), [(1, 8), (6, 8), (7, 16), (14, 16), (15, 24)])
def test_rows_are_padded_to_a_multiple_of_eight(tokenizer, num_words, length):
    batch = collate(tokenizer)(rows(tokenizer, "a", " ".join(["a"] * num_words)))
    assert set(batch.inputs) == set(tokenizer.model_input_names)
    assert all(each.shape == (2, length) for each in batch.inputs.values())
    assert padded_length(num_words + 2) == length
    assert batch.inputs["attention_mask"].sum(1).tolist() == [3, num_words + 2]
    padding = batch.inputs["attention_mask"] == 0
    assert (batch.inputs["input_ids"][padding] == tokenizer.pad_token_id).all()
    assert (batch.inputs["input_ids"][~padding] != tokenizer.pad_token_id).all()


def test_a_batch_says_its_task_labels_and_rows(tokenizer):
    batch = collate(tokenizer)(rows(tokenizer, "a", "b", label=[2, 0], index=[7, 3]))
    assert batch.task == "nli"
    assert batch.labels.tolist() == [2, 0]
    assert batch.labels.dtype == torch.int64
    assert batch.index.tolist() == [7, 3]
    assert batch.weight == 0.5


def test_labels_of_merged_classes_come_with_what_they_are(tokenizer):
    classes = torch.tensor([[True, False], [False, True], [True, True]])
    tasks = {"nli": SimpleNamespace(label_classes=classes, head_inputs=(), labels_tokens=False), "other": task()}
    make = Collate(tokenizer, tasks)
    batch = make(rows(tokenizer, "a", "b", label=[2, 0]))
    assert batch.labels.tolist() == [2, 0]
    assert torch.equal(batch.classes, classes)
    assert make({**rows(tokenizer, "a"), "task": "other"}).classes is None
    assert collate(tokenizer)(rows(tokenizer, "a")).classes is None


def test_spans_come_along_where_there_are_some_for_the_head(tokenizer):
    assert collate(tokenizer)(rows(tokenizer, "a", "b")).head_inputs == {}
    spans = [[[1, 1], [1, 2]], [[0, 1], [2, 2]]]
    (name, found), *others = collate(tokenizer, "spans")(rows(tokenizer, "a", "b", spans=spans)).head_inputs.items()
    assert (name, found.tolist(), others) == ("spans", spans, [])


def test_labels_of_tokens_are_padded_like_the_tokens(tokenizer):
    of_tokens = SimpleNamespace(label_classes=None, head_inputs=(), labels_tokens=True)
    labels = [[NO_LABEL, 2, NO_LABEL], [NO_LABEL, 1, 0, 1, NO_LABEL]]
    batch = Collate(tokenizer, {"nli": of_tokens})(rows(tokenizer, "a", "b c d", label=labels))
    assert batch.labels.tolist() == [each + [NO_LABEL] * (8 - len(each)) for each in labels]
    assert batch.labels.shape == batch.inputs["input_ids"].shape


def test_the_bias_comes_along_where_there_is_one(tokenizer):
    assert collate(tokenizer)(rows(tokenizer, "a", "b")).bias is None
    bias = [[-1.0, -0.5], [-2.0, -0.25]]
    batch = collate(tokenizer)(rows(tokenizer, "a", "b", bias=bias))
    assert torch.equal(batch.bias, torch.tensor(bias))
    assert batch.bias.dtype == torch.float32
