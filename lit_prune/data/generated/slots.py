"""The slots of a sentence template, filled at random and alike wherever a template names them again."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from lit_prune.data.generated import words
from lit_prune.data.generated.lexicon import WHOLE, Lexicon

Row = TypeVar("Row")


class Slots(dict[str, str]):
    """The words of one example; each is drawn when a template first has its slot, and then stays.

    Args:
        rng: The draw.
        lexicon: The content words to draw from.
    """

    def __init__(self, rng: random.Random, lexicon: Lexicon = WHOLE) -> None:
        super().__init__()
        self._rng = rng
        self._lexicon = lexicon
        # People of three kinds and adjectives of two dimensions: else a hypernym or an opposite would be ambiguous.
        self._people = dict(zip("sox", draw_distinct(rng, lexicon.people, 3, key=lambda row: row[2]), strict=True))
        self._verbs = dict(zip("vw", rng.sample(lexicon.transitive, 2), strict=True))
        self._adjectives = dict(zip("ab", draw_distinct(rng, lexicon.adjectives, 2, key=min), strict=True))
        self._event = rng.choice(lexicon.intransitive)

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
        if name in ("p", "q"):
            self |= zip("pq", self._rng.sample(words.PLACES, 2), strict=True)
            return self[name]
        if name == "j":
            return self._rng.choice([event for event in self._lexicon.intransitive if event != self._event])[0]
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
            return f"the {self._rng.choice(self._lexicon.adjectives)[0]} {noun}"
        return f"the {noun}"


def draw_distinct(rng: random.Random, rows: Sequence[Row], num_rows: int, key: Callable[[Row], object]) -> list[Row]:
    """Draw rows whose keys differ."""
    while True:
        drawn = rng.sample(rows, num_rows)
        if len({key(row) for row in drawn}) == num_rows:
            return drawn
