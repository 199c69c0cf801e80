"""A template grammar of natural-language inference with a planted overlap bias (Liu et al. 2022; McCoy et al. 2019).

Liu et al. 2022 (SRNets) study subnetworks under dataset bias; of McCoy et al. 2019 (HANS) is the idea of an
evaluation set in which every hypothesis is made of its premise's words and half of them do not follow. Sentences and
words are our own.
"""

import random
from collections.abc import Iterator
from functools import partial

from lit_prune.data.generated.corpus import check_arguments
from lit_prune.data.generated.nli_templates import LABELS, TEMPLATES
from lit_prune.data.generated.pairs import Cell, draw_family, overlapping_pairs


def generate_nli(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate premise/hypothesis pairs in which full word overlap predicts entailment at a chosen rate.

    In "train" and "id" labels are uniform and a row is bias-aligned with probability `bias_rate`: entailment <=> full
    overlap. In "ood" and "ood_train" every row has full overlap, half are entailed, the others are neutral or
    contradictory alike. Splits share no pair, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at .5 overlap predicts nothing.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (premise), text_b (hypothesis), label and group (template family).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("NLI", split, bias_rate)
    return overlapping_pairs("nli", split, num_rows, seed, partial(_draw_cell, split, bias_rate))


def _draw_cell(split: str, bias_rate: float, rng: random.Random) -> Cell:
    if split in ("ood", "ood_train"):
        return draw_family(rng, TEMPLATES, rng.choice(("entailment", "entailment", "neutral", "contradiction")), True)
    return draw_family(rng, TEMPLATES, *draw_biased(rng, bias_rate))


def draw_biased(rng: random.Random, bias_rate: float) -> tuple[str, bool]:
    """Draw a label, and whether the pair has full overlap, which it has if it is entailed at the bias rate."""
    label = rng.choice(LABELS)
    aligned = rng.random() < bias_rate
    return label, (label == "entailment") == aligned
