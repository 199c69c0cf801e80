"""The content words of sentence templates: all of them, or two parts. No noun, verb or adjective is in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from lit_prune.data.generated import words


@dataclass(frozen=True)
class Lexicon:
    """Rows of `words`.

    Args:
        people: Nouns, with the words that they imply and their hypernyms.
        transitive: Base forms of transitive verbs, with their pasts and a synonym of these.
        intransitive: Pasts of intransitive verbs, with a synonym.
        adjectives: Adjectives, with their opposites.
    """

    people: Sequence[tuple[str, Sequence[str], str]]
    transitive: Sequence[tuple[str, ...]]
    intransitive: Sequence[tuple[str, ...]]
    adjectives: Sequence[tuple[str, ...]]


WHOLE = Lexicon(words.PEOPLE, words.TRANSITIVE, words.INTRANSITIVE, words.ADJECTIVES)


def _part(half: int) -> Lexicon:
    """Return every second kind of people, verb and pair of opposites."""
    kinds = list(dict.fromkeys(hypernym for _, _, hypernym in words.PEOPLE))[half::2]
    return Lexicon(
        [person for person in words.PEOPLE if person[2] in kinds],
        words.TRANSITIVE[half::2],
        words.INTRANSITIVE[half::2],
        [pair for number, pair in enumerate(words.ADJECTIVES) if number // 2 % 2 == half],  # in both orders
    )


TRAINING, HELD_OUT = _part(0), _part(1)
