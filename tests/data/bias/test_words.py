"""Words, and the share of them that another text has."""

import pytest

from lit_prune.data.bias.words import lowered, word_overlap, words


def test_words_and_punctuation():
    assert words("Don't go, Ann!") == ["Don", "'", "t", "go", ",", "Ann", "!"]
    assert words("  ") == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("a b c", "c a b", 1), ("a b c d", "a a x", 2 / 3), ("The Man", "man .", 1 / 2), ("a", "", 0), ("", "a", 0)],
)
def test_overlap_is_of_the_second_texts_words_whatever_their_case(first, second, expected):
    assert word_overlap(first, second) == pytest.approx(expected)
    assert lowered(words(first)) == words(first.lower())
