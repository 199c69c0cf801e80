"""Shared parts of the generated corpora: splits that share no row, templates read from a table, word overlap."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lit_prune.errors import UserError

SPLITS = ("train", "id", "ood", "ood_train")

Templates = dict[str, dict[str, list[tuple[str, str]]]]
"""Label -> family -> [(first text, second text)]."""


def read_templates(families: Mapping[str, str], label_of: Mapping[str, str]) -> Templates:
    """Read a table of templates.

    Args:
        families: Family -> lines "letter: first text => second text"; several second texts are parted by " | ".
        label_of: Letter -> label.
    """
    grammar: Templates = {label: defaultdict(list) for label in label_of.values()}
    for family, lines in families.items():
        for line in lines.strip().splitlines():
            letter, pair = line.strip().split(": ", 1)
            first, seconds = pair.split(" => ")
            grammar[label_of[letter]][family] += [(first, second) for second in seconds.split(" | ")]
    return grammar


def check_split(corpus: str, split: str, splits: Sequence[str] = SPLITS) -> None:
    """Raise a UserError if a split is unknown."""
    if split not in splits:
        raise UserError(f"unknown split {split!r} of the generated {corpus} corpus: choose from {', '.join(splits)}")


def check_arguments(corpus: str, split: str, bias_rate: float, splits: Sequence[str] = SPLITS) -> None:
    """Raise a UserError if a split is unknown or a bias rate is no probability."""
    check_split(corpus, split, splits)
    if not 0 <= bias_rate <= 1:
        raise UserError(f"bias_rate must be from 0 to 1, got {bias_rate}: it is a probability")


def fill(template: str, slots: Mapping[str, str], end: str = ".") -> str:
    """Fill the slots of a template."""
    text = template.format_map(slots)
    return f"{text[0].upper()}{text[1:]}{end}"


def tokens(text: str) -> list[str]:
    """Return the words of a sentence in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def overlap(first: str, second: str) -> float:
    """Return the share of the second text's tokens that occur in the first (lower-cased, without punctuation)."""
    known = set(tokens(first))
    found = tokens(second)
    return sum(token in known for token in found) / len(found)


def split_of(key: str, splits: Sequence[str] = SPLITS) -> str:
    """Give every key to one split by a hash that is the same in every process."""
    return splits[hashlib.blake2b(key.encode(), digest_size=1).digest()[0] % len(splits)]
