"""The words of a text, where no file lists them."""

import regex

# Scripts without spaces between words have a word per character.
_WORD = regex.compile(r"\p{Han}|(?:(?!\p{Han})[\p{L}\p{M}\p{N}])+|\S")


def find_words(text: str) -> list[list[int]]:
    """Find the words of a text: runs of letters and digits, with their accents; every other character is one by itself.

    A Chinese character is a word by itself too.

    Args:
        text: The text.

    Returns:
        Where each word begins and ends, in characters, without white space: [[start, end], ...].
    """
    return [[*found.span()] for found in _WORD.finditer(text)]


def join_words(words: list[str]) -> tuple[str, list[list[int]]]:
    """Join words by spaces; returns the text, and where each word begins and ends in it, in characters."""
    places, start = [], 0
    for word in words:
        places.append([start, start + len(word)])
        start += len(word) + 1
    return " ".join(words), places
