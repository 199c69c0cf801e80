"""Version 2 of the generated NLI corpus: a planted overlap bias, and OOD sets that only both texts together solve.

In version 1 the OOD labels can largely be read from the premise alone. Here each premise and each form of hypothesis
of the OOD sets is entailed half of the time. The idea of an evaluation set in which every hypothesis is made of its
premise's words is that of McCoy et al. 2019 (HANS). Sentences and words are our own.
"""

import random
from collections.abc import Iterator, Mapping
from functools import partial

from lit_prune.data.generated import lexicon
from lit_prune.data.generated.corpus import Templates, check_arguments
from lit_prune.data.generated.matched_nli_templates import HELD_OUT, TRAINED, Construction
from lit_prune.data.generated.nli import draw_biased
from lit_prune.data.generated.nli_templates import LABELS, TEMPLATES
from lit_prune.data.generated.pairs import Cell, draw_family, overlapping_pairs

SPLITS = ("train", "id", "ood", "ood_heldout", "ood_train")


def generate_matched_nli(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate premise/hypothesis pairs in which full word overlap predicts entailment at a chosen rate.

    In "train" and "id" labels are uniform and a row is bias-aligned with probability `bias_rate`: entailment <=> full
    overlap. In the other splits every row has full overlap: a premise is drawn first, then whether the hypothesis
    follows, with probability 1/2. The families of constructions in "ood_heldout" are in no other split; the nouns,
    verbs and adjectives in "ood" and "ood_heldout" are in no other splits. Splits share no pair, whatever their seeds;
    a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of `SPLITS`.
        num_rows: Number of rows.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at .5 overlap predicts nothing.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (premise), text_b (hypothesis), label and group (family).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("NLI", split, bias_rate, SPLITS)
    if split in ("train", "id"):
        draw = partial(_draw_biased, bias_rate)
    else:
        draw = partial(_draw_matched, HELD_OUT if split == "ood_heldout" else TRAINED)
    words = lexicon.HELD_OUT if split in ("ood", "ood_heldout") else lexicon.TRAINING
    return overlapping_pairs("nli2", split, num_rows, seed, draw, splits=SPLITS, lexicon=words)


def _draw_biased(bias_rate: float, rng: random.Random) -> Cell:
    return draw_family(rng, _TEMPLATES, *draw_biased(rng, bias_rate))


def _draw_matched(families: Mapping[str, list[Construction]], rng: random.Random) -> Cell:
    family = rng.choice(list(families))
    construction = rng.choice(families[family])
    label, hypothesis = rng.choice(construction.outcomes(is_entailed=rng.random() < 0.5))
    return Cell(label, family, [(construction.premise, hypothesis)], is_high=True)


def _by_label(families: Mapping[str, list[Construction]]) -> Templates:
    """Return the pairs of templates by label and family."""
    found: Templates = {label: {} for label in LABELS}
    for family, constructions in families.items():
        for each in constructions:
            for label, hypothesis in each.hypotheses:
                found[label].setdefault(family, []).append((each.premise, hypothesis))
    return found


_TEMPLATES = {True: _by_label(TRAINED), False: TEMPLATES[False]}
