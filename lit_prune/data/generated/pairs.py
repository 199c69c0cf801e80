"""Pairs of texts in which word overlap is planted: what the NLI and the paraphrase corpus are drawn by."""

import random
from collections.abc import Callable, Iterator, Mapping

from lit_prune.data.generated.corpus import Templates, fill, overlap, split_of
from lit_prune.data.generated.slots import Slots

MAX_LOW_OVERLAP = 0.6


def overlapping_pairs(
    name: str,
    split: str,
    num_rows: int,
    seed: int,
    templates: Mapping[bool, Templates],
    draw_cell: Callable[[random.Random], tuple[str, bool]],
    min_high_overlap: float,
    end: str,
) -> Iterator[dict[str, str]]:
    """Draw rows one by one: a cell (label, whether overlap is high), a family, a template, its words.

    Args:
        name: The corpus; begins the ids.
        split: Pairs belong to one split only.
        num_rows: How many rows to draw.
        seed: Seed of the draw.
        templates: Is overlap high? -> the templates.
        draw_cell: Draws the cell of a row.
        min_high_overlap: Least share of the second text's words that occur in the first where overlap is high; where
            it is low they are `MAX_LOW_OVERLAP` at most.
        end: The punctuation mark that ends every text.

    Returns:
        Rows with the keys id, text_a, text_b, label and group (template family).
    """
    rng = random.Random(f"{name}/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        label, high = draw_cell(rng)
        families = templates[high][label]
        family = rng.choice(list(families))
        while True:  # the cell and family stay, so that rejected pairs do not shift their shares
            slots = Slots(rng)
            first, second = (fill(template, slots, end) for template in rng.choice(families[family]))
            pair = first, second
            share = overlap(*pair)
            fits = share >= min_high_overlap if high else share <= MAX_LOW_OVERLAP
            if pair not in seen and split_of("\t".join(pair)) == split and fits:
                break
        seen.add(pair)
        yield {
            "id": f"{name}-{split}-{seed}-{index}",
            "text_a": first,
            "text_b": second,
            "label": label,
            "group": family,
        }
