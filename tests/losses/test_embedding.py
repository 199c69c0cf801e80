"""Losses of pairs of embeddings, against NumPy."""

import numpy as np
import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.losses import CosineSquaredError, EmbeddingDistillation, Examples, InBatchContrastive


@pytest.fixture
def embeddings():
    return torch.randn(10, 6, generator=torch.Generator().manual_seed(0))  # five pairs


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def test_a_pair_is_found_among_the_second_texts_of_the_batch(embeddings):
    first, second = unit(embeddings[::2].numpy()), unit(embeddings[1::2].numpy())
    scaled = 7 * first @ second.T
    expected = -np.mean(np.diag(scaled) - np.log(np.exp(scaled).sum(1)))
    value = InBatchContrastive(scale=7)(embeddings, Examples(torch.full((5,), torch.nan)))
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_the_cosine_predicts_the_score(embeddings):
    scores = np.linspace(0, 1, 5, dtype=np.float32)
    cosines = (unit(embeddings[::2].numpy()) * unit(embeddings[1::2].numpy())).sum(1)
    value = CosineSquaredError()(embeddings, Examples(torch.from_numpy(scores)))
    assert float(value) == pytest.approx(((cosines - scores) ** 2).mean(), rel=1e-5)


def test_distillation_compares_each_text_with_the_teachers(embeddings):
    teacher = torch.randn(10, 6, generator=torch.Generator().manual_seed(1))
    cosines = (unit(embeddings.numpy()) * unit(teacher.numpy())).sum(1)
    value = EmbeddingDistillation()(embeddings, Examples(torch.full((5,), torch.nan), teacher=teacher))
    assert float(value) == pytest.approx(1 - cosines.mean(), rel=1e-5)
    with pytest.raises(UserError, match="must have teacher, got None"):
        EmbeddingDistillation()(embeddings, Examples(torch.zeros(5)))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf")])
def test_a_scale_out_of_range_is_an_error(scale):
    with pytest.raises(UserError, match="scale of InBatchContrastive must be finite and above 0"):
        InBatchContrastive(scale)
