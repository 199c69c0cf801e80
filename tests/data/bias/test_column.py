"""The bias model's predictions as a column."""

import numpy as np
import torch
from datasets import Dataset

from lit_prune.data.bias import ClaimBias
from lit_prune.data.bias.column import with_bias
from lit_prune.data.bias.vectors import embedding_vectors

NAMES = ("no", "yes")
ROWS = {"text_a": ["the doctor", "a judge", "the judge", "a doctor"], "text_b": [""] * 4, "label": [1, 0, 0, 1]}


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
