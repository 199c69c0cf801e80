"""Claims and evidence with a planted claim-only bias (Liu et al. 2022; Schuster et al. 2019).

Liu et al. 2022 (SRNets) take FEVER with its Symmetric sets as OOD sets; of Schuster et al. 2019 is the idea of a set in
which every claim occurs with evidence for it and with evidence against it. Sentences and words are our own.
"""

import random
from collections.abc import Iterator, Sequence

from lit_prune.data.generated.corpus import check_arguments, fill, split_of
from lit_prune.data.generated.facts_templates import LABELS, TEMPLATES
from lit_prune.data.generated.slots import Slots


def generate_facts(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate claims and evidence in which a cue in the claim predicts the label at a chosen rate.

    Every claim begins with a cue of one of three kinds, one for each label, that changes nothing of its truth. In
    "train" and "id" labels are uniform, and the cue is that of the label with probability `bias_rate`, else of another.
    In "ood" and "ood_train" the kind of the cue is drawn at random, and every claim occurs twice: with evidence that
    supports and with evidence that refutes it, so that the claim alone predicts nothing. Splits share no evidence,
    whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at 1/3 the cue predicts nothing.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (claim), text_b (evidence), label and group (template family).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("facts", split, bias_rate)
    return _generate(split, num_rows, bias_rate, seed)


def _generate(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    rng = random.Random(f"facts/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        if split in ("ood", "ood_train"):
            if index % 2 == 0:
                claim, both, family = _draw(rng, split, LABELS[:2], rng.choice(LABELS), seen)
            label, evidence = LABELS[index % 2], both[index % 2]
        else:
            label = rng.choice(LABELS)
            cue = label if rng.random() < bias_rate else rng.choice([other for other in LABELS if other != label])
            claim, (evidence,), family = _draw(rng, split, [label], cue, seen)
        seen.add((claim, evidence))
        yield {
            "id": f"facts-{split}-{seed}-{index}",
            "text_a": claim,
            "text_b": evidence,
            "label": label,
            "group": family,
        }


def _draw(
    rng: random.Random, split: str, labels: Sequence[str], cue: str, seen: set[tuple[str, str]]
) -> tuple[str, list[str], str]:
    """Draw a new claim with a kind of cue, evidence of this split for each of the labels, and its family."""
    family = rng.choice(list(TEMPLATES[labels[0]]))
    while True:  # the family stays, so that rejected rows do not shift its share
        slots = Slots(rng)
        pairs = [rng.choice(TEMPLATES[label][family]) for label in labels]
        claim = f"{fill('{cue_' + cue + '}', slots, ',')} {pairs[0][0].format_map(slots)}."
        evidence = [fill(text, slots) for _, text in pairs]
        if all(split_of(text) == split and (claim, text) not in seen for text in evidence):
            return claim, evidence, family
