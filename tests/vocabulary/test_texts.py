"""Texts of files."""

import pytest

from lit_prune.errors import UserError
from lit_prune.vocabulary.texts import TextSet, read_texts


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("premise,hypothesis,label\nA b.,c,1\nd,,0\n")
    return path


def test_columns_with_usual_names_are_found(pairs):
    read = read_texts(pairs, None, labelled=True)
    assert read == TextSet(["A b.", "d"], ["c", ""], ["1", "0"])
    assert read.texts == ["A b.", "d", "c"]


def test_labels_are_left_out_if_they_are_not_needed(pairs):
    pairs.write_text("premise,hypothesis,label\nA b.,c,1\nd,e,\n")
    assert read_texts(pairs, None, labelled=False) == TextSet(["A b.", "d"], ["c", "e"], [])


def test_columns_may_be_named(pairs):
    assert read_texts(pairs, {"text_a": "label"}, labelled=True) == TextSet(["1", "0"], [], [])


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("none.csv", None, "none.csv must be a file, got none"),
        ("texts.md", None, "must end in one of .*, got '.md'"),
        ("odd.csv", None, "must have usual names for one or two columns of texts, got x, y: name them by --columns"),
        ("odd.csv", {"text_a": "z"}, "unknown column 'z'"),
        ("empty.csv", {"text_a": "x"}, "must have rows, got none"),
    ],
)
def test_other_files_are_errors(tmp_path, name, columns, message):
    (tmp_path / "texts.md").write_text("a\n")
    (tmp_path / "odd.csv").write_text("x,y\na,b\n")
    (tmp_path / "empty.csv").write_text("x,y\n")
    with pytest.raises(UserError, match=message):
        read_texts(tmp_path / name, columns, labelled=False)
