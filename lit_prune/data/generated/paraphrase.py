"""Pairs of questions with a planted overlap bias: duplicates share their words (Liu et al. 2022; Zhang et al. 2019).

Liu et al. 2022 (SRNets) take QQP with PAWS as OOD set; of Zhang et al. 2019 (PAWS) is the idea of pairs that all share
their words and of which many ask for something else. Questions and words are our own.
"""

import random
from collections.abc import Iterator
from functools import partial

from lit_prune.data.generated.corpus import check_arguments
from lit_prune.data.generated.pairs import Cell, draw_family, overlapping_pairs
from lit_prune.data.generated.paraphrase_templates import TEMPLATES

LABELS = ("not_duplicate", "duplicate")
MIN_HIGH_OVERLAP = 0.8


def generate_paraphrase(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate pairs of questions in which high word overlap predicts a duplicate at a chosen rate.

    In "train" and "id" labels are uniform and a row is bias-aligned with probability `bias_rate`: duplicate <=> high
    overlap. In "ood" and "ood_train" every row has high overlap, and half are duplicates. Splits share no pair,
    whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at .5 overlap predicts nothing.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a, text_b, label and group (template family).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("paraphrase", split, bias_rate)
    draw = partial(_draw_cell, split, bias_rate)
    return overlapping_pairs("paraphrase", split, num_rows, seed, draw, MIN_HIGH_OVERLAP, "?")


def _draw_cell(split: str, bias_rate: float, rng: random.Random) -> Cell:
    label = rng.choice(LABELS)
    if split in ("ood", "ood_train"):
        return draw_family(rng, TEMPLATES, label, True)
    aligned = rng.random() < bias_rate
    return draw_family(rng, TEMPLATES, label, (label == "duplicate") == aligned)
