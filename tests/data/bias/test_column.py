"""The bias model's word on every training row: on those that it was fitted on, and on OOD rows."""

import math

import numpy as np
import pytest
import torch
from datasets import Dataset

from lit_prune.data import ClaimBias, GeneratedNli, OodTraining, OverlapBias, Task
from lit_prune.data.bias.column import biased_rows, with_bias
from lit_prune.data.bias.vectors import embedding_vectors
from lit_prune.data.module import MultitaskDataModule

NAMES = ("no", "yes")
ROWS = {
    "text_a": ["the doctor", "a judge", "the judge", "a doctor"],
    "text_b": [""] * 4,
    "label": [1, 0, 0, 1],
    "id": list("abcd"),
}
LABELS = ["contradiction", "entailment", "neutral"]


def task(num_ood_train=0, **options):
    source = GeneratedNli(num_train=200, num_eval=20, num_ood_train=num_ood_train)
    return Task("nli", LABELS, source, "entailment", bias=OverlapBias(), **options)


@pytest.fixture
def module(tokenizer):
    """A function: a task -> its data, prepared."""

    def make(of):
        table = torch.randn(len(tokenizer), 16, generator=torch.Generator().manual_seed(0))
        data = MultitaskDataModule([of], tokenizer, table, seed=3, validation_fraction=0.1, batch_size=16)
        data.setup("fit")
        return data

    return make


def test_the_bias_stands_beside_its_row(module):
    of = task()
    data = module(of)
    train = data.train["nli"]
    bias = np.array(train["bias"])
    assert bias.shape == (180, 3)
    np.testing.assert_allclose(np.exp(bias).sum(1), 1, rtol=1e-5)
    full = np.array(train["overlap"]) == 1
    assert 0.2 < full.mean() < 0.8
    assert bias[full, 1].mean() > bias[~full, 1].mean() + 1  # more overlap, more entailment
    source = {row["id"]: row for row in of.source.rows("train", None)}
    assert [LABELS[number] for number in train["label"]] == [source[name]["label"] for name in train["id"]]
    assert not any("bias" in each.rows.column_names for each in data.evaluation_sets)


def test_ood_rows_neither_change_the_bias_model_nor_have_a_bias(module):
    plain = module(task())
    informed = module(task(num_ood_train=30, ood_train=OodTraining(repeat=2)))
    bias = np.array(informed.train["nli"]["bias"])
    assert bias.shape == (240, 3)
    assert np.array_equal(bias[:180], np.array(plain.train["nli"]["bias"]))
    np.testing.assert_allclose(bias[180:], -math.log(3), rtol=1e-6)
    assert informed.bias_report == plain.bias_report
    assert list(biased_rows(informed.train["nli"])["id"]) == list(plain.train["nli"]["id"])


def test_batches_hold_ood_rows_beside_the_others(module):
    data = module(task(num_ood_train=30))
    batches = list(data.train_dataloader())
    index = torch.cat([batch.index for batch in batches])
    assert sorted(index.tolist()) == list(range(210))
    bias = torch.cat([batch.bias for batch in batches])
    assert bias.shape == (210, 3)
    torch.testing.assert_close(bias[index >= 180], torch.full((30, 3), -math.log(3)))


def test_training_sets_without_ood_rows_are_biased_throughout(module):
    train = module(task()).train["nli"]
    assert biased_rows(train) is train


def test_a_row_has_the_prediction_of_a_model_of_all_rows(tokenizer):
    table = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(0))
    rows = with_bias(Dataset.from_dict(ROWS), ClaimBias(), NAMES, tokenizer, table)
    vectors = embedding_vectors(lambda word: tokenizer.encode(word, add_special_tokens=False), table.numpy())
    expected = ClaimBias().fit_predict(ROWS["text_a"], ROWS["text_b"], np.array(ROWS["label"]), NAMES, vectors)
    np.testing.assert_allclose(rows["bias"][:], expected, rtol=1e-6)
    assert rows["text_a"][:] == ROWS["text_a"]


def test_what_changes_the_predictions_changes_the_cache(tokenizer):
    table, rows = torch.ones(len(tokenizer), 8), Dataset.from_dict(ROWS)
    first = with_bias(rows, ClaimBias(), NAMES, tokenizer, table)._fingerprint
    assert with_bias(rows, ClaimBias(), NAMES, tokenizer, table)._fingerprint == first
    changed = [(ClaimBias(C=9), NAMES, table), (ClaimBias(), ("a", "b"), table), (ClaimBias(), NAMES, table * 2)]
    for model, names, vectors in changed:
        assert with_bias(rows, model, names, tokenizer, vectors)._fingerprint != first
