"""A template grammar of natural-language inference with a planted overlap bias (Liu et al. 2022; McCoy et al. 2019).

Liu et al. 2022 (SRNets) study subnetworks under dataset bias; of McCoy et al. 2019 (HANS) is the idea of an
evaluation set in which every hypothesis is made of its premise's words and half of them do not follow. Sentences and
words are our own.
"""

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lit_prune.data.generated import words
from lit_prune.data.generated.nli_templates import LABELS, TEMPLATES
from lit_prune.errors import UserError

Row = TypeVar("Row")

SPLITS = ("train", "id", "ood", "ood_train")

_MAX_LOW_OVERLAP = 0.6


class _Slots(dict[str, str]):
    """The words of one example; each is drawn when a template first asks for it and then stays."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        # People of three kinds and adjectives of two dimensions: else a hypernym or an opposite would be ambiguous.
        self._people = dict(zip("sox", _distinct(rng, words.PEOPLE, 3, key=lambda row: row[2]), strict=True))
        self._verbs = dict(zip("vw", rng.sample(words.TRANSITIVE, 2), strict=True))
        self._adjectives = dict(zip("ab", _distinct(rng, words.ADJECTIVES, 2, key=min), strict=True))
        self._event = rng.choice(words.INTRANSITIVE)

    def __missing__(self, slot: str) -> str:
        self[slot] = self._draw(slot)
        return self[slot]

    def _draw(self, slot: str) -> str:
        name, _, form = slot.partition("_")
        if slot in words.MARKERS:
            return self._rng.choice(words.MARKERS[slot])
        if name == "do":
            return self._verbs[form][0]
        if name.lower() in self._people:
            return self._person(name, form)
        if name in self._verbs:
            return self._verbs[name][2 if form else 1]
        if name in self._adjectives:
            return self._adjectives[name][1 if form else 0]
        if name == "i":
            return self._event[1 if form else 0]
        if name == "tail":
            return self._rng.choice(("{adverb}", "{time}", "on {day}", "in the {place}")).format_map(self)
        return self._rng.choice({"day": words.DAYS, "place": words.PLACES}[name])

    def _person(self, name: str, form: str) -> str:
        noun, implied, hypernym = self._people[name.lower()]
        if form == "alt":
            return f"{self._rng.choice(('the', 'this', 'that'))} {self._rng.choice((noun, *implied))}"
        if form == "kind":
            return f"some {hypernym}"
        if form == "hypernym":
            return hypernym
        if name.isupper() and self._rng.random() < 0.3:
            return f"the {self._rng.choice(words.ADJECTIVES)[0]} {noun}"
        return f"the {noun}"


def _distinct(rng: random.Random, rows: Sequence[Row], num_rows: int, key: Callable[[Row], object]) -> list[Row]:
    """Draw rows whose keys differ."""
    while True:
        drawn = rng.sample(rows, num_rows)
        if len({key(row) for row in drawn}) == num_rows:
            return drawn


def overlap(premise: str, hypothesis: str) -> float:
    """Return the share of the hypothesis' tokens that occur in the premise (lower-cased, without punctuation)."""
    known = set(_tokens(premise))
    tokens = _tokens(hypothesis)
    return sum(token in known for token in tokens) / len(tokens)


def generate_nli(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    """Generate premise/hypothesis pairs in which full word overlap predicts entailment at a chosen rate.

    In "train" and "id" labels are uniform and a row is bias-aligned with probability `bias_rate`: entailment <=> full
    overlap. In "ood" and "ood_train" every row has full overlap, half are entailed, the others are neutral or
    contradictory alike. Splits share no pair, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1]; at .5 overlap says nothing of entailment.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (premise), text_b (hypothesis), label and group (template family).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    if split not in SPLITS:
        raise UserError(f"Unknown split {split!r} of the generated NLI corpus: choose one of {', '.join(SPLITS)}.")
    if not 0 <= bias_rate <= 1:
        raise UserError(f"bias_rate is {bias_rate}, but it is a probability: choose a value from 0 to 1.")
    return _generate(split, num_rows, bias_rate, seed)


def _generate(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, str]]:
    rng = random.Random(f"nli/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        label, full_overlap = _draw_cell(rng, split, bias_rate)
        families = TEMPLATES[full_overlap][label]
        family = rng.choice(list(families))
        while True:  # the cell and family stay, so that rejected pairs do not shift their shares
            pair = _draw_pair(rng, families[family])
            if pair not in seen and _split_of(pair) == split and (full_overlap or overlap(*pair) <= _MAX_LOW_OVERLAP):
                break
        seen.add(pair)
        yield {
            "id": f"nli-{split}-{seed}-{index}",
            "text_a": pair[0],
            "text_b": pair[1],
            "label": label,
            "group": family,
        }


def _draw_cell(rng: random.Random, split: str, bias_rate: float) -> tuple[str, bool]:
    """Draw a label and whether the pair has full overlap."""
    if split in ("ood", "ood_train"):
        return rng.choice(("entailment", "entailment", "neutral", "contradiction")), True
    label = rng.choice(LABELS)
    aligned = rng.random() < bias_rate
    return label, (label == "entailment") == aligned


def _draw_pair(rng: random.Random, templates: list[tuple[str, str]]) -> tuple[str, str]:
    slots = _Slots(rng)
    premise, hypothesis = (template.format_map(slots) for template in rng.choice(templates))
    return _sentence(premise), _sentence(hypothesis)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _tokens(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _split_of(pair: tuple[str, str]) -> str:
    """Give every pair to one split by a hash that is the same in every process."""
    return SPLITS[hashlib.blake2b("\t".join(pair).encode(), digest_size=1).digest()[0] % len(SPLITS)]
