"""Words of raw texts."""

import pytest

from lit_prune.data.sources.words import find_words, join_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada's 2nd note, cost 5€.", ["Ada", "'", "s", "2nd", "note", ",", "cost", "5", "€", "."]),
        ("  two\tspaces\n", ["two", "spaces"]),
        ("cafe\u0301 हिन्दी", ["cafe\u0301", "हिन्दी"]),  # combining accents and vowel signs are parts of words
        ("在Berlin 北京", ["在", "Berlin", "北", "京"]),
        ("a\u200bb", ["a", "\u200b", "b"]),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_digits_and_single_characters(text, words):
    places = find_words(text)
    assert [text[start:end] for start, end in places] == words
    assert "".join(words) == "".join(each for each in text if not each.isspace())


def test_joined_words_stand_where_they_are_said_to():
    text, places = join_words(["New", "York", "."])
    assert text == "New York ."
    assert [text[start:end] for start, end in places] == ["New", "York", "."]
