"""Claims and evidence with a planted claim-only bias (Liu et al. 2022; Schuster et al. 2019).

Liu et al. 2022 (SRNets) take FEVER with its Symmetric sets as OOD sets; of Schuster et al. 2019 is the idea of a set in
which every claim occurs with evidence for it and with evidence against it. Sentences and words are our own.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from lit_prune.data.generated.corpus import check_arguments, fill, split_of, tokens
from lit_prune.data.generated.facts_templates import CLAIMS, EVIDENCE
from lit_prune.data.generated.slots import Slots

LABELS = ("supports", "refutes", "not_enough_info")
DECIDING = ("stated", "contrasted")


class _Scene(NamedTuple):
    """Two claims that exclude each other, and what is known.

    Attributes:
        kind: Kind of the evidence.
        claims: Their texts, without a cue.
        evidence: What supports the first and refutes the second, and the other way round; or twice what leaves both
            open.
    """

    kind: str
    claims: tuple[str, str]
    evidence: tuple[str, str]


def generate_facts(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate claims and evidence in which a cue in the claim predicts the label at a chosen rate.

    Every claim begins with a cue of one of three kinds, one for each label, that changes nothing of its truth. In
    "train" and "id" labels are uniform, and the cue is that of the label with probability `bias_rate`, else of another.
    "ood" and "ood_train" come in fours: two claims that exclude each other, each with evidence that supports and with
    evidence that refutes it, so that the claim alone says nothing; their labels are supports and refutes. Splits share
    no evidence, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at 1/3 the cue says nothing of the label.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (claim), text_b (evidence), label and group (kind of evidence).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("facts", split, bias_rate)
    return _generate(split, num_rows, bias_rate, seed)


def _generate(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    rng = random.Random(f"facts/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    index = 0
    while index < num_rows:
        drawn = _symmetric(rng, split) if split in ("ood", "ood_train") else _biased(rng, split, bias_rate)
        if any(row[:2] in seen for row in drawn):
            continue
        seen |= {row[:2] for row in drawn}
        for claim, evidence, label, kind in drawn[: num_rows - index]:
            yield {
                "id": f"facts-{split}-{seed}-{index}",
                "text_a": claim,
                "text_b": evidence,
                "label": label,
                "group": kind,
            }
            index += 1


def _biased(rng: random.Random, split: str, bias_rate: float) -> list[tuple[str, str, str, str]]:
    """One row: claim, evidence, label, kind of the evidence."""
    label = rng.choice(LABELS)
    cue = label if rng.random() < bias_rate else rng.choice([other for other in LABELS if other != label])
    scene = _scene(rng, split, rng.choice(DECIDING) if label in LABELS[:2] else "open")
    return [(_with_cue(rng, cue, scene.claims[0]), scene.evidence[label == "refutes"], label, scene.kind)]


def _symmetric(rng: random.Random, split: str) -> list[tuple[str, str, str, str]]:
    """Four rows: two claims that exclude each other, each with evidence for and against it."""
    scene = _scene(rng, split, rng.choice(DECIDING))
    claims = [_with_cue(rng, rng.choice(LABELS), claim) for claim in scene.claims]
    return [
        (claims[number], scene.evidence[number ^ refuted], LABELS[refuted], scene.kind)
        for refuted in (0, 1)
        for number in (0, 1)
    ]


def _scene(rng: random.Random, split: str, kind: str) -> _Scene:
    """Draw until both pieces of evidence belong to the split; by their words, whatever the order."""
    while True:
        dimension = rng.choice(list(CLAIMS))
        (first, second), claims = CLAIMS[dimension]
        slots = Slots(rng)
        named = slots[first], slots[second]
        claim, evidence = rng.choice(claims), rng.choice(EVIDENCE[kind][dimension])
        orders = (named, named[::-1]) if kind != "open" else [rng.sample(named, 2)] * 2
        texts = [_about(evidence, slots, *order) for order in orders]
        if all(split_of(" ".join(sorted(tokens(text)))) == split for text in texts):
            about = [_about(claim, slots, name) for name in named]
            return _Scene(kind, (about[0], about[1]), (texts[0], texts[1]))


def _about(template: str, slots: Slots, first: str, second: str = "") -> str:
    slots |= {"A": first, "B": second, "C": first}
    return fill(template, slots)


def _with_cue(rng: random.Random, cue: str, claim: str) -> str:
    return f"{fill('{cue_' + cue + '}', Slots(rng), ',')} {claim[0].lower()}{claim[1:]}"
