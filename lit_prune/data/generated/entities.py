"""Sentences with names of persons, places and organisations, as of CoNLL-2003 (Tjong Kim Sang & De Meulder 2003).

The bias is a name's ending; what stands around a name always decides. Sentences and names are our own.
"""

import random
from collections.abc import Iterator
from typing import Any

from lit_prune.data.generated import words
from lit_prune.data.generated.corpus import check_arguments, split_of
from lit_prune.data.generated.entities_templates import BEGINNINGS, CLAUSES, ENDINGS, LINKS, VOWELS
from lit_prune.data.sources.words import find_words

_NUM_CLAUSES = 2
_IN_DISTRIBUTION = ("train", "id")


def generate_entities(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, Any]]:
    """Generate sentences of two clauses with a name each, whose ending predicts its type at a chosen rate.

    In "train" and "id" a sentence is bias-aligned with probability `bias_rate`: its names have endings of their types.
    In the other sentences, and in all of "ood" and "ood_train", they have endings of another type. The clause around a
    name always decides. Names are one or two words; those of "ood" and "ood_train" have none of the beginnings of
    "train" and "id". Splits share no sentence, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at 1/3 the ending predicts nothing.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a, text_b (""), label (""), group ("aligned" or "opposed"), words and
        tags (in BIO).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("entities", split, bias_rate)
    rng = random.Random(f"entities/{split}/{seed}")
    seen: set[str] = set()
    for index in range(num_rows):
        aligned = split in _IN_DISTRIBUTION and rng.random() < bias_rate
        types = [rng.choice(list(CLAUSES)) for _ in range(_NUM_CLAUSES)]
        while True:  # types and alignment stay, so that rejected rows do not shift their shares
            names = [_name(rng, split, kind, aligned) for kind in types]
            text = _sentence(rng, types, names)
            if text not in seen and split_of(text) == split:
                break
        seen.add(text)
        places = find_words(text)
        yield {
            "id": f"entities-{split}-{seed}-{index}",
            "text_a": text,
            "text_b": "",
            "label": "",
            "group": "aligned" if aligned else "opposed",
            "words": places,
            "tags": _tags([text[start:end] for start, end in places], types, names),
        }


def _name(rng: random.Random, split: str, kind: str, aligned: bool) -> list[str]:
    """Draw the words of a name, all with endings of one type."""
    beginnings = BEGINNINGS[0::2] if split in _IN_DISTRIBUTION else BEGINNINGS[1::2]
    ending_of = kind if aligned else rng.choice([other for other in ENDINGS if other != kind])
    return [
        rng.choice(beginnings) + rng.choice(VOWELS) + rng.choice(ENDINGS[ending_of]) for _ in range(rng.randint(1, 2))
    ]


def _sentence(rng: random.Random, types: list[str], names: list[list[str]]) -> str:
    clauses = [
        rng.choice(CLAUSES[kind]).format(
            name=" ".join(name), time=rng.choice(words.MARKERS["time"]), day=rng.choice(words.DAYS)
        )
        for kind, name in zip(types, names, strict=True)
    ]
    text = rng.choice(LINKS).join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _tags(found: list[str], types: list[str], names: list[list[str]]) -> list[str]:
    """Return the tags of a sentence's words, given its names in their order."""
    tags, start = ["O"] * len(found), 0
    for kind, name in zip(types, names, strict=True):
        start = next(place for place in range(start, len(found)) if found[place : place + len(name)] == name)
        tags[start] = f"B-{kind}"
        tags[start + 1 : start + len(name)] = [f"I-{kind}"] * (len(name) - 1)
        start += len(name)
    return tags
