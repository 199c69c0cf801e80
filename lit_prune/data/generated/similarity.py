"""Pairs of sentences whose likeness is a number from 0 to 5, as of STS-B (Cer et al. 2017): how many facts they share.

Each sentence has five facts: who did what to whom, where and on which day. Which of them the second sentence keeps is
drawn, and so the truth is known. The bias is word overlap. Sentences and words are our own.
"""

import random
from collections.abc import Iterator, Mapping

from lit_prune.data.generated.corpus import check_arguments, check_split, fill, split_of
from lit_prune.data.generated.slots import Slots

FACTS = ("subject", "verb", "object", "place", "day")
_SENTENCE = "{subject} {verb} {object} in the {place} on {day}"
_KEPT = {"subject": "{s}", "verb": "{v}", "object": "{o}", "place": "{p}", "day": "{day}"}
_REWORDED = _KEPT | {"subject": "{s_alt}", "verb": "{v_alt}", "object": "{o_alt}"}
_SWAPPED = {"subject": "{o}", "object": "{s}"}


def generate_similarity(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate pairs of sentences in which word overlap predicts similarity at a chosen rate.

    In "train" and "id" a row is bias-aligned with probability `bias_rate`: what is kept is said in the same words, what
    is not in others. In the other rows, and in all of "ood" and "ood_train", persons and deeds that are kept are said
    in other words, and where neither person is kept they change places. Splits share no pair, whatever their seeds; a
    smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1].
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a, text_b, label (0 to 5, uniform) and group (whether the row is
        bias-aligned).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("similarity", split, bias_rate)
    rng = random.Random(f"similarity/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        num_kept = rng.randint(0, len(FACTS))
        kept = set(rng.sample(FACTS, num_kept))
        aligned = split in ("train", "id") and rng.random() < bias_rate
        while (pair := _pair(rng, kept, aligned)) in seen or split_of("\t".join(pair)) != split:
            pass
        seen.add(pair)
        yield {
            "id": f"similarity-{split}-{seed}-{index}",
            "text_a": pair[0],
            "text_b": pair[1],
            "label": str(num_kept),
            "group": "aligned" if aligned else "opposed",
        }


def generate_restatements(split: str, num_rows: int, seed: int) -> Iterator[dict[str, str]]:
    """Generate pairs of sentences that state the same five facts in other words.

    Splits share no pair, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: "train" or "id".
        num_rows: How many rows to generate.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a, text_b, label ("") and group ("").

    Raises:
        UserError: The split is unknown.
    """
    check_split("restatements", split, ("train", "id"))
    rng = random.Random(f"restatements/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        while (pair := _pair(rng, set(FACTS), aligned=False)) in seen or split_of("\t".join(pair)) != split:
            pass
        seen.add(pair)
        name = f"restatements-{split}-{seed}-{index}"
        yield {"id": name, "text_a": pair[0], "text_b": pair[1], "label": "", "group": ""}


def _pair(rng: random.Random, kept: set[str], aligned: bool) -> tuple[str, str]:
    first, second = Slots(rng), Slots(rng)
    while not _differ(first, second):
        second = Slots(rng)
    said = {fact: template.format_map(first) for fact, template in _KEPT.items()}
    templates: Mapping[str, str] = _KEPT if aligned else _REWORDED
    other = {
        fact: templates[fact].format_map(first) if fact in kept else _KEPT[fact].format_map(second) for fact in FACTS
    }
    if not aligned and not kept & _SWAPPED.keys():
        other |= {fact: template.format_map(first) for fact, template in _SWAPPED.items()}
    return fill(_SENTENCE, said), fill(_SENTENCE, other)


def _differ(first: Slots, second: Slots) -> bool:
    """Return True if two sentences share no fact: persons of another kind, another deed, place and day."""
    persons = {slots[f"{person}_hypernym"] for slots in (first, second) for person in "so"}
    return len(persons) == 4 and all(first[slot] != second[slot] for slot in ("v", "p", "day"))
