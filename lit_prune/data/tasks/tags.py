"""Tags of words as entities: IO, BIO (IOB1 and IOB2), BILOU and BIOES read alike, and BIO written.

Entities are those of conlleval, the script of the CoNLL tasks (Tjong Kim Sang & De Meulder 2003): an I of another type
than the tag before, or after an O, begins an entity. So legal tags of every scheme have one meaning, and illegal ones
have one too.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lit_prune.errors import UserError

OUTSIDE = "O"
_PREFIXES = ("B", "I", "E", "L", "S", "U")


class Entity(NamedTuple):
    """An entity: its type, and its first and last word."""

    type: str
    first: int
    last: int


def find_entities(tags: Sequence[str]) -> list[Entity]:
    """Find the entities of a sequence of tags, in their order.

    Args:
        tags: `O`, or a prefix, - and a type, for each word. B and S (or U) begin an entity; I and E (or L) continue one
            of their type, or else begin one; E, L, S and U end one.
    """
    entities: list[Entity] = []
    current = ""  # the type of the entity that a next word may continue
    for word, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix == OUTSIDE:
            current = ""
            continue
        if prefix in "IEL" and kind == current:
            entities[-1] = entities[-1]._replace(last=word)
        else:
            entities.append(Entity(kind, word, word))
        current = "" if prefix in "ELSU" else kind
    return entities


def bio_tags(types: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of entity types in BIO: O, B-<type>, I-<type>, ..."""
    return (OUTSIDE, *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))


def to_bio(tags: Sequence[str], types: Sequence[str], where: str) -> list[str]:
    """Convert tags of any scheme to BIO; without prefixes, they are those of IO.

    Args:
        tags: A tag for each word.
        types: The entity types.
        where: Names the words in errors.

    Raises:
        UserError: A tag is none of the types.
    """
    prefixed = [f"I-{tag}" if tag in types else tag for tag in tags]
    for given, tag in zip(tags, prefixed, strict=True):
        prefix, _, kind = tag.partition("-")
        if tag != OUTSIDE and not (prefix in _PREFIXES and kind in types):
            known = ", ".join(f"B-{kind}" for kind in types)
            raise UserError(f"unknown tag {given!r} of {where}: choose from O, {known}, or with I, E, L, S, U for B")
    result = [OUTSIDE] * len(tags)
    for kind, first, last in find_entities(prefixed):
        result[first : last + 1] = [f"B-{kind}", *[f"I-{kind}"] * (last - first)]
    return result
