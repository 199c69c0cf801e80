"""What the generated corpora have in common: splits that share no row, templates read from a table, word overlap."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping

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


def check_split(corpus: str, split: str) -> None:
    """Refuse, with a UserError, an unknown split."""
    if split not in SPLITS:
        raise UserError(f"Unknown split {split!r} of the generated {corpus} corpus: choose one of {', '.join(SPLITS)}.")


def check_arguments(corpus: str, split: str, bias_rate: float) -> None:
    """Refuse, with a UserError, an unknown split or a bias rate that is no probability."""
    check_split(corpus, split)
    if not 0 <= bias_rate <= 1:
        raise UserError(f"bias_rate is {bias_rate}, but it is a probability: choose a value from 0 to 1.")


def fill(template: str, slots: Mapping[str, str], end: str = ".") -> str:
    """A template as a sentence."""
    text = template.format_map(slots)
    return f"{text[0].upper()}{text[1:]}{end}"


def tokens(text: str) -> list[str]:
    """Its words in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def overlap(first: str, second: str) -> float:
    """Return the share of the second text's tokens that occur in the first (lower-cased, without punctuation)."""
    known = set(tokens(first))
    found = tokens(second)
    return sum(token in known for token in found) / len(found)


def split_of(key: str) -> str:
    """Give every key to one split by a hash that is the same in every process."""
    return SPLITS[hashlib.blake2b(key.encode(), digest_size=1).digest()[0] % len(SPLITS)]
