"""Pairs of texts in which word overlap is planted: what the NLI and the paraphrase corpora are drawn by."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lit_prune.data.generated.corpus import SPLITS, Templates, fill, overlap, split_of
from lit_prune.data.generated.lexicon import WHOLE, Lexicon
from lit_prune.data.generated.slots import Slots

MAX_LOW_OVERLAP = 0.6


class Cell(NamedTuple):
    """The draw of a row before that of its words.

    Args:
        label: The label.
        family: The template family.
        templates: Pairs of templates, one of which is drawn.
        is_high: True if word overlap is high.
    """

    label: str
    family: str
    templates: Sequence[tuple[str, str]]
    is_high: bool


def overlapping_pairs(
    name: str,
    split: str,
    num_rows: int,
    seed: int,
    draw_cell: Callable[[random.Random], Cell],
    min_high_overlap: float = 1.0,
    end: str = ".",
    splits: Sequence[str] = SPLITS,
    lexicon: Lexicon = WHOLE,
) -> Iterator[dict[str, str]]:
    """Draw rows one by one: a cell, a template, its words.

    Args:
        name: The corpus; begins the ids.
        split: Pairs belong to one split only.
        num_rows: Number of rows.
        seed: Seed of the draw.
        draw_cell: Draws the cell of a row.
        min_high_overlap: Minimum share of the second text's words that occur in the first where overlap is high; where
            it is low they are `MAX_LOW_OVERLAP` at most.
        end: The punctuation mark that ends every text.
        splits: All splits of the corpus.
        lexicon: The content words.

    Returns:
        Rows with the keys id, text_a, text_b, label and group (template family).
    """
    rng = random.Random(f"{name}/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        cell = draw_cell(rng)
        while True:  # the cell stays, so that rejected pairs do not shift shares of labels and families
            slots = Slots(rng, lexicon)
            first, second = (fill(template, slots, end) for template in rng.choice(cell.templates))
            pair = first, second
            share = overlap(*pair)
            fits = share >= min_high_overlap if cell.is_high else share <= MAX_LOW_OVERLAP
            if pair not in seen and split_of("\t".join(pair), splits) == split and fits:
                break
        seen.add(pair)
        yield {
            "id": f"{name}-{split}-{seed}-{index}",
            "text_a": first,
            "text_b": second,
            "label": cell.label,
            "group": cell.family,
        }


def draw_family(rng: random.Random, templates: Mapping[bool, Templates], label: str, is_high: bool) -> Cell:
    """Draw a family of templates with a label.

    Args:
        rng: The draw.
        templates: Is overlap high? -> the templates.
        label: The label.
        is_high: True if overlap is high.
    """
    families = templates[is_high][label]
    family = rng.choice(list(families))
    return Cell(label, family, families[family], is_high)
