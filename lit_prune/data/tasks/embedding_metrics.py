"""Metrics of pairs of embeddings: how their cosines follow scores, and how they rank texts for a query."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lit_prune.data.tasks.regression import correlation
from lit_prune.metrics import of_groups

TOP = 10  # texts found for a query


def similarity(cosines: Tensor, scores: Tensor, groups: Sequence[str]) -> dict[str, float]:
    """Compute how the cosines of pairs follow their scores.

    Args:
        cosines: (pairs,)
        scores: (pairs,)
        groups: The group of each pair, "" for none.

    Returns:
        `spearman` and `pearson`, 0 if one side is constant; `spearman_<group>` for each group, and
        `worst_group_spearman`, the lowest over groups of at least `SMALLEST_GROUP` pairs.
    """

    def spearman(pairs: Tensor) -> float:
        return correlation(cosines[pairs], scores[pairs])["spearman"]

    overall = correlation(cosines, scores)
    return {name: overall[name] for name in ("pearson", "spearman")} | of_groups("spearman", groups, spearman)


def retrieval(cosines: Tensor, relevant: Tensor, groups: Sequence[str]) -> dict[str, float]:
    """Compute how the cosines rank texts for queries.

    Args:
        cosines: Of each query with each text (queries, texts).
        relevant: True if a text belongs to a query (queries, texts) bool; every query has such a text.
        groups: The group of each query, "" for none.

    Returns:
        Means over queries: `ndcg_at_10`, the normalised discounted cumulative gain of the ten nearest texts, ties
        averaged, and `recall_at_1` and `recall_at_10`, the share of a query's texts among the nearest,
        ties broken arbitrarily;
        `ndcg_at_10_<group>` for each group, and `worst_group_ndcg_at_10`, the lowest over groups of at least
        `SMALLEST_GROUP` queries.
    """
    from torchmetrics.functional.retrieval import retrieval_normalized_dcg, retrieval_recall

    positive = cosines.double() + 2  # torchmetrics' recall never finds what has a score of 0 or less

    def of_queries(function: Callable[..., Tensor], top_k: int) -> Tensor:
        return torch.stack([function(*query, top_k=top_k) for query in zip(positive, relevant, strict=True)])

    gains = of_queries(retrieval_normalized_dcg, TOP)
    recalls = {f"recall_at_{top}": float(of_queries(retrieval_recall, top).mean()) for top in (1, TOP)}
    name = f"ndcg_at_{TOP}"
    return {name: float(gains.mean())} | recalls | of_groups(name, groups, lambda queries: float(gains[queries].mean()))
