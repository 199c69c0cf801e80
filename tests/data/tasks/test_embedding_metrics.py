"""Metrics of pairs of embeddings, against scipy and scikit-learn on random inputs."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import ndcg_score

from lit_prune.data.tasks.embedding_metrics import retrieval, similarity
from lit_prune.metrics import SMALLEST_GROUP


@pytest.mark.parametrize("seed", range(200))
def test_correlations_with_scores(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 60))
    digits = int(rng.integers(0, 3))  # with few digits there are ties
    cosines = rng.uniform(-1, 1, size).round(digits).astype(np.float32)
    scores = rng.uniform(0, 1, size).round(digits)
    groups = rng.choice(["", "left", "right"], size).tolist()
    values = similarity(torch.from_numpy(cosines), torch.from_numpy(scores), groups)
    assert values["spearman"] == pytest.approx(correlation(stats.spearmanr, cosines, scores), abs=1e-5)
    assert values["pearson"] == pytest.approx(correlation(stats.pearsonr, cosines, scores), abs=1e-5)
    large = []
    for group in {*groups} - {""}:
        rows = np.array(groups) == group
        expected = correlation(stats.spearmanr, cosines[rows], scores[rows])
        assert values[f"spearman_{group}"] == pytest.approx(expected, abs=1e-5)
        large += [expected] if rows.sum() >= SMALLEST_GROUP else []
    assert values.get("worst_group_spearman") == (pytest.approx(min(large), abs=1e-5) if large else None)


def correlation(function, left, right):
    return 0 if len(set(left)) < 2 or len(set(right)) < 2 else function(left, right).statistic


@pytest.mark.parametrize("seed", range(200))
def test_ranking_of_texts(seed):
    rng = np.random.default_rng(seed)
    num_queries, num_texts = int(rng.integers(1, 15)), int(rng.integers(2, 30))
    cosines = rng.uniform(-1, 1, (num_queries, num_texts)).astype(np.float32)
    if has_ties := seed % 2:
        cosines = cosines.round(1)
    relevant = rng.random((num_queries, num_texts)) < 0.15
    relevant[np.arange(num_queries), rng.integers(0, num_texts, num_queries)] = True
    groups = rng.choice(["", "easy"], num_queries).tolist()
    values = retrieval(torch.from_numpy(cosines), torch.from_numpy(relevant), groups)
    assert values["ndcg_at_10"] == pytest.approx(ndcg_score(relevant, cosines, k=10), abs=1e-5)
    rows = np.array(groups) == "easy"
    if rows.any():
        assert values["ndcg_at_10_easy"] == pytest.approx(ndcg_score(relevant[rows], cosines[rows], k=10), abs=1e-5)
    assert ("worst_group_ndcg_at_10" in values) == (rows.sum() >= SMALLEST_GROUP)
    if not has_ties:
        for top in (1, 10):
            nearest = np.argsort(-cosines, axis=1)[:, :top]
            found = np.take_along_axis(relevant, nearest, 1).sum(1) / relevant.sum(1)
            assert values[f"recall_at_{top}"] == pytest.approx(found.mean(), abs=1e-5)
