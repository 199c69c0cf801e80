"""Words of a text, and how many of them another text has."""

import re


def words(text: str) -> list[str]:
    """Split a text into words and punctuation marks, case kept: "don't." -> don ' t ."""
    return re.findall(r"\w+|[^\w\s]", text)


def word_overlap(premise: str, hypothesis: str) -> float:
    """Compute the share of the hypothesis' tokens that occur in the premise, in any case; 0 without tokens."""
    known = set(lowered(words(premise)))
    tokens = lowered(words(hypothesis))
    return sum(token in known for token in tokens) / len(tokens) if tokens else 0.0


def lowered(tokens: list[str]) -> list[str]:
    """Return the tokens in lower case."""
    return [token.lower() for token in tokens]
