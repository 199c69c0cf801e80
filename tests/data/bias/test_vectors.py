"""Word vectors of an encoder and of a file."""

import numpy as np
import pytest

from lit_prune.data.bias.vectors import embedding_vectors, read_vec
from lit_prune.errors import UserError


def test_embedding_vectors_are_unit_means_of_pieces_looked_up_once():
    asked = []

    def tokenize(word):
        asked.append(word)
        return {"ab": [0, 1], "none": [], "zero": [2]}[word]

    vector = embedding_vectors(tokenize, np.array([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(vector("ab"), [0.6, 0.8], rtol=1e-6)
    assert vector("ab") is vector("ab")
    assert vector("none") is None
    assert vector("zero") is None
    assert asked == ["ab", "none", "zero"]


def test_read_vec_keeps_the_words_asked_for(tmp_path):
    path = tmp_path / "small.vec"
    path.write_text("3 2\nman 3 4 \nMan 0 1\nnot\u00a0asked oops\nzero 0 0\n")
    vector = read_vec(str(path), {"man", "zero", "absent"})
    np.testing.assert_allclose(vector("man"), [0.6, 0.8], rtol=1e-6)
    assert [vector(word) for word in ("Man", "zero", "absent")] == [None, None, None]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("man 1 2\n", "bad.vec:1 must be \"<words> <dimension>\", got b'man 1 2'"),
        ("1 2\nman 1 x\n", r"bad.vec:2: vectors must be numbers, got others \(could not convert .*: fetch it again"),
        ("1 2\nman 1\n", r"bad.vec:2: vectors must have 2 numbers, got 1"),
    ],
)
def test_read_vec_names_the_line(tmp_path, content, message):
    (tmp_path / "bad.vec").write_text(content)
    with pytest.raises(UserError, match=message):
        read_vec(str(tmp_path / "bad.vec"), {"man"})


def test_read_vec_without_a_file(tmp_path):
    with pytest.raises(UserError, match=r"vectors must be a file, got .*none.vec: correct it, or set null"):
        read_vec(str(tmp_path / "none.vec"), {"man"})
